"""Tokens of one type are no tokens of another, and secrets can be changed."""

import pytest

from headway.errors import SettingsError
from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.minter import LIFE_SECONDS, Minter
from tests.fixtures import tokens

pytestmark = pytest.mark.security
OLD, NEW = "an old secret of sufficient length", "a new secret of sufficient length"


def minter(*secrets, type="a+jwt", after=0.0):
    return Minter(type, secrets or (NEW,), clock=lambda: tokens.NOW + after)


def test_claims_come_back_until_the_token_expires():
    token = minter().mint({"x": 1}, float("inf"))
    assert minter(after=LIFE_SECONDS - 1).claims(token)["x"] == 1
    with pytest.raises(UnauthenticatedError):
        minter(after=LIFE_SECONDS + 60).claims(token)


def test_a_token_never_outlives_the_one_that_it_was_made_for():
    assert minter().claims(minter().mint({}, tokens.NOW + 60))["exp"] == tokens.NOW + 60


def test_claims_cannot_be_set_to_those_of_another_issuer():
    assert minter().claims(minter().mint({"x": 1}, tokens.NOW + 60))["iss"] == "headway"


def test_secrets_can_be_changed_without_a_gap():
    token = minter(OLD).mint({}, float("inf"))
    assert minter(NEW, OLD).claims(token)
    with pytest.raises(UnauthenticatedError):
        minter(NEW).claims(token)


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_tokens_of_other_types_are_refused():
    token = minter(tokens.SECRET).mint({}, float("inf"))
    for other in (token, tokens.token("hmac"), tokens.signed(typ="b+jwt"), tokens.signed(typ="JWT")):
        with pytest.raises(UnauthenticatedError):
            minter(tokens.SECRET, type="b+jwt").claims(other)


def test_a_short_secret_is_an_error():
    with pytest.raises(SettingsError):
        minter("short")
