"""Rate and time left of counted work, from a stream of (time, done) pairs, in constant space.

An exponentially weighted average over work and time: `N = N·w + Δdone`, `D = D·w + Δt`, `rate = N / D` with
`w = exp(-Δt / τ)` and `τ = clamp(0.3 · elapsed, 15 s, 600 s)`. Sums are decayed, not ratios, so that a burst counts by
its work and a pause by its time. The memory grows with the run, so that the estimate of a long job is stable.

Units that are done when the counting begins, or within the first second, do not count as work of this run: a resumed
run skips them. Skipping that takes longer is detected afterwards: five reports in a row at less than a tenth of the
rate, over a fifth of the time, replace the average. Each time twice as many are needed, so that work which alternates
between fast and slow keeps its average.
"""

from __future__ import annotations

import math

BASELINE_SECONDS = 1.0
"""What is done this soon after the first report is counted as done before."""
MIN_REPORTS = 10
MIN_SECONDS = 5.0
MIN_SHARE = 0.02
FEW_SAMPLES = 2
FEW_SECONDS = 10.0
FEW_SHARE = 0.2
GROWTH_SECONDS = 10.0
DROP = 10.0
DROP_UPDATES = 5
DROP_SHARE = 0.2


class Average:
    """Work over time, exponentially weighted."""

    __slots__ = ("time", "work")

    def __init__(self, work: float = 0.0, time: float = 0.0) -> None:
        self.work = work
        self.time = time

    def add(self, work: float, seconds: float, memory_seconds: float) -> None:
        """Add `work` that took `seconds`; older work decays with the time constant `memory_seconds`."""
        weight = math.exp(-seconds / memory_seconds)
        self.work = self.work * weight + work
        self.time = self.time * weight + seconds

    @property
    def rate(self) -> float | None:
        """Units a second, or None before anything was done over a measurable time."""
        if self.time <= 0.0:
            return None
        rate = self.work / self.time
        return rate if 0.0 < rate < math.inf else None  # no work, or numbers beyond the range of a float


class Drop:
    """Detects that work has become much slower than the average, which then was that of other work."""

    __slots__ = ("_needed", "_run", "_updates")

    def __init__(self) -> None:
        self._needed = DROP_UPDATES
        self._updates = 0
        self._run = Average()

    def after(self, average: Average, work: float, seconds: float, elapsed: float) -> Average:
        """The average to continue with after `work` that took `seconds`, `elapsed` seconds after the start."""
        rate = average.rate
        if rate is None or work * DROP >= rate * seconds:
            self._updates, self._run = 0, Average()
            return average
        self._updates += 1
        self._run.work += work
        self._run.time += seconds
        if self._updates < self._needed or self._run.time < DROP_SHARE * elapsed:
            return average
        found, self._run = self._run, Average()
        self._updates = 0
        self._needed *= 2
        return found


class Estimate:
    """Feed it with `update`; read `rate` and `eta`. Times are seconds of a monotonic clock.

    Args:
        now: when the counting began.
        done: units that were done by then; they do not count as work of this run.
    """

    __slots__ = (
        "_average",
        "_base",
        "_base_at",
        "_done",
        "_drop",
        "_grown",
        "_last",
        "_reports",
        "_samples",
        "_start",
        "_total",
    )

    def __init__(self, now: float, done: float = 0.0) -> None:
        self._start = self._base_at = self._last = now
        self._base = self._done = done
        self._average = Average()
        self._drop = Drop()
        self._reports = self._samples = 0
        self._total: float | None = None
        self._grown = -math.inf

    def update(self, now: float, done: float, total: float | None = None) -> None:
        """Note that `done` units were done at `now`. A `done` below the last one restarts the count."""
        if total is not None and self._total is not None and total > self._total:
            self._grown = now
        self._total = total
        if done <= self._done:
            self.skip(done - self._done)
            return
        self._reports += 1
        if 0.0 <= now - self._start < BASELINE_SECONDS:
            self._base = self._done = done
            self._base_at = self._last = now
        else:
            self._measure(now, done)

    def skip(self, count: float) -> None:
        """Add `count` units that are not work of this run."""
        self._base += count
        self._done += count

    def _measure(self, now: float, done: float) -> None:
        work, seconds = done - self._done, max(now - self._last, 0.0)
        memory_seconds = min(max(0.3 * (now - self._start), 15.0), 600.0)
        self._average.add(work, seconds, memory_seconds)
        self._average = self._drop.after(self._average, work, seconds, now - self._start)
        self._done = done
        self._last = now
        self._samples += 1

    @property
    def rate(self) -> float | None:
        """Units a second, or None before two reports have brought work after the first one."""
        return self._average.rate if self._samples >= FEW_SAMPLES else None

    def eta(self, now: float) -> float | None:
        """Seconds left, or None while it would be a guess.

        None before 10 reports of work, 5 s and 2 % (of few long items: 2 reports, 10 s and 20 %); without a total; and
        for 10 s after the total has grown (a crawl that still finds pages), while rate and count are more useful.
        """
        total, rate = self._total, self.rate
        if total is None or rate is None or total <= 0:
            return None
        if now - self._grown < GROWTH_SECONDS or not self._knows(now, total):
            return None
        return max(total - self._done, 0.0) / rate

    def _knows(self, now: float, total: float) -> bool:
        if self._reports >= MIN_REPORTS and now - self._start >= MIN_SECONDS and self._done >= MIN_SHARE * total:
            return True
        measured, left = self._done - self._base, total - self._base
        return self._last - self._base_at >= FEW_SECONDS and measured >= FEW_SHARE * left
