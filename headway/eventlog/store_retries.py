"""Retries of a writer whose store may be full for hours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from headway.errors import StoreFullError, UnavailableError
from headway.service.retry import Retries

OnRefused = Callable[[UnavailableError], None]
"""Called with the error of each refused try."""

logger = logging.getLogger(__name__)


class StoreRetries(Retries):
    """The tries of one writer. A full store is logged once when the writer begins to wait, and once when it ends.

    Args:
        task: the task whose data is stored, for the log.
        what: what is stored, for the log.
        on_refused: called with the error of each refused try.
    """

    def __init__(self, task: str, what: str, on_refused: OnRefused | None = None) -> None:
        super().__init__(on_refused=self._note_refused)
        self._task = task
        self._what = what
        self._notify = on_refused
        self._full_since: float | None = None

    def succeeded(self) -> None:
        self._refused = 0
        if self._full_since is not None:
            seconds = asyncio.get_running_loop().time() - self._full_since
            self._full_since = None
            logger.info(
                "the store has space again", extra=self._extra("store_has_space") | {"seconds": round(seconds, 1)}
            )

    def _note_refused(self, error: UnavailableError) -> None:
        if self._notify is not None:
            self._notify(error)
        if isinstance(error, StoreFullError) and self._full_since is None:
            self._full_since = asyncio.get_running_loop().time()
            logger.warning("the store is full; writing waits", extra=self._extra("store_full") | {"error": str(error)})

    def _extra(self, action: str) -> dict[str, object]:
        return {"action": action, "task": self._task, "what": self._what}
