"""The web site that the demo crawls: Python's own documentation server in a child process; needs no network."""

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


class DemoSiteError(HeadwayError):
    """The documentation server did not start."""


@asynccontextmanager
async def pydoc_site(empty: Path) -> AsyncIterator[str]:
    """Run a `pydoc` server and yield its URL. Raises DemoSiteError when it does not start.

    `empty` is a folder without files: the server would list and import what its folder contains.
    """
    process = await _start(empty)
    drain: asyncio.Task[None] | None = None
    try:
        url = await _read_url(process)
        drain = asyncio.create_task(_drain(process), name="output of pydoc")
        yield url
    finally:
        if drain is not None:
            drain.cancel()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _start(folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        # -I -S: serve the standard library only, without installed packages.
        *bound(sys.executable, "-I", "-S", "-u", "-W", "ignore", "-m", "pydoc", "-n", "127.0.0.1", "-p", "0"),
        cwd=folder,
        env=_environ(),
        stdin=asyncio.subprocess.PIPE,  # pydoc exits at the end of its standard input
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )


def _environ() -> dict[str, str]:
    # pydoc imports the modules that it documents, and some have side effects: `antigravity` opens a browser.
    kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return kept | {"BROWSER": "true"}


async def _read_url(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            while line := await process.stdout.readline():
                if found := _URL.search(line):
                    return found[1].decode()
    except TimeoutError:
        pass
    raise DemoSiteError("Python's documentation server did not start. Name another site with --url.")


async def _drain(process: asyncio.subprocess.Process) -> None:
    # Some modules print when they are imported; a full pipe would block the server.
    assert process.stdout is not None
    while await process.stdout.read(65536):
        pass


def private_host(url: str) -> str:
    """Return `host:port` of a URL whose host is not public; an empty string for a public or unknown host.

    The crawler requests a private host only if its settings allow it by name.
    """
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
