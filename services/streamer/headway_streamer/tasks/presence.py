"""Presence of the clients that started a task (the starters), for `cancel_on_disconnect`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from headway import codec, presence
from headway.errors import UnavailableError
from headway.eventlog.log import Log
from headway.events import Beat


class Presence:
    """Publishes presence beats of the starters connected to this streamer.

    Processors decide by them, so that nothing is lost when a streamer ends.
    """

    def __init__(self, log: Log, connected: Callable[[], bool] = lambda: True) -> None:
        self._log = log
        self._connected = connected
        self._present: Counter[str] = Counter()
        self._due: set[str] = set()
        self._asked = asyncio.Event()

    def arrived(self, task: str) -> None:
        """The stream of the starter of `task` was opened: publish a beat now, and then until `left`."""
        self._present[task] += 1
        self.called(task)

    def left(self, task: str) -> None:
        """The stream has ended: the counterpart of `arrived`."""
        self._present[task] -= 1
        if not self._present[task]:
            del self._present[task]

    def called(self, task: str) -> None:
        """The starter of `task` made a request but got no stream: publish one beat."""
        self._due.add(task)
        self._asked.set()

    def publish_soon(self) -> None:
        """After a reconnection: beats may have been lost."""
        self._due.update(self._present)
        self._asked.set()

    async def keep_published(self) -> None:
        """Publish a beat per starter, on its arrival and every few seconds. A root task."""
        loop = asyncio.get_running_loop()
        round_at = loop.time() + presence.PRESENCE_SECONDS
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(round_at):
                    await self._asked.wait()
            if loop.time() >= round_at:
                self._due.update(self._present)
                round_at = loop.time() + presence.PRESENCE_SECONDS
            self._asked.clear()
            due, self._due = self._due, set()
            for task in due:
                await self._publish(task)

    async def _publish(self, task: str) -> None:
        await asyncio.sleep(0)  # thousands of them must not delay events
        if not self._connected():  # the client would keep beats until then; another round follows the reconnection
            return
        with suppress(UnavailableError):
            await self._log.beat(task, codec.encode_json(Beat(task=task, presence=True)))
