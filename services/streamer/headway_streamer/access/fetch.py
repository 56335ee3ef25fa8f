"""Reads JSON documents of an issuer over HTTP, and sends it forms."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx

from headway_streamer.access.jwks import FetchError

MAX_BYTES = 1024 * 1024
TOTAL_SECONDS = 10.0


async def fetch_json(url: str) -> Any:
    """The JSON document at `url`, of at most 1 MiB, within 10 s, without redirects. Raises FetchError."""
    return await _ask("GET", url)


async def post_form(url: str, form: Mapping[str, str], basic: tuple[str, str] | None = None) -> Any:
    """Send a form with credentials of HTTP Basic, and return the JSON document of the answer, within the same bounds.

    Raises FetchError, which quotes nothing of the form or the answer.
    """
    return await _ask("POST", url, data=form, auth=basic)


async def _ask(method: str, url: str, **options: Any) -> Any:
    try:
        async with (
            asyncio.timeout(TOTAL_SECONDS),
            httpx.AsyncClient() as client,
            client.stream(method, url, headers={"Accept": "application/json"}, **options) as response,
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
