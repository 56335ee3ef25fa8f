"""The delay before the next attempt at a task or the next try of a call. No I/O."""

from __future__ import annotations

import math

import msgspec

MAX_RETRY_IN_SECONDS = 86_400.0
"""Longest pause that an error may ask for: a day."""


class RetryDelay(msgspec.Struct, frozen=True):
    """The pause before each further attempt: it grows by a factor, up to a limit, and is spread by jitter."""

    first_seconds: float | None = None
    """Before the first retry; None for the caller's, which is the processor's `retry_delay_seconds` for tasks."""
    backoff: float = 2.0
    """Factor from one pause to the next; 1 keeps it the same."""
    max_seconds: float = 60.0
    """Longest pause, before jitter."""
    jitter: float = 0.1
    """Share of the pause by which it varies up and down, so that tasks that failed together do not return together."""

    def seconds(self, failed: int, first_seconds: float = 1.0, roll: float = 0.5) -> float:
        """The pause after `failed` earlier failures.

        Args:
            failed: attempts that failed before the one that has failed now.
            first_seconds: the pause before the first retry, unless this object has its own.
            roll: a random number from 0 to 1: where in the jitter's range the pause lies.
        """
        first = first_seconds if self.first_seconds is None else self.first_seconds
        try:
            grown = first * self.backoff**failed
        except OverflowError:
            grown = math.inf
        return round(min(grown, self.max_seconds) * (1.0 + self.jitter * (2.0 * roll - 1.0)), 3)


def asked(seconds: object) -> float | None:
    """The pause that an error asks for with `retry_in`, or None when it does not, or not with a usable number."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
        return None
    return float(min(seconds, MAX_RETRY_IN_SECONDS))  # an int may be too large for a float
