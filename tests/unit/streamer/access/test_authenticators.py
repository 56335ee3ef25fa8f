"""Each mode makes a principal of what it trusts, and of nothing else."""

import time
from ipaddress import ip_network

import pytest

from headway_streamer.access.authenticators import (
    Caller,
    ForwardedIdentity,
    ForwardNames,
    NoAuthentication,
    TokenAuthentication,
)
from headway_streamer.access.claims import ClaimNames
from headway_streamer.access.credentials import Credentials
from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.principal import EVERYBODY, READ, SUBMIT
from tests.fixtures import tokens

pytestmark = pytest.mark.security
GATEWAY = ForwardedIdentity(
    [ip_network("10.1.0.0/16"), ip_network("fd00::/8")],
    ForwardNames(b"x-user", b"x-tenant", b"x-scopes"),
    (READ,),
)
NAMED = [(b"x-user", b"ann"), (b"x-tenant", b"acme"), (b"x-scopes", b"tasks:read")]


def caller(*headers, peer="10.1.2.3", **found):
    return Caller(Credentials(**found), list(headers), peer)


def test_without_access_control_everybody_is_everybody():
    assert NoAuthentication().principal(caller(*NAMED, bearer="x")) is EVERYBODY


@pytest.mark.parametrize("place", ["bearer", "cookie"])
def test_a_token_names_the_principal(place):
    mode = TokenAuthentication(tokens.verifier(), ClaimNames())
    assert mode.principal(caller(**{place: tokens.token("hmac")})).owner == "ann"


def test_no_token_and_one_in_the_query_are_refused():
    mode = TokenAuthentication(tokens.verifier(), ClaimNames())
    for found in ({}, {"query": tokens.token("hmac")}):
        with pytest.raises(UnauthenticatedError, match="no token"):
            mode.principal(caller(**found))


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1"])
def test_a_gateway_names_the_principal(peer):
    found = GATEWAY.principal(caller(*NAMED, peer=peer))
    assert (found.owner, found.tenant, found.scopes) == ("ann", "acme", {"tasks:read"})
    assert found.tokens == ()
    assert abs(found.issued - time.time()) < 60  # each request is vouched for


@pytest.mark.parametrize("peer", ["10.2.0.1", "127.0.0.1", "", "unix", "::ffff:10.2.0.1", "::1", "10.1.2.3, 1.1.1.1"])
def test_nobody_else_is_believed(peer):
    with pytest.raises(UnauthenticatedError, match="gateway"):
        GATEWAY.principal(caller(*NAMED, peer=peer))


@pytest.mark.parametrize("missing", range(3))
def test_every_header_is_there_once(missing):
    for headers in (NAMED[:missing] + NAMED[missing + 1 :], [*NAMED, NAMED[missing]]):
        with pytest.raises(UnauthenticatedError):
            GATEWAY.principal(caller(*headers))


def test_a_gateway_that_names_no_scopes_gives_the_default_ones():
    mode = ForwardedIdentity([ip_network("10.0.0.0/8")], ForwardNames(b"x-user"), (SUBMIT, READ))
    found = mode.principal(caller((b"x-user", b"ann"), (b"x-tenant", b"evil"), (b"x-scopes", b"tasks:all")))
    assert (found.tenant, found.scopes) == ("", {SUBMIT, READ})
