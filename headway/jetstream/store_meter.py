"""How full the JetStream store is, and the streams that have a limit."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, NamedTuple

import msgspec
from nats.aio.client import Client
from nats.js.api import StreamInfo

from headway.errors import UnavailableError
from headway.jetstream.capacity import free_bytes
from headway.jetstream.errors import mapped
from headway.subjects import Names

RESIZE_SECONDS = 600.0
"""How long a measured size of the server's store is used: a volume may grow."""
TIMEOUT_SECONDS = 2.0

logger = logging.getLogger(__name__)


class Usage(NamedTuple):
    """Something that can be full."""

    name: str
    """`store`, or a stream: `jobs`, `records`, `events`; `jobs_count` and the like for its limit of messages."""
    used: float
    limit: float
    unit: str = "bytes"
    """Of `used` and `limit`: `bytes` or `messages`."""

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.used / self.limit


class JetStreamStoreMeter:
    """Measures the store of one namespace.

    Args:
        store_bytes: size of the store; 0 takes the account's limit, or else the size that the server reports.
    """

    def __init__(self, client: Client, names: Names, *, store_bytes: int = 0) -> None:
        self._client = client
        self._js = client.jetstream(timeout=TIMEOUT_SECONDS)
        self._names = names
        self._streams = {
            "jobs": names.jobs_stream,
            "records": f"KV_{names.tasks_bucket}",
            "events": names.events_stream,
        }
        self._store_bytes = store_bytes
        self._server_bytes = 0
        self._resize_at = 0.0

    @property
    def connected(self) -> bool:
        """Whether NATS is connected: measuring would fail otherwise."""
        return bool(self._client.is_connected)

    async def measure(self) -> list[Usage]:
        """Measure the store and its streams; what has no limit is left out. Raises UnavailableError."""
        with mapped("measure the store"):
            account = await self._request("$JS.API.INFO", b"")
            streams = {name: await self._js.stream_info(stream) for name, stream in self._streams.items()}
        limit = self._store_bytes or _account_bytes(account) or await self._measured_bytes(account)
        found = [Usage("store", account.get("storage", 0), limit)] if limit else []
        for name, info in streams.items():
            found += _usages(name, info)
        return found

    async def _measured_bytes(self, account: dict[str, Any]) -> int:
        now = asyncio.get_running_loop().time()
        if now >= self._resize_at:
            self._resize_at = now + RESIZE_SECONDS
            try:
                free = await free_bytes(self._js, self._names)
            except UnavailableError as error:  # permissions of an older release may forbid it
                logger.info("the size of the store is unknown", extra={"action": "store_size", "error": str(error)})
            else:
                self._server_bytes = free and free + int(account.get("reserved_storage", 0))
        return self._server_bytes

    async def _request(self, subject: str, payload: bytes) -> dict[str, Any]:
        with mapped(subject):
            reply = await self._client.request(subject, payload, timeout=TIMEOUT_SECONDS)
        try:
            return msgspec.json.decode(reply.data, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise UnavailableError(f"{subject}: {error}") from error


def _account_bytes(account: dict[str, Any]) -> int:
    return max(int(account.get("limits", {}).get("max_storage", 0)), 0)


def _usages(name: str, info: StreamInfo) -> list[Usage]:
    config, state = info.config, info.state
    found = []
    if (config.max_bytes or 0) > 0:
        found.append(Usage(name, state.bytes, float(config.max_bytes or 0)))
    if (config.max_msgs or 0) > 0:
        found.append(Usage(f"{name}_count", state.messages, float(config.max_msgs or 0), "messages"))
    return found
