"""How many bytes each tenant has stored: as summed up last, and what was accepted since then."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable
from heapq import nlargest
from typing import NamedTuple

from headway.errors import HeadwayError

SLICE_SECONDS = 1.0
STORING_SECONDS = 2.0
"""From when a task is accepted until it is stored, and another streamer has heard of it, at most."""
MAX_SLICES = 64
"""Slices of time for which what was accepted is kept apart; older ones are joined."""
MAX_SENT = 2_000
"""Tenants in one report to other streamers, the largest."""


class QuotaError(HeadwayError):
    """A tenant has stored as much as it may, or would with another task of `size_bytes`."""

    def __init__(self, used_bytes: int, most_bytes: int, size_bytes: int) -> None:
        super().__init__(
            f"the tasks of your tenant use {used_bytes:,} of {most_bytes:,} bytes, and this one needs {size_bytes:,}"
        )


class _Slice(NamedTuple):
    """What was accepted in a slice of time."""

    began: float
    added: Counter[str]


class StoredBytes:
    """The bytes of each tenant, by key.

    Args:
        most: bytes that a tenant may store; 0 for no limit.
        clock: seconds, monotonic.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._summed: dict[str, int] = {}
        self._summed_at = -math.inf
        """When the sums were begun."""
        self._slices: deque[_Slice] = deque()
        self._added: Counter[str] = Counter()
        """Of all slices together."""
        self._unreported: Counter[str] = Counter()
        self._began: float | None = None
        """When the sums were begun that the other streamers have not received."""

    def used(self, key: str) -> int:
        """Bytes that a tenant has stored. Sums of different age count what was accepted in between twice, never not."""
        return self._summed.get(key, 0) + self._added[key]

    def rejection(self, key: str, size: int) -> QuotaError | None:
        """Why a task of `size` bytes is not to be stored now; None when it may be, and is counted."""
        if not self.most:
            return None
        if (used := self.used(key)) + size > self.most:
            return QuotaError(used, self.most, size)
        self._add(Counter({key: size}))
        self._unreported[key] += size
        return None

    def summed(self, found: dict[str, int], age_seconds: float) -> None:
        """Take sums, which were begun `age_seconds` ago and hold all that was stored before that.

        They are not taken if later ones were: what was accepted in between is no longer known.
        """
        began = self._clock() - age_seconds
        if began < self._summed_at:
            return
        self._summed, self._summed_at = found, began
        while self._slices and self._slices[0].began + SLICE_SECONDS + STORING_SECONDS <= began:
            self._added -= self._slices.popleft().added  # keeps what is above 0

    def sum_up(self, found: dict[str, int], age_seconds: float) -> None:
        """Take sums that were made here: the other streamers receive them with the next report."""
        self.summed(found, age_seconds)
        self._began = self._clock() - age_seconds

    def report(self) -> tuple[dict[str, int], dict[str, int] | None, float]:
        """For the other streamers: what was accepted here since the last report, new sums and their age."""
        added, self._unreported = self._unreported, Counter()
        began, self._began = self._began, None
        if began is None:
            return _largest(added), None, 0.0
        return _largest(added), _largest(self._summed), self._clock() - began

    def hear(self, added: dict[str, int]) -> None:
        """Count what another streamer has accepted."""
        self._add(Counter(added))

    def _add(self, added: Counter[str]) -> None:
        now, slices = self._clock(), self._slices
        if not slices or slices[-1].began + SLICE_SECONDS <= now:
            slices.append(_Slice(now, Counter()))
        slices[-1].added.update(added)
        self._added.update(added)
        if len(slices) > MAX_SLICES:
            oldest = slices.popleft()
            slices[0].added.update(oldest.added)


def _largest(found: dict[str, int]) -> dict[str, int]:
    if len(found) <= MAX_SENT:
        return dict(found)
    return dict(nlargest(MAX_SENT, found.items(), key=lambda item: item[1]))
