"""A reader that gets every event of a task's log, once and in order, also when the live subject loses some.

Join: subscribe and buffer, read what is after the start, then drain the buffer. After that a live message that does not
follow the last one is repaired by a read, and a probe finds what was never shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from enum import Enum
from functools import partial
from typing import NamedTuple

from headway.eventlog.log import Live, Log
from headway.jetstream.stored import Stored
from headway.service.retry import retry

FIRST_PROBE_SECONDS = 1.0
PROBE_SECONDS = 10.0


class Verdict(Enum):
    """What to do with a live message."""

    DROP = "seen before"
    TAKE = "follows the last one"
    REFILL = "something between is missing"


def judge(last: int, seq: int, prev: int) -> Verdict:
    """Where a live message stands: `last` is the sequence reached, `prev` the one before `seq` in the same log.

    A leader that has just been elected can show an event twice, and one that dies can store without showing:
    https://docs.nats.io/nats-concepts/jetstream/streams#republish
    """
    if seq <= last:
        return Verdict.DROP
    if prev <= last:
        return Verdict.TAKE
    return Verdict.REFILL


class Followed(NamedTuple):
    """One event's bytes, in order."""

    seq: int
    payload: bytes


async def follow(
    log: Log, task: str, after: int = 0, *, probe_seconds: float = PROBE_SECONDS
) -> AsyncIterator[Followed]:
    """Yield the events of `task` with a sequence above `after`, for ever. Close the iterator to stop.

    Waits out a NATS that is away.
    """
    arrived: asyncio.Queue[Live] = asyncio.Queue(maxsize=1024)

    def on_live(seq: int, prev: int, payload: bytes) -> None:
        # A full queue may lose: the next message, or the probe, finds that something is missing.
        if seq and not arrived.full():
            arrived.put_nowait(Live(seq, prev, payload))

    subscription = await retry(lambda: log.subscribe(task, on_live))
    try:
        last, wait, missing = after, FIRST_PROBE_SECONDS, True
        while True:
            if missing:
                async for stored in _rest(log, task, last):
                    last = stored.seq
                    yield Followed(stored.seq, stored.payload)
            try:
                async with asyncio.timeout(wait):
                    live = await arrived.get()
            except TimeoutError:
                wait, missing = probe_seconds, True
                continue
            verdict = judge(last, live.seq, live.prev)
            missing = verdict is Verdict.REFILL
            if verdict is Verdict.TAKE:
                last = live.seq
                yield Followed(live.seq, live.payload)
    finally:
        await subscription.close()


async def _rest(log: Log, task: str, after: int) -> AsyncIterator[Stored]:
    while page := await retry(partial(log.read, task, after + 1)):
        for stored in page:
            yield stored
        after = page[-1].seq
