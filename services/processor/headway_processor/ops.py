"""/livez, /readyz and /metrics: a minimal HTTP server, so that the processor needs no web framework."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

MAX_REQUEST_BYTES = 8 * 1024
REQUEST_SECONDS = 5.0
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


class Page(NamedTuple):
    """An answer."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


Pages = dict[str, Callable[[str], Page]]
"""By path; each is called with the query of the request."""


@asynccontextmanager
async def serve(host: str, port: int, pages: Pages) -> AsyncIterator[int]:
    """Answer GET and HEAD for the paths in `pages`, one request per connection. Yields the port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(REQUEST_SECONDS):
                writer.write(await _answer(reader, pages))
                await writer.drain()
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(handle, host, port, limit=MAX_REQUEST_BYTES)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _answer(reader: asyncio.StreamReader, pages: Pages) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        return _encode(Page(400, b"bad request\n"))
    if method not in ("GET", "HEAD"):
        return _encode(Page(405, b"use GET\n"))
    path, _, query = target.partition("?")
    page = pages.get(path)
    return _encode(page(query) if page else Page(404, b"not found\n"), with_body=method == "GET")


def _encode(page: Page, *, with_body: bool = True) -> bytes:
    head = (
        f"HTTP/1.1 {page.status} {REASONS[page.status]}\r\nContent-Type: {page.content_type}\r\n"
        f"Content-Length: {len(page.body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + (page.body if with_body else b"")
