"""One request with every bound on it: time, size, and what may go wrong has one name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from email.message import Message
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
import msgspec

from headway import TaskError
from headway_kinds.http.guard import GuardedTransport
from headway_kinds.http.urls import normalise

REQUEST_SECONDS = 30.0
"""For a whole request; the waits of the client are bounded each, and a server may drip."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 5
_BROKEN_OFF = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class UnreachableError(TaskError):
    """A URL that gives no answer. `reason` says why in a few words."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"{url} cannot be reached: {reason}. Check the address, and try it in a browser.", type="Unreachable"
        )
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


def open_client(
    allow: Iterable[str],
    *,
    user_agent: str,
    timeout_seconds: float = 15.0,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """A client behind the guard. It follows no redirect by itself: the caller decides on each hop.

    Args:
        allow: hosts that may be reached whatever their address, see `GuardedTransport`.
        timeout_seconds: bounds each wait for the network, not the whole request.
        transport: instead of the guarded one, for tests.
    """
    return httpx.AsyncClient(
        transport=transport or GuardedTransport(allow),
        headers={"User-Agent": user_agent},
        # A site could set a new cookie with each answer, and all would be kept and sent.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=timeout_seconds,
        follow_redirects=False,
        event_hooks={"response": [_set_location_aside]},
        trust_env=False,
    )


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
    """GET `url` with a client of `open_client`; read up to `max_bytes` of the body if `wants` its content type.

    Raises UnreachableError for a failure of the network or the protocol, ForbiddenAddressError from the guard.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            try:
                return await _get(client, url, max_bytes, wants)
            except _BROKEN_OFF:  # perhaps a kept connection that the server closed just then; a new one will tell
                return await _get(client, url, max_bytes, wants)
    except (TimeoutError, httpx.HTTPError, UnicodeError) as error:
        raise UnreachableError(url, reason_of(error)) from error


def redirect_target(url: str, response: httpx.Response) -> str | None:
    """Where the answer to `url`, got by a client of `open_client`, sends on to; normalised."""
    if response.status_code not in REDIRECTS:
        return None
    location = response.extensions.get("location")
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


async def _get(client: httpx.AsyncClient, url: str, max_bytes: int, wants: Callable[[str], bool]) -> Answer:
    started = time.monotonic()
    async with client.stream("GET", url) as response:
        content_type, charset = _content_type(response)
        body, cut = b"", False
        if wants(content_type) and response.status_code not in REDIRECTS:
            body, cut = await _read(response, max_bytes)
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


async def _set_location_aside(response: httpx.Response) -> None:
    # httpx prepares the next request also when it is not to follow, and raises for a Location it cannot read.
    location = response.headers.pop("Location", None)
    if location is not None:
        response.extensions["location"] = location


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
