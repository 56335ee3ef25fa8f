"""How often something may be done by one key, on average and at once, here and at other streamers together."""

from __future__ import annotations

import time
from collections.abc import Callable
from heapq import nlargest

MAX_KEYS = 50_000
"""Keys that are kept: some 10 MB. Only those are needed that have done something within the last `burst / per_second`
seconds; with more of them at once the longest unused are forgotten."""
MAX_SENT = 2_000
"""Keys in one report to other streamers, those with most counts."""
ROUNDING = 1e-6
"""Share of the time of one that sums of floats may be wrong by."""
PARTS = 16
"""A key that has used one part in this many of its burst is reported early."""


def _nothing() -> None:
    pass


class Rates:
    """A token bucket for each key, by the generic cell rate algorithm: one number a key.

    Args:
        per_second: how many are allowed on average.
        burst: how many are allowed at once, at least 1.
        clock: seconds, monotonic.
    """

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.on_much: Callable[[], None] = _nothing
        """Called when a key has used so much that the other streamers should know."""
        self._interval = 1 / per_second
        self._slack = (burst - 1) * self._interval
        self._clock = clock
        self._much = max(1, burst // PARTS)
        self._full_at: dict[str, float] = {}
        """When the bucket of each key is full again, in the order of their last use."""
        self._taken: dict[str, int] = {}
        """Taken here since the last report."""

    def wait(self, key: str) -> float:
        """Seconds until `key` may take one; 0 if it may now."""
        now = self._clock()
        wait = self._full_at.get(key, now) - now - self._slack
        return wait if wait > self._interval * ROUNDING else 0.0

    def take(self, key: str) -> None:
        """Count one of `key`."""
        self._add(key, 1)
        taken = self._taken[key] = self._taken.get(key, 0) + 1
        if taken >= self._much:
            self.on_much()

    def report(self) -> dict[str, int]:
        """What was taken here since the last report, for the other streamers."""
        taken, self._taken = self._taken, {}
        if len(taken) <= MAX_SENT:
            return taken
        return dict(nlargest(MAX_SENT, taken.items(), key=lambda item: item[1]))

    def hear(self, taken: dict[str, int]) -> None:
        """Count what was taken at another streamer. A key may come to owe: then it waits until that is paid."""
        for key, count in taken.items():
            self._add(key, count)

    def _add(self, key: str, count: int) -> None:
        now, full_at = self._clock(), self._full_at
        full_at[key] = max(full_at.pop(key, now), now) + count * self._interval
        for _ in range(2):  # more than are added, so that what is no longer needed goes
            first = next(iter(full_at))
            if first == key or (full_at[first] > now and len(full_at) <= MAX_KEYS):
                break
            del full_at[first]
