"""A minimal HTTP server for /livez, /readyz and /metrics, so that the processor needs no web framework."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

MAX_REQUEST_BYTES = 8 * 1024
REQUEST_SECONDS = 5.0
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


class Response(NamedTuple):
    """An HTTP response."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


Routes = dict[str, Callable[[str], Response]]
"""Handlers by path; each is called with the query of the request."""


@asynccontextmanager
async def serve(host: str, port: int, routes: Routes) -> AsyncIterator[int]:
    """Serve GET and HEAD for the paths in `routes`, one request per connection. Yield the port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(REQUEST_SECONDS):
                writer.write(await _respond(reader, routes))
                await writer.drain()
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(handle, host, port, limit=MAX_REQUEST_BYTES)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _respond(reader: asyncio.StreamReader, routes: Routes) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        return _encode(Response(400, b"bad request\n"))
    if method not in ("GET", "HEAD"):
        return _encode(Response(405, b"use GET\n"))
    path, _, query = target.partition("?")
    handler = routes.get(path)
    return _encode(handler(query) if handler else Response(404, b"not found\n"), with_body=method == "GET")


def _encode(response: Response, *, with_body: bool = True) -> bytes:
    head = (
        f"HTTP/1.1 {response.status} {REASONS[response.status]}\r\nContent-Type: {response.content_type}\r\n"
        f"Content-Length: {len(response.body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + (response.body if with_body else b"")
