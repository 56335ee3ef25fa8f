"""Read every event of a task's log, once and in order, also when the live subject loses messages.

To join: subscribe and buffer, read what is after the start, then drain the buffer. After that a gap before a live
message is filled by a read, and a periodic probe finds events that were never published.
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
    """How to treat a live message."""

    DROP = "seen before"
    TAKE = "follows the last one"
    REFILL = "something between is missing"


def judge(last: int, seq: int, prev: int) -> Verdict:
    """Compare a live message with the last sequence reached: `prev` is the one before `seq` in the same log.

    A leader that has just been elected can publish an event twice, and one that dies can store without publishing:
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
    """Yield the events of `task` with a sequence above `after`, indefinitely. Close the iterator to stop.

    While NATS is unreachable it retries.
    """
    arrived: asyncio.Queue[Live] = asyncio.Queue(maxsize=1024)

    def on_live(seq: int, prev: int, payload: bytes) -> None:
        # A full queue may drop messages: the next message, or the probe, finds the gap.
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
