"""Stored records and events that cannot be decoded: each is counted and logged once, however often it is read."""

from __future__ import annotations

import logging
from typing import Literal

from headway.errors import MalformedEventError
from headway_streamer.metrics import Metrics

MAX_REMEMBERED = 10_000

What = Literal["task", "kind", "processor", "event"]

logger = logging.getLogger(__name__)


class Malformed:
    """Counts and logs malformed records and events. Remembers up to 10,000 of them; then it starts over."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._seen: set[tuple[What, str, int]] = set()

    def note(self, what: What, key: str, error: MalformedEventError, *, seq: int = 0) -> None:
        """Note that the record of the task, kind or processor `key`, or the event `seq` of task `key`, is malformed."""
        if (what, key, seq) in self._seen:
            return
        if len(self._seen) >= MAX_REMEMBERED:
            self._seen.clear()
        self._seen.add((what, key, seq))
        if what == "event":
            self._metrics.malformed()
        else:
            self._metrics.malformed_record(what)
        extra = {"action": f"{what}_malformed", "task" if what == "event" else what: key, "error": str(error)[:200]}
        logger.warning("what is stored cannot be read and is skipped", extra=extra | ({"seq": seq} if seq else {}))
