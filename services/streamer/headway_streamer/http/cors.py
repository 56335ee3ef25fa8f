"""Permission for pages of listed origins to use the API (Fetch standard, CORS protocol)."""

from __future__ import annotations

from headway_streamer.http.security_headers import Headers

_MAX_AGE_SECONDS = 600
_HEADERS = (
    b"Authorization, Content-Digest, Content-Disposition, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID"
)
_PREFLIGHT: Headers = [
    (b"access-control-allow-methods", b"GET, HEAD, POST, DELETE"),
    (b"access-control-allow-headers", _HEADERS),
    (b"access-control-max-age", b"%d" % _MAX_AGE_SECONDS),
    (b"content-length", b"0"),
]


def permission(origin: bytes) -> Headers:
    """Headers that let the page of a listed origin read the answer."""
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"ETag, Location, Retry-After"),
        (b"vary", b"Origin"),
    ]


def preflight(origin: bytes) -> Headers:
    """Headers that let the page of a listed origin send a request that needs permission first."""
    return [*permission(origin), *_PREFLIGHT]
