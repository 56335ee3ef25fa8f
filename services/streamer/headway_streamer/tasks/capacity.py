"""How full JetStream is: new tasks are refused while there is still space for the ones that run.

A submit costs no request: a root task asks every second while tasks are accepted, and what is accepted in between is
added up here.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, NamedTuple

import msgspec
from nats.aio.client import Client
from nats.js.api import StreamInfo

from headway.errors import StoreFullError, UnavailableError
from headway.jetstream.capacity import free_bytes
from headway.jetstream.errors import mapped
from headway.subjects import Names
from headway_streamer.metrics import Metrics

START_SECONDS = 0.05
BUSY_SECONDS = 1.0
IDLE_SECONDS = 10.0
RESIZE_SECONDS = 600.0
"""How often the size of the server's store is asked for: a volume may have grown."""
REFUSING_SECONDS = 5.0
"""After the server itself had no space, submits are refused for this long without asking it: what becomes free belongs
to the tasks that run."""
CLEARLY = 0.98
"""Of the share at which tasks are refused: below this it is logged that they are not any more."""
TIMEOUT_SECONDS = 2.0

logger = logging.getLogger(__name__)


class Part(NamedTuple):
    """Something that can be full; `used` and `limit` are bytes or messages."""

    name: str
    used: float
    limit: float
    unit: str = "bytes"
    grows: float = 0.0
    """By how much of a task's size, or by how many."""

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.used / self.limit


class StoreCapacity:
    """Whether JetStream has space for another task.

    Args:
        max_share: submits are refused while a part is fuller than this; 0 never refuses.
        store_bytes: size of the store; 0 takes the account's limit, or else the size that the server admits to.
    """

    def __init__(
        self, client: Client, names: Names, metrics: Metrics, *, max_share: float, store_bytes: int = 0
    ) -> None:
        self.parts: list[Part] = []
        """As they were measured last; empty before the first time, and for parts without a limit."""
        self._client = client
        self._js = client.jetstream(timeout=TIMEOUT_SECONDS)
        self._names = names
        self._metrics = metrics
        self._streams = (
            ("jobs", names.jobs_stream, 0.5),
            ("records", f"KV_{names.tasks_bucket}", 0.5),
            ("events", names.events_stream, 0.01),
        )
        """What is stored of a task: half of its size as a job, half as a record, a few events."""
        self._max_share = max_share
        self._store_bytes = store_bytes
        self._server_bytes = 0
        self._resize_at = 0.0
        self._added = self._added_bytes = 0
        self._full = False
        """Whether it was logged that tasks are refused."""
        self._refusing: tuple[StoreFullError, float] | None = None

    def refusal(self, size_bytes: int) -> StoreFullError | None:
        """Why a task of `size_bytes`, record and job together, is not to be stored now; None when it may be."""
        refusal = self._refusal(size_bytes)
        if refusal is None:
            self._added_bytes += size_bytes
            self._added += 1
        elif not self._full:
            self._full = True
            logger.warning("new tasks are refused", extra={"action": "store_full", "error": str(refusal)})
        return refusal

    def _refusal(self, size_bytes: int) -> StoreFullError | None:
        if self._refusing is not None:
            error, until = self._refusing
            if asyncio.get_running_loop().time() < until:
                return error
            self._refusing = None
        if not self._max_share:
            return None
        for part in self.parts:
            added = self._added_bytes + size_bytes if part.unit == "bytes" else self._added + 1
            if part.grows and part.used + part.grows * added > part.limit * self._max_share:
                return self._over(part, part.used + part.grows * added)
        return None

    def met_full(self, error: StoreFullError) -> None:
        """The server had no space for a task."""
        self._refusing = error, asyncio.get_running_loop().time() + REFUSING_SECONDS

    async def keep_measured(self) -> None:
        """A root task: measure every second while tasks are accepted, else every ten."""
        clock, task = asyncio.get_running_loop().time, asyncio.current_task()
        next_at = 0.0
        while task is None or not task.cancelling():  # asyncio.wait_for in nats-py can swallow a cancellation
            if self._client.is_connected and (clock() >= next_at or self._added_bytes or self._full):
                measured = await self._try_measure()
                next_at = clock() + IDLE_SECONDS
                await asyncio.sleep(BUSY_SECONDS if measured else IDLE_SECONDS)
            else:
                await asyncio.sleep(BUSY_SECONDS if next_at else START_SECONDS)

    async def _try_measure(self) -> bool:
        try:
            await self._measure(asyncio.get_running_loop().time())
        except UnavailableError as error:
            logger.info("the store cannot be measured", extra={"action": "store_unknown", "error": str(error)})
            return False
        return True

    async def _measure(self, now: float) -> None:
        with mapped("measure the store"):
            account = await self._request("$JS.API.INFO", b"")
            streams = [(name, grows, await self._js.stream_info(stream)) for name, stream, grows in self._streams]
        limit = self._store_bytes or _account_bytes(account) or await self._measured_size(account, now)
        self.parts = [Part("store", account.get("storage", 0), limit, grows=1.0)] if limit else []
        for name, grows, info in streams:
            self.parts += _parts_of(name, grows, info)
        self._added = self._added_bytes = 0
        if self._full and all(part.share < self._max_share * CLEARLY for part in self.parts):
            self._full = False
            logger.info("new tasks are accepted again", extra={"action": "store_has_space"})
        self._metrics.stored({part.name: part.share for part in self.parts})

    async def _measured_size(self, account: dict[str, Any], now: float) -> int:
        if now >= self._resize_at:
            self._resize_at = now + RESIZE_SECONDS
            try:
                free = await free_bytes(self._js, self._names)
            except UnavailableError as error:  # it may not be asked, by permissions that are older
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

    def _over(self, part: Part, needed: float) -> StoreFullError:
        what = "the JetStream store" if part.name == "store" else f"the stream of {part.name.removesuffix('_count')}"
        detail = f"{needed:,.0f} of {part.limit:,.0f} {part.unit} would be used, new tasks have {self._max_share:.0%}"
        return StoreFullError(what, detail)


def _account_bytes(account: dict[str, Any]) -> int:
    return max(int(account.get("limits", {}).get("max_storage", 0)), 0)


def _parts_of(name: str, grows: float, info: StreamInfo) -> list[Part]:
    parts = []
    config, state = info.config, info.state
    if (config.max_bytes or 0) > 0:
        parts.append(Part(name, state.bytes, float(config.max_bytes or 0), grows=grows))
    if (config.max_msgs or 0) > 0:
        parts.append(Part(f"{name}_count", state.messages, float(config.max_msgs or 0), "messages", 1.0))
    return parts
