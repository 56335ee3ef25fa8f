"""Tokens of one type are no tokens of another."""

import pytest
from joserfc import jwt

from headway.errors import UnavailableError
from headway.testing import MemoryBucket
from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.keys import StaticKeys
from headway_streamer.access.minter import LIFE_SECONDS, Minter
from headway_streamer.access.signing_keys import SigningKeys
from tests.fixtures import tokens
from tests.fixtures.access import signing_keys

pytestmark = pytest.mark.security


@pytest.fixture
async def keys():
    return await signing_keys(lambda: tokens.NOW)


def minter(keys, *, type="a+jwt", after=0.0):
    return Minter(type, keys, clock=lambda: tokens.NOW + after)


def test_claims_come_back_until_the_token_expires(keys):
    token = minter(keys).mint({"x": 1}, float("inf"))
    assert minter(keys, after=LIFE_SECONDS - 1).claims(token)["x"] == 1
    with pytest.raises(UnauthenticatedError):
        minter(keys, after=LIFE_SECONDS + 60).claims(token)


def test_it_is_a_json_web_token(keys):
    token = jwt.decode(minter(keys).mint({"x": 1}, tokens.NOW + 60), keys.current(), algorithms=["HS256"])
    assert token.header == {"alg": "HS256", "typ": "a+jwt", "kid": keys.current().kid}
    assert token.claims == {"iss": "headway", "aud": "a+jwt", "exp": tokens.NOW + 60, "x": 1}


@pytest.mark.parametrize(
    "header",
    [{"alg": "none"}, {"alg": "HS512"}, {"typ": "A+JWT"}, {"jwk": {}}, {"crit": []}, {"kid": "other"}, {"kid": None}],
    ids=str,
)
def test_a_header_that_no_streamer_writes_is_refused(keys, header):
    """Even with the signature of the key, and after a good token was read."""
    good = minter(keys)
    assert good.claims(good.mint({}, float("inf")))
    written = {"alg": "HS256", "typ": "a+jwt", "kid": keys.current().kid} | header
    body = tokens.claims(now=tokens.NOW, aud="a+jwt", iss="headway")
    with pytest.raises(UnauthenticatedError):
        good.claims(tokens.forged(written, keys.current().raw_value, body))


@pytest.mark.parametrize(
    "odd",
    ["", ".", "..", "a.b", "a.b.c.d", "a.b.c", "!!.e30.AA", "e30.e30.AA", "Ww.e30.", "é.é.é", "x" * 9000],
)
def test_what_is_not_a_token_is_refused(keys, odd):
    with pytest.raises(UnauthenticatedError):
        minter(keys).claims(odd)


def test_another_spelling_of_the_signature_is_refused(keys):
    """The last letter of base64url has bits that mean nothing."""
    token = minter(keys).mint({}, float("inf"))
    others = [token[:-1] + letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]
    for other in (*others, token + "="):
        if other != token:
            with pytest.raises(UnauthenticatedError):
                minter(keys).claims(other)


def test_a_token_never_outlives_the_one_that_it_was_made_for(keys):
    assert minter(keys).claims(minter(keys).mint({}, tokens.NOW + 60))["exp"] == tokens.NOW + 60


def test_claims_cannot_be_set_to_those_of_another_issuer(keys):
    assert minter(keys).claims(minter(keys).mint({"x": 1}, tokens.NOW + 60))["iss"] == "headway"


async def test_tokens_of_other_keys_are_refused(keys):
    token = minter(await signing_keys(lambda: tokens.NOW)).mint({}, float("inf"))
    with pytest.raises(UnauthenticatedError, match="no key"):
        minter(keys).claims(token)


def test_before_keys_are_known_nothing_is_minted():
    with pytest.raises(UnavailableError):
        minter(SigningKeys(MemoryBucket())).mint({}, float("inf"))


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_tokens_of_other_types_are_refused(keys):
    token = minter(keys).mint({}, float("inf"))
    for other in (token, tokens.token("hmac"), tokens.signed(typ="b+jwt"), tokens.signed(typ="JWT")):
        for known in (keys, StaticKeys([tokens.HMAC])):
            with pytest.raises(UnauthenticatedError):
                minter(known, type="b+jwt").claims(other)
