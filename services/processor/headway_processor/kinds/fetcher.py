"""One request with every bound on it: time, size, and what may go wrong has one name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from email.message import Message

import httpx
import msgspec

from headway import TaskError
from headway_processor.kinds.urls import normalise

REQUEST_SECONDS = 30.0
"""For a whole request; the waits of the client are bounded each, and a server may drip."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 5


class UnreachableError(TaskError):
    """A URL that gives no answer. `reason` says why in a few words."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url} cannot be reached: {reason}. Check the address, and try it in a browser.")
        self.url = url
        self.reason = reason


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a server answered."""

    url: str
    status: int
    phrase: str
    content_type: str
    charset: str | None
    target: str | None
    """Where a redirect leads, normalised; None when this is none, or when it leads to no http(s) URL."""
    body: bytes
    size_bytes: int
    """Of the body as read; of what was not read, as announced."""
    seconds: float
    cut: bool
    """The body is longer; it was read up to the limit."""

    @property
    def redirected(self) -> bool:
        return self.status in REDIRECTS

    @property
    def reason(self) -> str:
        """``404 Not Found``."""
        return f"{self.status} {self.phrase}".strip()


def anything(content_type: str) -> bool:
    """Read every body."""
    return True


async def fetch(
    client: httpx.AsyncClient,
    url: str,
    *,
    max_bytes: int,
    wants: Callable[[str], bool] = anything,
    timeout_seconds: float = REQUEST_SECONDS,
) -> Answer:
    """GET `url` and read up to `max_bytes` of the body, if `wants` says yes to the content type.

    Raises UnreachableError for a failure of the network or the protocol, ForbiddenAddressError from the guard.
    """
    started = time.monotonic()
    try:
        async with asyncio.timeout(timeout_seconds), client.stream("GET", url) as response:
            content_type, charset = _content_type(response)
            body, cut = b"", False
            if wants(content_type) and response.status_code not in REDIRECTS:
                body, cut = await _read(response, max_bytes)
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise UnreachableError(url, reason_of(error)) from error
    return Answer(
        url=url,
        status=response.status_code,
        phrase=response.reason_phrase[:60],
        content_type=content_type,
        charset=charset,
        target=redirect_target(url, response),
        body=body,
        size_bytes=len(body) or _announced(response) or 0,
        seconds=time.monotonic() - started,
        cut=cut,
    )


def redirect_target(url: str, response: httpx.Response) -> str | None:
    """Where the answer to `url` sends on to, normalised."""
    if response.status_code not in REDIRECTS:
        return None
    location = response.headers.get("Location")
    return None if location is None else normalise(location, url)


def reason_of(error: Exception) -> str:
    """What went wrong, in a few words for a person."""
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return "timed out"
    if isinstance(error, httpx.ConnectError):
        return f"no connection ({str(error)[:200]})"
    if isinstance(error, httpx.DecodingError):
        return "the compressed answer is damaged"
    return f"the answer broke off or is not HTTP ({type(error).__name__})"


async def _read(response: httpx.Response, max_bytes: int) -> tuple[bytes, bool]:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > max_bytes:
            return bytes(body[:max_bytes]), True
    return bytes(body), False


def _content_type(response: httpx.Response) -> tuple[str, str | None]:
    message = Message()
    message["Content-Type"] = response.headers.get("Content-Type", "").replace("\n", " ").replace("\r", " ")
    charset = message.get_param("charset")
    return message.get_content_type(), charset if isinstance(charset, str) else None


def _announced(response: httpx.Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None
