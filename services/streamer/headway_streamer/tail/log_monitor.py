"""Whether the event stream is there, and still the same one."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from headway.errors import UnavailableError
from headway_streamer.tail.registry import TailRegistry

CHECK_SECONDS = 15.0
RETRY_SECONDS = 0.5

logger = logging.getLogger(__name__)


class IncarnationSource(Protocol):
    """A log that can be recreated."""

    async def incarnation(self) -> str:
        """An id that differs for each stream of the same name. Raises UnavailableError, also if there is none."""


class LogMonitor:
    """Notices an event stream that was recreated. Processors create it: a streamer has no right to."""

    def __init__(self, log: IncarnationSource, tails: TailRegistry) -> None:
        self.ready = False
        """Whether the event stream was found once."""
        self._log = log
        self._tails = tails
        self._asked = asyncio.Event()

    def check_soon(self) -> None:
        """After a reconnection: the stream may be another one."""
        self._asked.set()

    async def run(self, closed: asyncio.Event) -> None:
        """Check every 15 s, or every 0.5 s while the stream is not found, until `closed` is set."""
        while not closed.is_set():
            found = await self._check()
            await self._pause(CHECK_SECONDS if found else RETRY_SECONDS, closed)

    async def _check(self) -> bool:
        """Whether the stream is there."""
        try:
            await self._tails.check_incarnation(await self._log.incarnation())
        except UnavailableError as error:
            logger.info("cannot ask for the stream", extra={"action": "incarnation_failed", "error": str(error)})
            return False
        self.ready = True
        return True

    async def _pause(self, seconds: float, closed: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (self._asked, closed)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._asked.clear()
