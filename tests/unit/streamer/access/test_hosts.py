"""The names that requests may address a streamer by."""

import pytest

from headway_streamer.access.hosts import AllowedHosts, Host, parse_host, parse_name

pytestmark = pytest.mark.security


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("localhost", Host("localhost", None)),
        ("LOCALHOST.:80", Host("localhost", 80)),
        ("localhost:", Host("localhost", None)),
        ("127.0.0.1:8000", Host("127.0.0.1", 8000)),
        ("[::1]:8000", Host("::1", 8000)),
        ("[0:0:0:0:0:0:0:1]", Host("::1", None)),
        ("[::ffff:127.0.0.1]", Host("127.0.0.1", None)),
        ("my_streamer.a-b.example:65535", Host("my_streamer.a-b.example", 65535)),
    ],
)
def test_a_host_is_read_in_one_form(text, host):
    assert parse_host(text) == host


GARBAGE = [
    "",
    ":80",
    "a b",
    "a,b",
    "localhost,localhost",
    "user@localhost",
    "localhost:80:80",
    "localhost:99999",
    "localhost:x",
    "localhost/evil",
    "localhost..",
    ".localhost",
    "-a.example",
    "[::1",
    "[localhost]",
    "::1",
    "[fe80::1%eth0]",
    "http://localhost",
    "loc\u0430lhost",
    "localhost\t",
    "localhost\n",
    "localhost\x00",
    "*",
    "a" * 64,
    "a." * 200 + "b",
]


@pytest.mark.parametrize("text", GARBAGE)
def test_what_is_not_a_host_is_not_read(text):
    assert parse_host(text) is None


def test_names_of_the_loopback_are_always_allowed():
    for hosts in (AllowedHosts(), AllowedHosts(["app.example.org"]), AllowedHosts(bound="0.0.0.0")):
        for name in ("localhost", "a.localhost", "a.b.localhost", "127.0.0.1", "127.9.9.9", "::1"):
            assert name in hosts


@pytest.mark.parametrize(
    "name",
    [
        "rebind.example",
        "localhost.example",
        "notlocalhost",
        "127.0.0.1.example",
        "127.1",
        "0.0.0.0",
        "::",
        "2130706433",
        "0x7f000001",
        "10.0.0.7",
        "2001:db8::1",
    ],
)
def test_other_names_are_not(name):
    assert name not in AllowedHosts()
    assert name not in AllowedHosts(bound="0.0.0.0")
    assert name not in AllowedHosts(bound="::")


def test_listed_names_and_those_below_a_star_are_allowed():
    hosts = AllowedHosts(["App.example.org.", "*.Example.com", "10.0.0.7", "[2001:DB8::1]"])
    assert all(name in hosts for name in ("app.example.org", "a.example.com", "a.b.example.com", "10.0.0.7"))
    assert "2001:db8::1" in hosts
    for name in ("example.org", "x.app.example.org", "example.com", "notexample.com", "app.example.org.evil.example"):
        assert name not in hosts


def test_the_address_that_is_bound_is_allowed():
    assert "10.0.0.7" in AllowedHosts(bound="10.0.0.7")
    assert "2001:db8::1" in AllowedHosts(bound="2001:db8::1")
    assert "box.lan" in AllowedHosts(bound="Box.lan")


def test_the_ops_port_is_reached_by_any_address_and_no_other_name():
    hosts = AllowedHosts(any_address=True)
    assert all(name in hosts for name in ("10.0.0.7", "2001:db8::1", "localhost"))
    assert "rebind.example" not in hosts


def test_a_name_is_compared_in_lower_case_without_its_last_dot():
    assert (parse_name("App.Example."), parse_name("[::1]"), parse_name("a b")) == ("app.example", "::1", None)
