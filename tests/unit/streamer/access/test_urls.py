"""Tokens and keys travel by https, or within this machine."""

import pytest

from headway_streamer.access.urls import is_confidential

pytestmark = pytest.mark.security


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://idp.example/keys", True),
        ("https://idp.example:8443/keys?a=b", True),
        ("http://localhost:9100/keys", True),
        ("http://127.0.0.1/keys", True),
        ("http://[::1]:80/", True),
        ("http://idp.example/keys", False),
        ("http://localhost.evil.example/keys", False),
        ("http://127.0.0.1.evil.example/keys", False),
        ("http://127.0.0.1@evil.example/keys", False),
        ("https://user:word@idp.example/", False),
        ("http://localhost@evil.example/", False),
        ("file:///etc/passwd", False),
        ("javascript:alert(1)", False),
        ("//idp.example/", False),
        ("https://", False),
        ("http://[", False),
        ("None", False),
        ("", False),
    ],
)
def test_a_url_is_confidential_by_its_scheme_and_host(url, expected):
    assert is_confidential(url) is expected
