"""JSON responses."""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Response

from headway import codec


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response[bytes]:
    """Return `value` as JSON. No cache keeps it, unless `headers` say otherwise."""
    return Response(
        codec.encode_json(value),
        status_code=status,
        media_type=MediaType.JSON,
        headers={"Cache-Control": "no-store", "Vary": "Authorization, Cookie, Origin"} | (headers or {}),
    )
