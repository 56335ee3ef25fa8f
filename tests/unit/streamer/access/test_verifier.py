"""Good tokens are accepted, and none of a corpus of bad ones."""

import pytest

from headway_streamer.access.claims import ClaimNames, principal
from headway_streamer.access.errors import UnauthenticatedError
from tests.fixtures import tokens

pytestmark = [pytest.mark.security, pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")]
BAD = tokens.bad_tokens()


def accepted(token):
    return principal(tokens.verifier().claims(token), ClaimNames())


@pytest.mark.parametrize("key", tokens.KEYS)
def test_a_good_token_is_accepted(key):
    found = accepted(tokens.token(key))
    assert found.owner == "ann"
    assert found.expires == tokens.NOW + 600
    assert found.token == "t1"
    assert "tasks:read" in found.scopes


@pytest.mark.parametrize(
    "changed",
    [{"header": {"typ": "at+jwt"}}, {"header": {"typ": "application/at+JWT"}}, {"aud": ["other", "headway"]},
     {"nbf": tokens.NOW + 10}, {"iat": tokens.NOW + 10}, {"iat": None}, {"jti": None}],
    ids=str,
)  # fmt: skip
def test_what_the_standards_allow_is_accepted(changed):
    assert accepted(tokens.token(**changed)).owner == "ann"


def test_a_token_without_a_kid_is_accepted_if_only_one_key_fits():
    token = tokens.jwt.encode({"alg": "ES256"}, tokens.claims(), tokens.EC)
    assert accepted(token).owner == "ann"


@pytest.mark.parametrize("token", BAD.values(), ids=BAD)
def test_a_bad_token_is_refused(token):
    with pytest.raises(UnauthenticatedError) as caught:
        accepted(token)
    assert token[:20] not in caught.value.reason or not token


def test_the_corpus_is_large():
    assert len(BAD) >= 60
