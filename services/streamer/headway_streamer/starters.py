"""Tasks that are to end when the client that started them is gone for good (`cancel_on_disconnect`)."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from headway import codec
from headway.errors import HeadwayError, UnavailableError
from headway.events import Beat
from headway.ids import nonce
from headway.log import Log
from headway_streamer.intake import Intake
from headway_streamer.live import Live

BEAT_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Starters:
    """Knows which starters are connected here, and says so on the live subject for the other streamers."""

    def __init__(self, log: Log, live: Live, intake: Intake, *, grace_seconds: float) -> None:
        self._log = log
        self._live = live
        self._intake = intake
        self._grace = grace_seconds
        self._name = nonce()
        self._present: dict[str, int] = {}
        self._waits: set[asyncio.Task[None]] = set()

    async def arrived(self, task: str) -> None:
        """The starter of `task` is connected to this streamer."""
        self._present[task] = self._present.get(task, 0) + 1
        await self._show(task)

    def left(self, task: str, went_away: bool) -> None:
        """Its stream ended. If it went away, and stays away from all streamers for the grace, the task is cancelled."""
        self._present[task] -= 1
        if not self._present[task]:
            del self._present[task]
        if not went_away:
            return
        wait = asyncio.ensure_future(self._wait(task))
        self._waits.add(wait)
        wait.add_done_callback(self._waits.discard)

    async def beat_for_ever(self) -> None:
        """A root task: show the starters that are here, again and again."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            for task in list(self._present):
                await self._show(task)

    async def close(self) -> None:
        """Forget those who are away: they may be on their way to another streamer."""
        for wait in list(self._waits):
            wait.cancel()
        if self._waits:
            await asyncio.wait(self._waits)

    async def _show(self, task: str) -> None:
        with suppress(UnavailableError):
            await self._log.beat(task, codec.encode_json(Beat(task=task, starter=self._name)))

    async def _wait(self, task: str) -> None:
        try:
            tail = await self._live.join(task)
        except HeadwayError:
            logger.warning("cannot tell whether a starter returns", extra={"action": "starter_unknown", "task": task})
            return
        try:
            left_at = asyncio.get_running_loop().time()
            await asyncio.sleep(self._grace)
            # A word of our own may come back late, when the client has left already.
            elsewhere = any(at > left_at for name, at in tail.starters.items() if name != self._name)
            if tail.ended or elsewhere or task in self._present:
                return
            with suppress(HeadwayError):
                await self._intake.cancel(task, "the client that started it has gone")
        finally:
            self._live.leave(tail)
