"""A follower gets every event once and in order, whatever the live subject loses or doubles."""

import asyncio
from contextlib import aclosing
from random import Random

import looptime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.eventlog.chain import Chain
from headway.eventlog.follow import FIRST_PROBE_SECONDS, PROBE_SECONDS, Followed, Verdict, follow, judge
from headway.eventlog.log import Live
from headway.events import Chunk
from headway.testing import MemoryLog, progress


class Lossy(MemoryLog):
    """Shows each message not at all, once or twice, and now and then an old one again."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random
        self._shown: list[Live] = []

    def _show(self, task, live):
        self._shown.append(live)
        for _ in range(self._random.choice([0, 0, 1, 1, 1, 2])):
            super()._show(task, live)
        if self._random.random() < 0.2:
            super()._show(task, self._random.choice(self._shown))


async def write(log: MemoryLog, count: int, task: str = "t1") -> Chain:
    chain = Chain(log, task, attempt=1)
    await chain.append(progress())
    for i in range(1, count):
        await chain.append(Chunk(text=str(i), offset=0))
    return chain


def stored(log: MemoryLog) -> list[Followed]:
    return [Followed(one.seq, one.payload) for one in log._logs["t1"]]


class Reader:
    """Follows in the background and keeps what it got."""

    def __init__(self, log: MemoryLog, after: int = 0, **options) -> None:
        self.got: list[Followed] = []
        self._task = asyncio.create_task(self._read(log, after, options))

    async def _read(self, log, after, options):
        async with aclosing(follow(log, "t1", after, **options)) as events:
            async for event in events:
                self.got.append(event)

    async def close(self):
        self._task.cancel()
        await asyncio.wait({self._task})


# One live message


@pytest.mark.parametrize(
    ("last", "seq", "prev", "verdict"),
    [
        (0, 1, 0, Verdict.TAKE),
        (0, 7, 0, Verdict.TAKE),
        (7, 9, 7, Verdict.TAKE),
        (7, 9, 6, Verdict.TAKE),  # what was between is trimmed, or was read already
        (7, 7, 3, Verdict.DROP),
        (7, 6, 3, Verdict.DROP),
        (7, 7, 0, Verdict.DROP),
        (0, 9, 7, Verdict.REFILL),
        (7, 9, 8, Verdict.REFILL),
        (7, 100, 99, Verdict.REFILL),
    ],
)
def test_a_live_message_is_taken_dropped_or_a_sign_of_a_loss(last, seq, prev, verdict):
    assert judge(last, seq, prev) is verdict


# Joining


@pytest.mark.looptime
@pytest.mark.parametrize("count", [0, 1, 5, 256, 257, 600])
async def test_what_is_stored_already_comes_first(count, looptime):
    log = MemoryLog()
    if count:
        await write(log, count)
    reader = Reader(log)
    await asyncio.sleep(0.01)
    assert reader.got == stored(log)
    await reader.close()


@pytest.mark.looptime
@pytest.mark.parametrize("after", [0, 1, 3, 5, 99])
async def test_a_follower_starts_after_the_sequence_it_names(after):
    log = MemoryLog()
    await write(log, 5)
    reader = Reader(log, after)
    await asyncio.sleep(0.01)
    assert reader.got == stored(log)[after:]
    await reader.close()


@pytest.mark.looptime
async def test_an_event_that_is_stored_while_the_follower_joins_comes_once():
    class Slow(MemoryLog):
        async def read(self, task, start=1, limit=256):
            found = await super().read(task, start, limit)
            if start == 1:
                await chain.append(Chunk(text="in between", offset=0))
            return found

    log = Slow()
    chain = await write(log, 3)
    reader = Reader(log)
    await asyncio.sleep(0.01)
    assert reader.got == stored(log)
    assert len(reader.got) == 4
    await reader.close()


@pytest.mark.looptime
async def test_what_is_shown_live_comes_at_once_and_without_a_read():
    log = MemoryLog()
    reader = Reader(log)
    await asyncio.sleep(0.01)
    reads = log.reads
    await write(log, 50)
    await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    assert reader.got == stored(log)
    assert log.reads == reads
    await reader.close()


@pytest.mark.looptime
async def test_events_of_other_tasks_do_not_look_like_a_loss():
    log = MemoryLog()
    reader = Reader(log)
    chain = await write(log, 1)
    await asyncio.sleep(0.01)
    reads = log.reads
    await write(log, 10, task="t2")
    await chain.append(Chunk(text="a", offset=0))
    await asyncio.sleep(0.01)
    assert reader.got == stored(log)
    assert log.reads == reads
    await reader.close()


@pytest.mark.looptime
async def test_a_beat_is_no_event():
    log = MemoryLog()
    reader = Reader(log)
    await asyncio.sleep(0.01)
    await log.beat("t1", b"beat")
    await asyncio.sleep(0.01)
    assert reader.got == []
    await reader.close()


# Losses


@pytest.mark.looptime
@pytest.mark.parametrize(("joined_for", "found_after"), [(0.5, FIRST_PROBE_SECONDS - 0.5), (2.0, PROBE_SECONDS - 1.0)])
async def test_the_probe_finds_a_last_event_that_was_never_shown(joined_for, found_after):
    log = MemoryLog()
    reader = Reader(log)
    await asyncio.sleep(joined_for)
    log.mute = True
    await write(log, 1)
    await asyncio.sleep(found_after - 0.1)
    assert reader.got == []
    await asyncio.sleep(0.2)
    assert reader.got == stored(log)
    await reader.close()


@pytest.mark.looptime
async def test_beats_do_not_put_the_probe_off():
    log = MemoryLog()
    reader = Reader(log)
    await asyncio.sleep(2)
    log.mute = True
    await write(log, 1)
    for _ in range(10):
        await asyncio.sleep(1)
        await log.beat("t1", b"beat")
    assert reader.got == stored(log)
    await reader.close()


@pytest.mark.looptime
async def test_the_time_between_probes_can_be_chosen():
    log = MemoryLog()
    reader = Reader(log, probe_seconds=2.0)
    await asyncio.sleep(1.5)
    log.mute = True
    await write(log, 1)
    await asyncio.sleep(1.6)
    assert reader.got == stored(log)
    await reader.close()


@pytest.mark.looptime
async def test_the_next_live_message_shows_that_one_was_lost():
    log = MemoryLog()
    chain = await write(log, 1)
    reader = Reader(log)
    await asyncio.sleep(0.01)
    log.mute = True
    await chain.append(Chunk(text="lost", offset=0))
    log.mute = False
    await chain.append(Chunk(text="shown", offset=0))
    await asyncio.sleep(0.01)
    assert reader.got == stored(log)
    await reader.close()


@pytest.mark.looptime
async def test_a_flood_that_the_buffer_cannot_hold_is_read_from_the_log():
    log = MemoryLog()
    events = follow(log, "t1")
    chain = Chain(log, "t1", attempt=1)
    await chain.append(progress())
    got = [await anext(events)]
    for i in range(3000):  # nobody reads meanwhile
        await chain.append(Chunk(text=str(i), offset=0))
    while len(got) < 3001:
        got.append(await anext(events))
    assert got == stored(log)
    await events.aclose()


@pytest.mark.looptime
async def test_a_trimmed_history_does_not_hold_the_follower_up():
    log = MemoryLog(max_per_task=3)
    await write(log, 10)
    reader = Reader(log, after=2)
    await asyncio.sleep(0.01)
    assert [event.seq for event in reader.got] == [8, 9, 10]
    await reader.close()


@pytest.mark.looptime
async def test_a_follower_waits_out_ten_minutes_without_nats():
    log = MemoryLog()
    chain = await write(log, 2)
    reader = Reader(log)
    await asyncio.sleep(0.01)
    log.away = True
    await asyncio.sleep(600)
    log.away, log.mute = False, True
    await chain.append(Chunk(text="a", offset=0))
    await asyncio.sleep(2.1)
    assert reader.got == stored(log)
    await reader.close()


@pytest.mark.looptime
async def test_a_follower_that_begins_without_nats_waits_for_it():
    log = MemoryLog()
    await write(log, 2)
    log.away = True
    reader = Reader(log)
    await asyncio.sleep(600)
    assert reader.got == []
    log.away = False
    await asyncio.sleep(2.1)
    assert reader.got == stored(log)
    await reader.close()


@pytest.mark.looptime
async def test_a_closed_follower_leaves_no_subscription():
    log = MemoryLog()
    reader = Reader(log)
    await asyncio.sleep(0.01)
    assert log.subscribers("t1") == 1
    await reader.close()
    assert log.subscribers("t1") == 0


async def play(log: Lossy, count: int, random: Random) -> list[list[Followed]]:
    chain = Chain(log, "t1", attempt=1)
    readers = [Reader(log)]
    for i in range(count):
        await chain.append(Chunk(text=str(i), offset=0))
        await asyncio.sleep(random.choice([0, 0, 0.1, 1.5, 12]))
        if random.random() < 0.1:
            readers.append(Reader(log))
        if random.random() < 0.1:
            log.away = True
            asyncio.get_running_loop().call_later(random.random() * 3, setattr, log, "away", False)
    await asyncio.sleep(PROBE_SECONDS + 6)
    for reader in readers:
        await reader.close()
    return [reader.got for reader in readers]


@given(count=st.integers(1, 40), seed=st.integers(0, 2**32))
@settings(max_examples=settings().max_examples // 2, deadline=None)
def test_every_event_comes_once_and_in_order_whatever_is_lost_or_doubled(count, seed):
    random = Random(seed)
    log = Lossy(random)
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        all_got = runner.run(play(log, count, random))
    assert len(stored(log)) == count
    for got in all_got:
        assert got == stored(log)
