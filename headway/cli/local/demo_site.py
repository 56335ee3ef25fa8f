"""A real web site without a network: the documentation server that comes with Python, in a process of its own."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from headway.errors import HeadwayError
from headway.service.die_with_parent import bound

START_SECONDS = 20.0
_URL = re.compile(rb"ready at (http://\S+)")


class SiteError(HeadwayError):
    """The site did not start."""


@asynccontextmanager
async def pydoc_site(empty: Path) -> AsyncIterator[str]:
    """The URL of a running `pydoc` server. `empty` is a folder without files: it would list and import what is there.

    Raises SiteError when it does not start.
    """
    process = await asyncio.create_subprocess_exec(
        # -I -S: the standard library only, not what is installed.
        *bound(sys.executable, "-I", "-S", "-u", "-W", "ignore", "-m", "pydoc", "-n", "127.0.0.1", "-p", "0"),
        cwd=empty,
        env=_environ(),
        stdin=asyncio.subprocess.PIPE,  # it ends when it can read no more commands
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    drain: asyncio.Task[None] | None = None
    try:
        url = await _url(process)
        drain = asyncio.create_task(_drain(process), name="output of pydoc")
        yield url
    finally:
        if drain is not None:
            drain.cancel()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _environ() -> dict[str, str]:
    # Some modules do things when they are imported, and pydoc imports what it shows: `antigravity` opens a browser.
    kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return kept | {"BROWSER": "true"}


async def _url(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            while line := await process.stdout.readline():
                if found := _URL.search(line):
                    return found[1].decode()
    except TimeoutError:
        pass
    raise SiteError("Python's documentation server did not start. Name a site of your own with --url.")


async def _drain(process: asyncio.subprocess.Process) -> None:
    # Some modules print when they are imported; a full pipe would stop the server.
    assert process.stdout is not None
    while await process.stdout.read(65536):
        pass


def private_host(url: str) -> str:
    """`host:port` of a URL whose host is not public and must be allowed by name; empty for a public or unknown one."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = socket.getaddrinfo(parts.hostname or "", port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        return ""
    if all(ipaddress.ip_address(str(info[4][0]).partition("%")[0]).is_global for info in found):
        return ""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{port}"
