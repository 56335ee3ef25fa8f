"""Readiness probes of the processes of the local stack."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import httpx

TIMEOUT_SECONDS = 2.0


async def is_ready(url: str) -> bool:
    """Return whether `url` accepts a connection (tcp) or responds with status 200 (http)."""
    parts = urlsplit(url)
    if parts.scheme == "tcp":
        return await _accepts(str(parts.hostname), parts.port or 0)
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_SECONDS) as client:
            return (await client.get(url)).status_code == 200
    except httpx.TransportError:
        return False


async def _accepts(host: str, port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        return True
    return False
