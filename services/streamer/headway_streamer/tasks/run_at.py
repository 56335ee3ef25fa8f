"""When a submitted task begins, as its caller has written it."""

from __future__ import annotations

from datetime import UTC, datetime

from headway_streamer.problems import Problem, pointer

DAY = 24 * 3600.0
MOST_SECONDS = 30 * DAY


def most_ahead(retention_seconds: float) -> float:
    """How far ahead a task may begin: 30 days, and a day before its record expires; at least half of that time."""
    return min(MOST_SECONDS, max(retention_seconds - DAY, retention_seconds / 2))


def read_run_at(given: float | str | None, now: float, retention_seconds: float) -> float | None:
    """When it begins, seconds since 1970; None for now, which is also meant by a time in the past. Raises a Problem."""
    if given is None:
        return None
    seconds = _parsed(given) if isinstance(given, str) else given
    most = most_ahead(retention_seconds)
    if seconds > now + most:
        latest = datetime.fromtimestamp(now + most, UTC).isoformat(timespec="seconds")
        raise _refused(f"A task may begin at most {most / DAY:g} days ahead, which is {latest} now.")
    return round(seconds, 3) if seconds > now else None


def _parsed(given: str) -> float:
    try:
        parsed = datetime.fromisoformat(given)
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise _refused("Write seconds since 1970, or a time with its zone, such as 2026-12-01T08:00:00+01:00.")
    return parsed.timestamp()


def _refused(detail: str) -> Problem:
    errors = [{"pointer": pointer("run_at"), "detail": detail}]
    return Problem(422, "Unprocessable Content", "The time at which the task begins does not fit.", errors=errors)
