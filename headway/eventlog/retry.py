"""Waiting between the tries of a call that NATS has not answered or not had space for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from headway.errors import StoreFullError, UnavailableError

OnRefused = Callable[[UnavailableError], None]
"""Called for each refused try."""
LONGEST = 5
"""The try from which on pauses are the longest."""

logger = logging.getLogger(__name__)


class Patience:
    """The tries of one writer: how long it waits, and what is logged of that.

    A store without space can stay so for hours: it is logged once when the writer begins to wait for it, and once when
    it has stopped. `what` is what cannot be stored, `task` whose it is.
    """

    def __init__(self, task: str, what: str, on_refused: OnRefused | None = None) -> None:
        self._task = task
        self._what = what
        self._on_refused = on_refused
        self._refused = 0
        self._waiting_since: float | None = None

    async def wait(self, error: UnavailableError) -> None:
        """The pause after a refused try: 0.05 s, doubling with each one in a row, at most 1.6 s."""
        if self._on_refused is not None:
            self._on_refused(error)
        if isinstance(error, StoreFullError) and self._waiting_since is None:
            self._waiting_since = asyncio.get_running_loop().time()
            extra = {"action": "store_full", "task": self._task, "what": self._what, "error": str(error)}
            logger.warning("the store is full; what cannot be stored waits", extra=extra)
        await pause(self._refused)
        self._refused += 1

    def succeeded(self) -> None:
        """A try was answered."""
        self._refused = 0
        if self._waiting_since is not None:
            seconds = asyncio.get_running_loop().time() - self._waiting_since
            self._waiting_since = None
            extra = {"action": "store_has_space", "task": self._task, "what": self._what, "seconds": round(seconds, 1)}
            logger.info("what waited for space is stored", extra=extra)


async def pause(attempt: int) -> None:
    """Wait before trying an unavailable log again: 0.05 s, doubling, at most 1.6 s."""
    await asyncio.sleep(0.05 * 2 ** min(attempt, LONGEST))
