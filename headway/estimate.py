"""Rate and time left of counted work, from a stream of (time, done) pairs, in constant space.

An average over work and time that forgets: `N = N·w + Δdone`, `D = D·w + Δt`, `rate = N / D` with
`w = exp(-Δt / τ)` and `τ = clamp(0.3 · elapsed, 15 s, 600 s)`. Sums are decayed, not ratios, so that a burst counts by
its work and a pause by its time. The memory grows with the run: a long job does not jump at each hiccup.
"""

from __future__ import annotations

import math

MIN_UPDATES = 10
MIN_SECONDS = 5.0
MIN_SHARE = 0.02
GROWTH_SECONDS = 10.0


class Estimate:
    """Feed it with `update`; read `rate` and `eta`. Times are seconds of a monotonic clock."""

    __slots__ = ("_done", "_grown", "_last", "_start", "_time", "_total", "_updates", "_work")

    def __init__(self, now: float) -> None:
        self._start = self._last = now
        self._done = 0.0
        self._work = 0.0
        self._time = 0.0
        self._updates = 0
        self._total: float | None = None
        self._grown = -math.inf

    def update(self, now: float, done: float, total: float | None = None) -> None:
        """`done` units were done at `now`. A `done` below the last one starts the count anew."""
        if total is not None and self._total is not None and total > self._total:
            self._grown = now
        self._total = total
        if done < self._done:
            self._done = done
            return
        if done == self._done:
            return
        step = max(now - self._last, 0.0)
        tau = min(max(0.3 * (now - self._start), 15.0), 600.0)
        weight = math.exp(-step / tau)
        self._work = self._work * weight + (done - self._done)
        self._time = self._time * weight + step
        self._done = done
        self._last = now
        self._updates += 1

    @property
    def rate(self) -> float | None:
        """Units a second, or None before anything was done over a measurable time."""
        if self._time <= 0.0:
            return None
        rate = self._work / self._time
        return rate if 0.0 < rate < math.inf else None  # nothing done, or numbers beyond what a float holds

    def eta(self, now: float) -> float | None:
        """Seconds left, or None while it would be a guess.

        None before 10 updates, 5 s and 2 %; without a total; and for 10 s after the total has grown (a crawl that
        still finds pages): there the rate and the count say more.
        """
        total, rate = self._total, self.rate
        if total is None or rate is None or total <= 0:
            return None
        if self._updates < MIN_UPDATES or now - self._start < MIN_SECONDS or self._done < MIN_SHARE * total:
            return None
        if now - self._grown < GROWTH_SECONDS:
            return None
        return max(total - self._done, 0.0) / rate
