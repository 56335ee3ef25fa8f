"""HTTP requests with limits on time and size, and with one error for every failure of the network.

Bodies are read by `headway_kinds.http.body` alone: a client of `open_client` decompresses nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from email.message import Message
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
import msgspec

from headway import TaskError
from headway_kinds.http.body import ACCEPTED, ContentCodingError, read_body, take_coding
from headway_kinds.http.guard import GuardedTransport
from headway_kinds.http.urls import normalise

REQUEST_SECONDS = 30.0
"""Limit of a whole request. The client limits each wait alone, and a server may send byte by byte."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 5
_BROKEN_OFF = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class UnreachableError(TaskError):
    """A URL without a usable response. `reason` says why in a few words."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"{url} cannot be reached: {reason}. Check the address, and try it in a browser.", type="Unreachable"
        )
        self.url = url
        self.reason = reason


class FetchedResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The response of a server."""

    url: str
    status: int
    phrase: str
    content_type: str
    charset: str | None
    target: str | None
    """Target of a redirect, normalised; None for other responses, and when it is not an http(s) URL."""
    body: bytes
    size_bytes: int
    """Size of the body as read; of a body that was not read, as announced."""
    seconds: float
    cut: bool
    """Whether the body is longer than was read."""

    @property
    def redirected(self) -> bool:
        return self.status in REDIRECTS

    @property
    def reason(self) -> str:
        """``404 Not Found``."""
        return f"{self.status} {self.phrase}".strip()


def open_client(
    allow: Iterable[str],
    *,
    user_agent: str,
    timeout_seconds: float = 15.0,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """Open a client behind the guard. It does not follow redirects: the caller decides on each.

    Args:
        allow: hosts that may be reached whatever their address, see `GuardedTransport`.
        timeout_seconds: limit of each wait for the network, not of the whole request.
        transport: instead of the guarded one, for tests.
    """
    return httpx.AsyncClient(
        transport=transport or GuardedTransport(allow),
        headers={"User-Agent": user_agent, "Accept-Encoding": ACCEPTED},
        # A site could set a cookie with each response, and all would be kept and sent.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=timeout_seconds,
        follow_redirects=False,
        event_hooks={"response": [_prepare]},
        trust_env=False,
    )


def any_type(content_type: str) -> bool:
    """Return True: every body is read."""
    return True


async def fetch(
    client: httpx.AsyncClient,
    url: str,
    *,
    max_bytes: int,
    wants: Callable[[str], bool] = any_type,
    timeout_seconds: float = REQUEST_SECONDS,
) -> FetchedResponse:
    """GET `url` with a client of `open_client`, once more if the connection breaks.

    Args:
        max_bytes: how much of the body is read.
        wants: returns whether the body of a content type is read.
        timeout_seconds: limit of the whole request.

    Raises UnreachableError for a failure of the network or the protocol, ForbiddenAddressError from the guard.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            try:
                return await _get(client, url, max_bytes, wants)
            except _BROKEN_OFF:  # perhaps a kept-alive connection that the server has just closed: try a new one
                return await _get(client, url, max_bytes, wants)
    except (TimeoutError, httpx.HTTPError, UnicodeError) as error:
        raise UnreachableError(url, reason_of(error)) from error


def redirect_target(url: str, response: httpx.Response) -> str | None:
    """Return the normalised target of a redirect that a client of `open_client` got for `url`; None for none."""
    if response.status_code not in REDIRECTS:
        return None
    location = response.extensions.get("location")
    return None if location is None else normalise(location, url)


def reason_of(error: Exception) -> str:
    """Describe a failed request in a few words for a person."""
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return "timed out"
    if isinstance(error, httpx.ConnectError):
        return f"no connection ({str(error)[:200]})"
    if isinstance(error, ContentCodingError):
        return str(error)
    return f"the response was cut off or is not HTTP ({type(error).__name__})"


async def _get(client: httpx.AsyncClient, url: str, max_bytes: int, wants: Callable[[str], bool]) -> FetchedResponse:
    started = time.monotonic()
    async with client.stream("GET", url) as response:
        content_type, charset = _content_type(response)
        body, cut = b"", False
        if wants(content_type) and response.status_code not in REDIRECTS:
            body, cut = await read_body(response, max_bytes)
    return FetchedResponse(
        url=url,
        status=response.status_code,
        phrase=response.reason_phrase[:60],
        content_type=content_type,
        charset=charset,
        target=redirect_target(url, response),
        body=body,
        size_bytes=len(body) or announced_bytes(response) or 0,
        seconds=time.monotonic() - started,
        cut=cut,
    )


async def _prepare(response: httpx.Response) -> None:
    take_coding(response)
    # httpx prepares the next request even if redirects are not followed, and raises for an invalid Location.
    location = response.headers.pop("Location", None)
    if location is not None:
        response.extensions["location"] = location


def _content_type(response: httpx.Response) -> tuple[str, str | None]:
    message = Message()
    message["Content-Type"] = response.headers.get("Content-Type", "").replace("\n", " ").replace("\r", " ")
    charset = message.get_param("charset")
    return message.get_content_type(), charset if isinstance(charset, str) else None


def announced_bytes(response: httpx.Response) -> int | None:
    """Return the length of the body as it is sent, by its header; None for an unknown one."""
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None
