"""How the clients connect: the base URL, the headers and the proxy. No I/O."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

import httpx

from headway.errors import ClientError
from headway.values.redaction import redact_url


def options(base_url: str, headers: Mapping[str, str] | None, timeout_seconds: float) -> dict[str, Any]:
    """The arguments of httpx's clients, sync and async. Raises ClientError for what is not the URL of a server."""
    checked = checked_url(base_url)
    return {
        "base_url": checked,
        "headers": {"User-Agent": "headway", **(headers or {})},
        "timeout": timeout_seconds,
        "follow_redirects": True,
        "trust_env": not _is_loopback(httpx.URL(checked).host),
    }


def checked_url(base_url: str) -> str:
    """The URL of a server, without a slash at its end. Raises ClientError, without a password in its message."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        # Its message quotes a part of the URL, which may be one of a password.
        why = "" if "@" in base_url else f": {error}"
        raise ClientError(f"{redact_url(base_url)!r} is not a URL of a server{why}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ClientError(
            f"{redact_url(base_url)!r} is not a URL of a server: it begins with http:// or https:// and a host"
        )
    return base_url.rstrip("/")


def _is_loopback(host: str) -> bool:
    # A proxy from the environment must not be used for connections of this machine to itself.
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
