"""What streamers tell each other of the use of limits, so that these hold for all of them together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Protocol

import msgspec

from headway import codec
from headway.errors import UnavailableError
from headway.ids import nonce
from headway_streamer.limits.limits import Limits
from headway_streamer.limits.places import MAX_SENT

PERIOD_SECONDS = 1.0
"""Between two reports, unless a key changes much."""
MIN_SECONDS = 0.05
"""Between two reports in any case."""
SILENT_SECONDS = 3.5
"""A streamer that has not reported for this long has no streams."""
MAX_STREAMERS = 256

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Counts = Annotated[dict[Annotated[str, msgspec.Meta(max_length=32)], Count], msgspec.Meta(max_length=MAX_SENT)]
Size = Annotated[int, msgspec.Meta(ge=0, le=1 << 60)]
Bytes = Annotated[dict[Annotated[str, msgspec.Meta(max_length=32)], Size], msgspec.Meta(max_length=MAX_SENT)]

logger = logging.getLogger(__name__)


class Report(msgspec.Struct, omit_defaults=True):
    """What a streamer tells the others. Keys are digests: see `limits.caller`."""

    streamer: Annotated[str, msgspec.Meta(max_length=64)]
    """A random name."""
    places: dict[str, Counts] = {}
    """Streams that are open now, by what is counted (`owner`, `address`) and by key."""
    taken: dict[str, Counts] = {}
    """Tasks submitted since its last report."""
    added: Bytes = {}
    """Bytes accepted since its last report, by tenant."""
    sums: Bytes | None = None
    """Bytes of each tenant, from the streamer that sums them up; None when it has nothing new."""
    age: Annotated[float, msgspec.Meta(ge=0, le=1e9)] = 0.0
    """Seconds since the sums were begun."""


class Channel(Protocol):
    """Passes messages to all streamers. Nothing is stored, and some may be lost."""

    @property
    def connected(self) -> bool:
        """Whether messages can be sent now."""

    async def publish(self, payload: bytes) -> None:
        """Send to all streamers, this one included. Raises UnavailableError."""

    async def subscribe(self, call: Callable[[bytes], None]) -> None:
        """Call `call` with each message from now on, also after a reconnection. Raises UnavailableError."""


class Exchange:
    """Reports what happens here, and takes note of the reports of others.

    While NATS is unreachable each streamer counts for itself.
    """

    def __init__(self, limits: Limits, channel: Channel) -> None:
        self.name = nonce()
        self.unheard = 0
        """Reports in a row that have not come back: with more than a few, the others hear none either."""
        self._limits = limits
        self._channel = channel
        self._heard_at: dict[str, float] = {}
        self._due = asyncio.Event()
        self._reported = True  # so that the others hear of this one at once, and report
        for places in limits.places.values():
            places.on_much = self._due.set
        for rates in limits.rates.values():
            rates.on_much = self._due.set

    @property
    def first(self) -> bool:
        """Whether this is the first of all streamers that are heard, in the order of their names: one does for all."""
        return all(self.name <= other for other in self._heard_at)

    async def keep_shared(self) -> None:
        """Report every second, and sooner when a caller uses much of a limit. A root task."""
        await self._subscribe()
        self._due.set()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(PERIOD_SECONDS):
                    await self._due.wait()
            self._due.clear()
            self._forget_silent()
            with suppress(UnavailableError):
                await self._report()
            await asyncio.sleep(MIN_SECONDS)

    def hear(self, payload: bytes) -> None:
        """Take note of a report."""
        try:
            report = msgspec.json.decode(payload, type=Report)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            logger.warning("a report is malformed", extra={"action": "report_malformed", "error": str(error)})
            return
        if report.streamer == self.name:
            self.unheard = 0
        elif report.streamer in self._heard_at or len(self._heard_at) < MAX_STREAMERS:
            if report.streamer not in self._heard_at:
                self._due.set()
            self._heard_at[report.streamer] = asyncio.get_running_loop().time()
            self._take_note(report)

    def _take_note(self, report: Report) -> None:
        for kind, places in self._limits.places.items():
            places.hear(report.streamer, report.places.get(kind, {}))
        for kind, rates in self._limits.rates.items():
            rates.hear(report.taken.get(kind, {}))
        if report.added:
            self._limits.stored.hear(report.added)
        if report.sums is not None:
            self._limits.stored.summed(report.sums, report.age)

    async def _subscribe(self) -> None:
        while True:
            if self._channel.connected:
                with suppress(UnavailableError):
                    await self._channel.subscribe(self.hear)
                    return
            await asyncio.sleep(MIN_SECONDS)

    async def _report(self) -> None:
        places = {kind: found for kind, counted in self._limits.places.items() if (found := counted.report())}
        taken = {kind: found for kind, counted in self._limits.rates.items() if (found := counted.report())}
        report = Report(self.name, places, taken, *self._limits.stored.report())
        anything, reported = bool(places or taken or self._limits.stored.most), self._reported
        self._reported = anything
        if (anything or reported) and self._channel.connected:  # once more when all have left
            self.unheard += 1
            await self._channel.publish(codec.encode_json(report))

    def _forget_silent(self) -> None:
        due = asyncio.get_running_loop().time() - SILENT_SECONDS
        for streamer in [name for name, at in self._heard_at.items() if at < due]:
            del self._heard_at[streamer]
            for places in self._limits.places.values():
                places.hear(streamer, {})
