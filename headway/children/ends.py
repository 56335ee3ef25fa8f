"""Follow the last events of many tasks at once, until each of them has ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from headway import codec
from headway.errors import MalformedEventError, UnavailableError
from headway.eventlog.log import Log, Subscription
from headway.events import Deleted, Progress
from headway.service.retry import retry

FIRST_PROBE_SECONDS = 1.0
PROBE_SECONDS = 5.0
"""How often the last events are read, in case that one was not published."""
_PAGE = 1000

logger = logging.getLogger(__name__)

OnProgress = Callable[[str, Progress], None]


class Ends:
    """Calls `on_progress` with the task and each newer progress of it that is seen, its end included.

    Progress between may be left out; an end never is. Nothing is polled: events come as they are published, and a probe
    finds those that were lost.
    """

    def __init__(self, log: Log, on_progress: OnProgress) -> None:
        self._log = log
        self._on_progress = on_progress
        self._seen: dict[str, int] = {}
        """The sequence that is known of each task that has not ended."""
        self._subscriptions: dict[str, Subscription] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._probe: asyncio.Task[None] | None = None

    async def add(self, task: str) -> None:
        """Follow `task` from now on. Call `read` if it may have events already."""
        self._seen.setdefault(task, 0)
        if task not in self._subscriptions:

            def on_live(seq: int, prev: int, payload: bytes) -> None:
                self._note(task, seq, payload)

            self._subscriptions[task] = await retry(lambda: self._log.subscribe(task, on_live))
        if self._probe is None:
            self._probe = asyncio.create_task(self._keep_probing(), name="probe of children")

    async def read(self, tasks: list[str]) -> None:
        """Read the last events of `tasks` now. Raises UnavailableError."""
        for start in range(0, len(tasks), _PAGE):
            found, _ = await self._log.lasts(tasks[start : start + _PAGE])
            for stored in found:
                self._note(stored.task, stored.seq, stored.payload)

    def leave(self, task: str) -> None:
        """Follow `task` no more."""
        self._seen.pop(task, None)
        if (subscription := self._subscriptions.pop(task, None)) is not None:
            closing = asyncio.create_task(subscription.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Follow nothing any more."""
        if self._probe is not None:
            self._probe.cancel()
        for task in list(self._subscriptions):
            self.leave(task)
        if self._closing:
            await asyncio.wait(self._closing, timeout=1.0)

    def _note(self, task: str, seq: int, payload: bytes) -> None:
        if seq <= self._seen.get(task, seq):  # also those of a task that has ended
            return
        try:
            event = codec.decode(payload, task)
        except MalformedEventError:
            logger.warning("an entry of a log is not an event", extra={"action": "event_malformed", "task": task})
            return
        self._seen[task] = seq
        if isinstance(event, Deleted):
            event = Progress(task=task, status="cancelled", progress=0.0, message="it was deleted", step="")
        if isinstance(event, Progress):
            if event.terminal:
                self.leave(task)
            self._on_progress(task, event)

    async def _keep_probing(self) -> None:
        seconds = FIRST_PROBE_SECONDS
        while True:
            await asyncio.sleep(seconds)
            with suppress(UnavailableError):
                await self.read(list(self._seen))
            seconds = PROBE_SECONDS
