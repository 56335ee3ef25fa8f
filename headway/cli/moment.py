"""Moments on the command line: how long ago or from now, or a date with or without a time."""

from __future__ import annotations

import re
import time
from datetime import datetime

import click

_AGE = re.compile(r"(\d{1,9})(s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class Moment(click.ParamType[float]):
    """Converts ``90s``, ``30m``, ``2h``, ``7d``, ``1w`` (ago), ``2026-11-27`` and ``2026-11-27T14:00`` to seconds since
    1970. Times without a zone are local.
    """

    name = "moment"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds since 1970."""
        if isinstance(value, int | float):
            return float(value)
        if (age := _AGE.fullmatch(value.strip())) is not None:
            return max(time.time() - int(age[1]) * _SECONDS[age[2]], 0.0)
        try:
            return max(datetime.fromisoformat(value.strip()).timestamp(), 0.0)
        except (ValueError, OverflowError, OSError):
            self.fail(f"{value!r} is neither an age, such as 90s, 30m, 2h or 7d, nor a time such as 2026-11-27T14:00.")


class Later(click.ParamType[float]):
    """Converts ``90s``, ``30m``, ``2h``, ``7d``, ``1w`` (from now) to seconds since 1970."""

    name = "delay"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds since 1970."""
        if isinstance(value, int | float):
            return float(value)
        if (delay := _AGE.fullmatch(value.strip())) is None:
            self.fail(f"{value!r} is not a delay, such as 90s, 30m, 2h or 7d.")
        return time.time() + int(delay[1]) * _SECONDS[delay[2]]


class Time(click.ParamType[float]):
    """Converts ``2026-12-01T08:00+01:00`` and ``2026-12-01T08:00`` to seconds since 1970.

    Without a zone it is local.
    """

    name = "time"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds since 1970."""
        if isinstance(value, int | float):
            return float(value)
        try:
            return max(datetime.fromisoformat(value.strip()).timestamp(), 0.0)
        except (ValueError, OverflowError, OSError):
            self.fail(f"{value!r} is not a time such as 2026-12-01T08:00 or 2026-12-01T08:00+01:00.")


def local(seconds: float) -> str:
    """A moment as people read it, in the local zone."""
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M:%S %Z}".rstrip()
