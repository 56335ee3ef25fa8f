"""Tokens that a streamer of the same secret accepts, for the time and the scopes that were given."""

from __future__ import annotations

import time

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from headway.client import sign_token

pytestmark = pytest.mark.security
SECRET = "a secret of sufficient length for tokens"


def claims(text: str) -> dict[str, object]:
    return jwt.decode(text, OctKey.import_key(SECRET)).claims


def test_a_token_names_its_owner_and_what_it_allows_for_a_minute() -> None:
    found = claims(sign_token(SECRET, "ann", scopes=("tasks:read",)))
    assert (found["sub"], found["scope"], found["aud"], found["iss"]) == ("ann", "tasks:read", "headway", "headway")
    assert found["exp"] - found["iat"] == 60
    assert abs(found["iat"] - time.time()) < 60


def test_each_token_can_be_revoked_alone() -> None:
    assert len({claims(sign_token(SECRET, "ann"))["jti"] for _ in range(10)}) == 10


def test_claims_have_the_names_that_the_streamer_looks_for() -> None:
    found = claims(sign_token(SECRET, "ann", owner_claim="email", scopes_claim="roles", audience="a", org="acme"))
    assert (found["email"], found["aud"], found["org"]) == ("ann", "a", "acme")
    assert "tasks:submit" in found["roles"]
    assert "sub" not in found
