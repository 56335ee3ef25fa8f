"""The pages that may use a streamer."""

import pytest

from headway_streamer.access.hosts import Host
from headway_streamer.access.origins import Origins, parse_origin

pytestmark = pytest.mark.security

HERE = Host("app.example", 8000)
LISTED = "https://other.example"
ORIGINS = Origins([LISTED])


def test_an_origin_has_a_scheme_a_host_and_a_port():
    assert parse_origin("HTTP://A.example") == ("http", Host("a.example", 80))
    assert parse_origin("https://[::1]:8443") == ("https", Host("::1", 8443))
    for text in ("", "null", "file://", "a.example", "https://a.example/", "https://a@b", "ws://a.example", "https://"):
        assert parse_origin(text) is None


@pytest.mark.parametrize("origin", ["http://app.example:8000", "https://app.example:8000", "HTTP://APP.example:8000"])
@pytest.mark.parametrize("site", ["", "same-origin", "none"])
def test_own_pages_are_allowed_whatever_the_scheme_behind_a_proxy(origin, site):
    assert ORIGINS.allows(origin, site, HERE)


def test_a_port_that_is_not_named_is_that_of_the_scheme():
    for origin, host, allowed in (
        ("https://app.example", Host("app.example", None), True),
        ("http://app.example", Host("app.example", None), True),
        ("https://app.example", Host("app.example", 443), True),
        ("https://app.example", Host("app.example", 80), False),
        ("http://app.example", Host("app.example", 443), False),
        ("http://app.example:8000", Host("app.example", None), False),
    ):
        assert ORIGINS.allows(origin, "", host) is allowed


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://app.example",
        "http://app.example:8001",
        "http://www.app.example:8000",
        "http://example:8000",
        "http://app.example.evil.example:8000",
        "http://evilapp.example:8000",
        "http://app.example:8000.evil.example",
        "http://app.example:8000@evil.example",
        "http://app.example:8000,http://app.example:8000",
        "file://",
        "chrome-extension://app.example:8000",
        "http://other.example",
        "https://other.example:8443",
        "https://other.example.evil.example",
    ],
)
def test_other_pages_are_not(origin):
    assert not ORIGINS.allows(origin, "", HERE)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_a_page_that_the_browser_calls_foreign_is_not_own(site):
    """`http://app.example` is no page of `https://app.example`, which the server cannot see behind a proxy."""
    assert not ORIGINS.allows("http://app.example", site, Host("app.example", None))


def test_listed_origins_are_allowed_in_any_spelling():
    assert ORIGINS.allows(LISTED, "cross-site", HERE)
    assert ORIGINS.lists("https://Other.example:443")
    assert not ORIGINS.lists("http://app.example:8000")


def test_a_page_is_known_by_its_url():
    for referer, allowed in (
        ("http://app.example:8000/page?x=1", True),
        ("https://other.example/", True),
        ("http://app.example/", False),
        ("http://app.example:8000.evil.example/", False),
        ("http://[", False),
        ("about:blank", False),
        ("", False),
    ):
        assert ORIGINS.allows_referer(referer, HERE) is allowed
