"""Reads JSON documents of an issuer over HTTP, and sends it forms."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from headway_streamer.access.jwks import FetchError

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 256 * 1024
TOTAL_SECONDS = 10.0
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
"""Not compressed: a small body could become a large one."""


async def fetch_json(url: str) -> Any:
    """The JSON document at `url`, of at most 256 KiB, within 10 s, without redirects. Raises FetchError."""
    return await _ask("GET", url)


async def post_form(url: str, form: Mapping[str, str], basic: tuple[str, str] | None = None) -> Any:
    """Send a form with credentials of HTTP Basic, and return the JSON document of the answer, within the same bounds.

    Raises FetchError, which quotes nothing of the form or the answer.
    """
    return await _ask("POST", url, data=form, auth=basic)


async def _ask(method: str, url: str, **options: Any) -> Any:
    await asyncio.to_thread(
        importlib.import_module, "httpx"
    )  # 0.1 s, for which streamers without an issuer do not wait
    import httpx

    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            # Reading the certificate authorities takes 50 ms, and each client would do it again.
            context = await asyncio.to_thread(httpx.create_ssl_context)
            async with (
                httpx.AsyncClient(verify=context) as client,
                client.stream(method, url, headers=HEADERS, **options) as response,
            ):
                response.raise_for_status()
                return msgspec.json.decode(await _read(response))
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, msgspec.DecodeError, RecursionError) as error:
        raise FetchError(f"{url}: {str(error) or type(error).__name__}") from error


async def _read(response: httpx.Response) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise FetchError(f"{response.url} is compressed")
    body = b""
    async for piece in response.aiter_raw(64 * 1024):
        body += piece
        if len(body) > MAX_BYTES:
            raise FetchError(f"{response.url} has more than {MAX_BYTES} bytes")
    return body
