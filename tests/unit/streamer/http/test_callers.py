"""Whom a request counts against."""

import pytest

from headway_streamer.access.principal import EVERYBODY, Principal
from headway_streamer.http.callers import Callers
from headway_streamer.limits.caller import NOBODY, address_key, owner_key
from headway_streamer.settings import Settings

pytestmark = pytest.mark.security
ADA = Principal("ada", "acme", frozenset())


def caller(principal=EVERYBODY, peer="192.0.2.1", headers=(), **settings):
    scope = {"client": (peer, 1) if peer else None, "headers": list(headers)}
    return Callers(Settings(**settings)).of(scope, principal)


def test_without_access_control_and_limits_nothing_is_counted():
    assert caller() is NOBODY
    assert caller(user_header="x-user")[:2] == ("", "")


def test_an_owner_counts_by_its_tenant_and_name():
    assert caller(ADA)[:2] == (owner_key("acme", "ada"), "")
    assert caller(ADA, max_watchers_per_user=0, max_submit_rate_per_user=0)[:2] == ("", "")


def test_a_user_of_the_header_counts_where_there_are_no_owners():
    headers = [(b"x-user", b"ada")]
    assert caller(headers=headers, user_header="X-User").owner == owner_key("", "ada")
    assert caller(ADA, headers=[(b"x-user", b"eve")], user_header="X-User").owner == owner_key("acme", "ada")


@pytest.mark.parametrize("limit", ["max_watchers_per_address", "max_submit_rate_per_address"])
def test_an_address_counts_where_it_is_limited(limit):
    limits = {limit: 1}
    assert caller(**limits).address == address_key("192.0.2.1")
    assert caller(peer="2001:db8::1", **limits).address == caller(peer="2001:db8::2", **limits).address
    assert caller(peer="", **limits).address == ""
    headers = [(b"x-forwarded-for", b"198.51.100.1")]
    assert caller(headers=headers, **limits).address == address_key("192.0.2.1")
    trusted = caller(headers=headers, trusted_proxies=("192.0.2.0/24",), **limits)
    assert (trusted.address, trusted.host) == (address_key("198.51.100.1"), "198.51.100.1")
