"""Whose address counts, and what is counted as one."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import SettingsError
from headway_streamer.access.addresses import Networks, address_of, client_address, parse_networks

pytestmark = pytest.mark.security
PROXIES = Networks([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])


def client(peer, *values):
    return client_address(peer, [(b"x-forwarded-for", value.encode("latin-1")) for value in values], PROXIES)


@pytest.mark.parametrize(
    ("peer", "values", "expected"),
    [
        ("203.0.113.1", [], "203.0.113.1"),
        ("203.0.113.1", ["198.51.100.1"], "203.0.113.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66", "198.51.100.1", "10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("fd00::1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, unknown, 10.0.0.5"], "10.0.0.5"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_the_last_address_that_is_no_proxy_counts(peer, values, expected):
    assert client(peer, *values) == expected


@given(made_up=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=80))
def test_what_a_client_sends_before_its_proxy_changes_nothing(made_up):
    assert client("10.0.0.1", f"{made_up}, 198.51.100.1") == "198.51.100.1"
    assert client("203.0.113.1", made_up) == "203.0.113.1"


def test_without_trusted_proxies_the_peer_counts():
    assert client_address("10.0.0.1", [(b"x-forwarded-for", b"198.51.100.1")], Networks([])) == "10.0.0.1"
    assert not Networks([])
    assert "unix" not in PROXIES


def test_a_subscriber_of_ipv6_is_one_address():
    addresses = {address_of(f"2001:db8:0:1::{n:x}") for n in range(1000)}
    assert len(addresses) == 1
    assert address_of("2001:db8:0:2::1") not in addresses
    assert address_of("not:an:address") == "not:an:address"


def test_an_odd_network_is_named():
    with pytest.raises(SettingsError, match=r"PROXIES: 10\.0\.0\.1/8 has host bits"):
        parse_networks("PROXIES", ["10.0.0.1/8"])
