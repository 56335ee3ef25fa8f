"""Reads JSON documents of an issuer over HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from headway_streamer.access.jwks import FetchError

MAX_BYTES = 1024 * 1024
TOTAL_SECONDS = 10.0


async def fetch_json(url: str) -> Any:
    """The JSON document at `url`, of at most 1 MiB, within 10 s, without redirects. Raises FetchError."""
    try:
        async with (
            asyncio.timeout(TOTAL_SECONDS),
            httpx.AsyncClient() as client,
            client.stream("GET", url, headers={"Accept": "application/json"}) as response,
        ):
            response.raise_for_status()
            return json.loads(await _read(response))
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError) as error:
        raise FetchError(f"{url}: {str(error) or type(error).__name__}") from error


async def _read(response: httpx.Response) -> bytes:
    body = b""
    async for piece in response.aiter_bytes(64 * 1024):
        body += piece
        if len(body) > MAX_BYTES:
            raise FetchError(f"{response.url} has more than {MAX_BYTES} bytes")
    return body
