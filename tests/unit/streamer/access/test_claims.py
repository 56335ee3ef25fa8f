"""Claims become a principal, as configured."""

import pytest

from headway_streamer.access.claims import ClaimNames, find, principal
from headway_streamer.access.errors import UnauthenticatedError

pytestmark = pytest.mark.security
CLAIMS = {"sub": "ann", "exp": 5, "jti": "1"}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("sub", "ann"),
        ("realm.roles", ["a"]),
        ("https://a.example/roles", "b"),
        ("realm.none", None),
        ("sub.x", None),
        ("", None),
    ],
)
def test_a_claim_is_found_by_its_name_or_path(path, found):
    claims = {"sub": "ann", "realm": {"roles": ["a"]}, "https://a.example/roles": "b"}
    assert find(claims, path) == found


@pytest.mark.parametrize(
    ("value", "scopes"),
    [(None, set()), ("", set()), ("a b  a", {"a", "b"}), (["a", "b"], {"a", "b"}), ([], set())],
)
def test_scopes_are_words_or_a_list(value, scopes):
    assert principal(CLAIMS | {"scope": value}, ClaimNames()).scopes == scopes


@pytest.mark.parametrize("value", [1, {"a": 1}, [1], [None], "a " * 101, True])
def test_odd_scopes_are_refused(value):
    with pytest.raises(UnauthenticatedError):
        principal(CLAIMS | {"scope": value}, ClaimNames())


def test_a_tenant_is_required_where_one_is_configured():
    names = ClaimNames(owner="email", tenant="org.id", scopes="roles")
    found = principal(CLAIMS | {"email": "a@b", "org": {"id": "acme"}, "roles": ["r"]}, names)
    assert (found.owner, found.tenant, found.scopes) == ("a@b", "acme", {"r"})
    with pytest.raises(UnauthenticatedError):
        principal(CLAIMS | {"email": "a@b"}, names)


def test_a_token_is_known_by_its_jti():
    assert principal(CLAIMS, ClaimNames(), "h.c.s").tokens == ("1",)


@pytest.mark.parametrize("jti", [None, 7, "", "x" * 129])
def test_a_token_without_an_id_is_known_by_what_its_signature_covers(jti):
    one, other, same = (
        principal(CLAIMS | {"jti": jti}, ClaimNames(), text).tokens for text in ("h.c.s", "h.d.s", "h.c.t")
    )
    assert one == same != other
    assert all(len(token) < 80 for token in one)


def test_a_token_that_does_not_say_when_it_was_issued_is_older_than_all():
    assert [principal(CLAIMS | iat, ClaimNames()).issued for iat in ({}, {"iat": 5})] == [0.0, 5.0]
