"""The URL that a client is given, and how it connects there."""

from __future__ import annotations

import pytest

from headway.client.connecting import checked_url, options
from headway.errors import ClientError


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://x", "http://", "http://x:port", ""])
def test_what_is_not_the_url_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(ClientError, match="not a URL of a server"):
        checked_url(url)


@pytest.mark.security
def test_a_password_is_in_no_message() -> None:
    for url in ("ftp://ann:secret@x", "http://ann:secret@x:port"):
        with pytest.raises(ClientError) as caught:
            checked_url(url)
        assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "proxies"),
    [("http://127.0.0.1:8000/", False), ("http://[::1]", False), ("http://localhost", False), ("http://x.org", True)],
)
def test_proxies_of_the_environment_are_for_other_machines(url: str, proxies: bool) -> None:
    found = options(url, {"X-User": "me"}, 5)
    assert (found["base_url"], found["trust_env"], found["timeout"]) == (url.rstrip("/"), proxies, 5)
    assert found["headers"] == {"User-Agent": "headway", "X-User": "me"}
