"""HEAD for every route of an ASGI application: GET without a body (RFC 9110 §9.3.2).

The application receives a GET whose scope has the key `HEAD`: only the headers are wanted, so no stream or task is
started.
"""

from __future__ import annotations

from typing import cast

from litestar.types import ASGIApp, Message, Receive, Scope, Send

HEAD = "headway.head"
"""Key in the scope of a request that was a HEAD."""


class HeadAsGet:
    """An ASGI application that wraps one without HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method = scope.get("method", "GET")
        if method == "HEAD":
            scope = cast("Scope", {**scope, "method": "GET", HEAD: True})
            send = _without_body(send)
        if method != "GET":
            send = _allowing_head(send)
        await self._app(scope, receive, send)


def _without_body(send: Send) -> Send:
    async def send_headers(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_headers


def _allowing_head(send: Send) -> Send:
    """Add HEAD to the methods of a 405 or an OPTIONS, where it lists GET."""

    async def send_allowed(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [(name, _allowed(name, value)) for name, value in message["headers"]]}
        await send(message)

    return send_allowed


def _allowed(name: bytes, value: bytes) -> bytes:
    methods = value.split(b", ")
    if name.lower() != b"allow" or b"GET" not in methods or b"HEAD" in methods:
        return value
    return b", ".join([*methods, b"HEAD"])
