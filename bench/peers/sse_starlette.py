"""FastAPI with sse-starlette, the most common choice in Python. Application: `bench.peers.apps.fastapi_app`."""

from __future__ import annotations

from typing import ClassVar

from bench.peers.asgi import AsgiPeer


class SseStarlette(AsgiPeer):
    """FastAPI + sse-starlette."""

    name: ClassVar[str] = "sse-starlette"
    app: ClassVar[str] = "fastapi_app"
    needs: ClassVar[dict[str, str]] = {"fastapi": "fastapi", "sse_starlette": "sse-starlette"}
