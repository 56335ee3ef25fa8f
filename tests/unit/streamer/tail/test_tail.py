"""The path of a live event through a tail."""

import asyncio

import pytest

from headway.events import Chunk
from headway_streamer.tail.tail import Tail
from tests.unit.streamer.conftest import completed, ticks

pytestmark = pytest.mark.looptime


@pytest.fixture
async def tail(parts):
    made = Tail("t1", parts.history, parts.decoder, parts.metrics, ring_bytes=100_000)
    yield made
    await made.close()


async def payloads(parts, *events):
    """Stored messages of `events`, as `on_live` takes them: sequence, sequence before, payload."""
    await parts.write("t1", *events)
    stored = await parts.log.read("t1")
    return [(item.seq, stored[place - 1].seq if place else 0, item.payload) for place, item in enumerate(stored)]


async def test_live_messages_before_the_opening_are_taken_after_it(parts, tail):
    messages = await payloads(parts, *ticks(1, 3))
    for message in messages[1:]:
        tail.on_live(*message)
    assert tail.ring.last_n == 0
    tail.open(await parts.history.last("t1"))
    assert (tail.ring.last_n, tail.last_seq, tail.running) == (3, 3, True)


async def test_a_gap_is_read(parts, tail):
    messages = await payloads(parts, *ticks(1, 5))
    tail.open(None)
    tail.on_live(*messages[0])
    tail.on_live(*messages[4])
    assert tail.ring.last_n == 1
    await asyncio.sleep(1)
    assert ([frame.n for frame in tail.ring.all()], parts.metrics.refills) == ([1, 2, 3, 4, 5], 1)


async def test_a_gap_among_the_messages_kept_during_a_refill_is_read_too(parts, tail, monkeypatch):
    messages = await payloads(parts, *ticks(1, 3))
    tail.open(None)
    tail.on_live(*messages[0])
    page, reads = parts.history.page, []

    async def page_then_more(task, start):
        found = await page(task, start)
        reads.append(start)
        if not found.end and len(reads) == 2:  # these come after the read: the first of them is lost
            tail.on_live(*(await payloads(parts, *ticks(4, 5)))[4])
        return found

    monkeypatch.setattr(parts.history, "page", page_then_more)
    tail.on_live(*messages[2])
    await asyncio.sleep(1)
    assert [frame.n for frame in tail.ring.all()] == [1, 2, 3, 4, 5]


async def test_an_old_message_and_one_that_was_not_stored_change_nothing(parts, tail):
    messages = await payloads(parts, *ticks(1, 2))
    tail.open(await parts.history.last("t1"))
    tail.on_live(*messages[0])
    tail.on_live(0, 0, b"beat")
    assert (tail.ring.last_n, parts.metrics.events_malformed) == (2, 1)


async def test_a_malformed_message_is_passed_over(parts, tail):
    messages = await payloads(parts, *ticks(1, 1))
    tail.open(None)
    tail.on_live(*messages[0])
    tail.on_live(2, 1, b"{")
    assert (tail.last_seq, tail.ring.last_n, parts.metrics.events_malformed) == (2, 1, 1)


async def test_beats_count_as_life_unless_they_are_of_presence(parts, tail):
    tail.open(None)
    alive_at = tail.alive_at = asyncio.get_running_loop().time()
    await asyncio.sleep(1)
    tail.on_beat(b'{"type":"beat","task":"t1","presence":true}')
    tail.on_beat(b"{")
    assert (tail.alive_at, parts.metrics.events_malformed) == (alive_at, 1)
    tail.on_beat(b'{"type":"beat","task":"t1","attempt":1}')
    assert tail.alive_at == alive_at + 1


async def test_a_reset_drops_what_is_known_and_reads_the_new_stream(parts, tail):
    await payloads(parts, *ticks(1, 3), completed())
    tail.open(await parts.history.last("t1"))
    assert tail.ended
    parts.log.recreate()
    await parts.write("t1", *ticks(1, 1))
    tail.reset()
    assert (tail.epoch, tail.ended, tail.ring.last_n, tail.newest_at) == (1, False, 0, 0.0)
    await asyncio.sleep(1)
    assert (tail.ring.last_n, tail.last_seq, tail.newest_at > 0) == (1, 1, True)


async def test_a_reset_before_the_opening_reads_everything(parts, tail):
    await payloads(parts, *ticks(1, 3))
    last = await parts.history.last("t1")
    tail.reset()
    tail.open(last)
    assert tail.ring.last_n == 0
    await asyncio.sleep(1)
    assert [frame.n for frame in tail.ring.all()] == [1, 2, 3]


class Reader:
    def __init__(self):
        self.pieces, self.woken = [], 0

    def wake(self):
        self.woken += 1

    def take(self, start, after, piece, now):
        self.pieces.append((start, after.n, piece))
        return True


async def test_a_flush_writes_all_that_is_new_at_once_and_wakes_for_the_end(parts, tail):
    reader = Reader()
    tail.open(None)
    tail.audience.direct.add(reader)
    messages = await payloads(parts, *(Chunk(text=str(n), offset=n) for n in range(3)), completed())
    for message in messages[:2]:
        tail.on_live(*message)
    await asyncio.sleep(0.1)
    tail.on_live(*messages[2])
    await asyncio.sleep(0.1)
    assert [(start, end) for start, end, _ in reader.pieces] == [(0, 2), (2, 3)]
    assert (parts.metrics.events_sent, reader.woken) == (3, 0)
    tail.on_live(*messages[3])
    await asyncio.sleep(0.1)
    assert (len(reader.pieces), reader.woken) == (2, 1)


async def test_a_tail_that_is_closed_while_it_reads_stops(parts):
    tail = Tail("t1", parts.history, parts.decoder, parts.metrics, ring_bytes=100_000)
    parts.log.away = True
    tail.open(None)
    tail.refill()
    await asyncio.sleep(1)
    await tail.close()
    assert len(asyncio.all_tasks()) == 1
