"""Rate and time left of a task that is reported over HTTP, from the last progress in its log. No I/O.

It is the formula of `headway.progress.estimate`, an exponentially weighted average over work and time, but streamers
keep nothing of a task: the sums of earlier work are those of its last rate over the time that the average remembers.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from headway.events import Progress

MIN_SECONDS = 5.0
MIN_SHARE = 0.02


class Pace(NamedTuple):
    """How fast the task is."""

    rate: float | None = None
    """Units a second, more than 0; None while it is not known."""
    eta: float | None = None
    """Seconds left; None while it would be a guess."""


def pace(before: Progress, now: Progress, began: float) -> Pace:
    """The pace at `now`, whose `at` is set, after `before` in an attempt that began at `began`, seconds since 1970."""
    if before.done is None or now.done is None or now.done < before.done or now.unit != before.unit:
        return Pace()
    rate = _rate(before, now.done - before.done, max(now.at - before.at, 0.0), max(now.at - began, 0.0))
    return Pace(rate, None if rate is None else _eta(before, now, rate, now.at - began))


def _rate(before: Progress, work: float, seconds: float, elapsed: float) -> float | None:
    memory = min(max(0.3 * elapsed, 15.0), 600.0)
    weight = math.exp(-seconds / memory)
    # What the average remembers: all time that was counted, each second less the older it is.
    counted = 0.0 if before.rate is None else memory * (1.0 - math.exp(-max(elapsed - seconds, 0.0) / memory))
    time = counted * weight + seconds
    if time <= 0.0:
        return before.rate
    rate = ((before.rate or 0.0) * counted * weight + work) / time
    return rate if 0.0 < rate < math.inf else None


def _eta(before: Progress, now: Progress, rate: float, elapsed: float) -> float | None:
    assert now.done is not None
    total = now.total
    if not total or elapsed < MIN_SECONDS or now.done < MIN_SHARE * total:
        return None
    if before.total is not None and total > before.total:  # a crawl that still finds pages
        return None
    return max(total - now.done, 0.0) / rate
