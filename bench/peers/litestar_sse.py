"""Litestar with its own `ServerSentEvent` response. Application: `bench.peers.apps.litestar_app`."""

from __future__ import annotations

from typing import ClassVar

from bench.peers.asgi import AsgiPeer


class LitestarSse(AsgiPeer):
    """Litestar's ServerSentEvent."""

    name: ClassVar[str] = "litestar-sse"
    app: ClassVar[str] = "litestar_app"
    needs: ClassVar[dict[str, str]] = {"litestar": "litestar"}
