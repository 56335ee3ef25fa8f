"""The limits of callers: how many tasks they submit and how many streams they have open, at all streamers together."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from headway.errors import HeadwayError
from headway_streamer import audit
from headway_streamer.limits.caller import NOBODY, Caller
from headway_streamer.limits.places import Places
from headway_streamer.limits.rates import Rates
from headway_streamer.limits.stored import StoredBytes
from headway_streamer.metrics import Metrics
from headway_streamer.settings import Settings

KINDS = ("owner", "address")
"""What is counted by: the fields of a `Caller`."""
LOG_SECONDS = 60.0
"""Between two log lines of one caller and limit."""
MAX_LOGGED = 1_000


class LimitedError(HeadwayError):
    """A caller has done all that a limit allows for now. `seconds` are how long to wait, at least 1."""

    def __init__(self, limit: str, seconds: float) -> None:
        super().__init__(f"the limit {limit} is reached")
        self.limit = limit
        self.seconds = max(math.ceil(seconds), 1)


class Limits:
    """What a streamer allows each caller. `Exchange` tells it what happens at the others."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        *,
        has_tenants: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        most = (settings.max_watchers_per_user, settings.max_watchers_per_address)
        rates = (settings.max_submit_rate_per_user, settings.max_submit_rate_per_address)
        burst = settings.max_submit_burst
        self.places = {kind: Places(count) for kind, count in zip(KINDS, most, strict=True) if count}
        self.rates = {kind: Rates(rate, burst, clock) for kind, rate in zip(KINDS, rates, strict=True) if rate}
        self.stored = StoredBytes(settings.max_tenant_bytes if has_tenants else 0, clock)
        self._metrics = metrics
        self._clock = clock
        self._logged: dict[tuple[str, str], float] = {}

    def submit(self, caller: Caller) -> None:
        """Count a task that `caller` submits. Raises LimitedError."""
        if caller is NOBODY:
            return
        found = [(kind, rates, key) for kind, rates in self.rates.items() if (key := getattr(caller, kind))]
        for kind, rates, key in found:
            if wait := rates.wait(key):
                self.note(f"submits_per_{kind}", caller, key)
                raise LimitedError(f"submits_per_{kind}", wait)
        for _, rates, key in found:
            rates.take(key)

    def full(self, caller: Caller) -> bool:
        """Whether `caller` has as many streams open as it may."""
        if caller is NOBODY:
            return False
        for kind, places in self.places.items():
            key = getattr(caller, kind)
            if key and places.full(key):
                self.note(f"streams_per_{kind}", caller, key)
                return True
        return False

    def enter(self, caller: Caller) -> None:
        """Count a stream of `caller`; `leave` follows."""
        if caller is not NOBODY:
            for kind, places in self.places.items():
                if key := getattr(caller, kind):
                    places.enter(key)

    def leave(self, caller: Caller) -> None:
        """The stream has ended."""
        if caller is not NOBODY:
            for kind, places in self.places.items():
                if key := getattr(caller, kind):
                    places.leave(key)

    def note(self, limit: str, caller: Caller, key: str) -> None:
        """Count a refusal, and log the first of a minute: whoever is refused often must not fill the disk."""
        self._metrics.limited(limit)
        now = self._clock()
        if self._logged.get((limit, key), -math.inf) > now - LOG_SECONDS:
            return
        self._logged[limit, key] = now
        while len(self._logged) > MAX_LOGGED:
            del self._logged[next(iter(self._logged))]
        audit.write("limited", limit=limit, owner=caller.name, tenant=caller.tenant, peer=caller.host)
