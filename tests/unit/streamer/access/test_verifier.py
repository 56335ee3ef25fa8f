"""Good tokens are accepted, and none of a corpus of bad ones."""

import pytest

from headway_streamer.access.claims import ClaimNames, principal
from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.keys import StaticKeys
from headway_streamer.access.verifier import Requirements, Verifier
from tests.fixtures import tokens

pytestmark = [pytest.mark.security, pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")]
BAD = tokens.bad_tokens()


def accepted(token):
    return principal(tokens.verifier().claims(token), ClaimNames(), token)


@pytest.mark.parametrize("key", tokens.KEYS)
def test_a_good_token_is_accepted(key):
    found = accepted(tokens.token(key))
    assert found.owner == "ann"
    assert found.expires == tokens.NOW + 600
    assert (found.tokens, found.issued) == (("t1",), tokens.NOW)
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


@pytest.mark.parametrize(
    ("claims", "ok"), [({"exp": 1000}, True), ({"exp": 1001}, False), ({"iat": None, "exp": 1000}, True)]
)
def test_a_token_may_live_no_longer_than_revocations_are_kept(claims, ok):
    claims["exp"] += tokens.NOW
    requirements = Requirements(issuer=tokens.ISSUER, audience=tokens.AUDIENCE, max_seconds=1000)
    verifier = Verifier(StaticKeys([tokens.HMAC]), requirements, clock=lambda: tokens.NOW)
    token = tokens.token("hmac", **claims)
    if ok:
        assert verifier.claims(token)
    else:
        with pytest.raises(UnauthenticatedError, match="too long"):
            verifier.claims(token)
