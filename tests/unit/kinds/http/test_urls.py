"""One format for each URL."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_kinds.http.urls import MAX_URL_CHARS, normalise, origin, path, site

BASE = "http://example.org/a/b"


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("c", "http://example.org/a/c"),
        ("/c", "http://example.org/c"),
        ("../../../c", "http://example.org/c"),
        ("./", "http://example.org/a/"),
        ("?q=1", "http://example.org/a/b?q=1"),
        ("", "http://example.org/a/b"),
        ("#top", "http://example.org/a/b"),
        ("//other.org", "http://other.org/"),
        ("HTTPS://Example.ORG:443/X", "https://example.org/X"),
        ("http://example.org:80", "http://example.org/"),
        ("http://example.org:443/", "http://example.org:443/"),
        ("http://example.org./", "http://example.org/"),
        ("  /c\n", "http://example.org/c"),
        ("/a b", "http://example.org/a%20b"),
        ("/%7euser/%c3%a9", "http://example.org/~user/%C3%A9"),
        ("/é?é=é", "http://example.org/%C3%A9?%C3%A9=%C3%A9"),
        ("/100%", "http://example.org/100%25"),
        ("/a/%2e%2e/c", "http://example.org/c"),
        ("http://example.org/a/../../b/.", "http://example.org/b/"),
        ("/c?", "http://example.org/c"),
        ("http://bücher.de/", "http://xn--bcher-kva.de/"),
        ("http://[2001:DB8:0::1]:8080/", "http://[2001:db8::1]:8080/"),
    ],
)
def test_a_link_is_resolved_to_one_form(href, expected):
    assert normalise(href, BASE) == expected


@pytest.mark.security
@pytest.mark.parametrize(
    "href",
    [
        "mailto:a@b.org",
        "javascript:void(0)",
        "ftp://example.org/",
        "data:text/html,x",
        "https://",
        "http://user:secret@example.org/",
        "http://example.org@evil.org/",
        "http://example.org:99999/",
        "http://example.org:0/",
        "http://example.org:x/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://[x]/",
        "http://a b/",
        "http://exa\\mple.org/",
        "http://-/",
        "http://" + "ü" * 300 + ".org/",
        "/" + "x" * MAX_URL_CHARS,
    ],
)
def test_what_cannot_be_fetched_as_a_page_has_no_form(href):
    assert normalise(href, BASE) is None


@given(st.text(max_size=60) | st.text("/.%?#&=:@[]ab2eE0\\ \t", max_size=40))
def test_a_form_is_its_own_form_and_httpx_takes_it_as_it_is(href):
    url = normalise(href, BASE)
    if url is not None:
        assert normalise(url, "") == url
        assert normalise(url, BASE) == url
        assert str(httpx.URL(url)) == url
        assert "#" not in url
        assert url.isascii()


@pytest.mark.security
@given(st.text(max_size=30))
def test_any_host_is_refused_or_understood_by_httpx(host):
    url = normalise(f"http://{host}/", "")
    if url is not None:
        assert httpx.URL(url).raw_host.decode() in url


def test_the_parts_of_a_url_are_found_again():
    url = "https://example.org:8443/a?b=c"
    assert (origin(url), site(url), path(url)) == ("https://example.org:8443", "example.org:8443", "/a?b=c")


def test_http_and_https_of_a_host_are_one_site_and_other_ports_are_not():
    assert site("http://example.org/") == site("https://example.org/")
    assert site("http://example.org:8080/") != site("http://example.org/")
