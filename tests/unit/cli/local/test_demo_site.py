"""The site of the demo."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from headway.cli.local import demo_site
from headway.cli.local.demo_site import DemoSiteError, private_host, pydoc_site


@pytest.mark.security
@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:8080/a", "127.0.0.1:8080"),
        ("https://10.0.0.1/", "10.0.0.1:443"),
        ("http://[::1]/", "[::1]:80"),
        ("http://1.1.1.1/", ""),
        ("http://", ""),
        ("http://h:port/", ""),
    ],
)
def test_only_private_hosts_need_to_be_allowed(url: str, host: str) -> None:
    """A public host may be crawled in any case."""
    assert private_host(url) == host


async def test_documentation_server_runs_until_the_end_of_the_block(tmp_path: Path) -> None:
    async with pydoc_site(tmp_path) as url, httpx.AsyncClient(trust_env=False) as client:
        assert "topics" in (await client.get(f"{url}topics.html")).text
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(url)


async def test_documentation_server_that_does_not_start_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_site, "START_SECONDS", 0.0)
    with pytest.raises(DemoSiteError, match="--url"):
        async with pydoc_site(tmp_path):
            pass
