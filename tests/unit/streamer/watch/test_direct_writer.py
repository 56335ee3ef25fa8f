"""A watcher on a connection that can be written to directly: a double of the detachable protocol."""

import asyncio

import pytest

from headway.events import Chunk
from headway.testing import MemoryLog, progress
from headway_streamer.frames.cursor import START
from headway_streamer.frames.dialect import CELERY, NATIVE, THREE_WORDS
from headway_streamer.watch.direct_writer import DirectWriter
from headway_streamer.watch.idle_timer import IdleTimer
from headway_streamer.watch.log_reader import LogReader
from headway_streamer.watch.session import Session
from headway_streamer.watch.watcher import Watcher
from tests.fixtures.chunked import decode_chunked
from tests.unit.streamer.conftest import completed, parse, parts_on, ticks

pytestmark = pytest.mark.looptime


class Pipe:
    """What `headway_streamer.process.detachable_protocol` offers, with a buffer that the test can fill and drain."""

    def __init__(self):
        self.writable = True
        self.writes = []
        self.unsent_bytes = 0
        self.ended = self.aborted = False

    def write(self, chunks):
        assert not self.ended
        self.writes.append(chunks)

    def end(self):
        self.ended = True

    def abort(self):
        self.aborted = True

    @property
    def blocks(self):
        body = decode_chunked(b"".join(self.writes))
        return [sent for part in body.split(b":\n") for sent in parse(part)]

    @property
    def numbers(self):
        return [b.data["n"] for b in self.blocks if "n" in b.data]


@pytest.fixture
async def parts():
    async with parts_on(MemoryLog()) as made:
        yield made


class Opened:
    def __init__(self, parts, pipe, writer, session, idle_timer):
        self.pipe, self.writer, self.session, self.idle_timer = pipe, writer, session, idle_timer


async def open_writer(parts, idle_timer=None, **options):
    if parts.probe is None:
        parts.probe = asyncio.ensure_future(parts.tails.probe.run())
    tail = await parts.tails.join("t1")
    reader = LogReader(tail, parts.history, START, merging=options.pop("merging", False))
    watcher = Watcher([reader], parts.settings, parts.drain, parts.metrics, incarnation=lambda: "inc", **options)
    session = Session(watcher)
    session.on_close(lambda _: parts.tails.leave(tail))
    idle_timer = idle_timer or IdleTimer(parts.metrics, write_deadline_seconds=30)
    pipe = Pipe()
    writer = DirectWriter(session, watcher, pipe, idle_timer)
    writer.start()
    return Opened(parts, pipe, writer, session, idle_timer)


async def settle():
    for _ in range(30):
        await asyncio.sleep(0)


async def test_a_caught_up_watcher_is_idle_and_written_to_by_the_tail(parts):
    await parts.write("t1", *ticks(1, 3))
    opened = await open_writer(parts)
    await settle()
    assert opened.writer in opened.idle_timer.writers
    before = len(asyncio.all_tasks())
    await parts.write("t1", *ticks(4, 5))
    await settle()
    assert opened.pipe.numbers == [1, 2, 3, 4, 5]
    assert len(asyncio.all_tasks()) == before
    await parts.write("t1", completed())
    await settle()
    assert opened.pipe.numbers == [1, 2, 3, 4, 5, 6]
    assert (opened.pipe.ended, opened.session.closed, opened.idle_timer.writers) == (True, True, set())


async def test_all_idle_watchers_get_the_same_bytes(parts):
    await parts.write("t1", *ticks(1, 1))
    writers = [await open_writer(parts) for _ in range(5)]
    await settle()
    await parts.write("t1", *ticks(2, 2))
    await settle()
    assert len({id(opened.pipe.writes[-1]) for opened in writers}) == 1


async def test_a_full_connection_gets_nothing_until_it_drains_and_then_everything_in_order(parts):
    await parts.write("t1", *ticks(1, 1))
    full, other = await open_writer(parts), await open_writer(parts)
    await settle()
    full.writer.on_writable(False)
    full.pipe.unsent_bytes = 70_000
    written = len(full.pipe.writes)
    await parts.write("t1", *(Chunk(text=str(n), offset=n) for n in range(50)))
    await settle()
    assert len(full.pipe.writes) == written
    assert other.pipe.numbers == list(range(1, 52))
    full.writer.on_writable(True)
    await settle()
    assert full.pipe.numbers == list(range(1, 52))
    assert full.writer in full.idle_timer.writers


async def test_like_ticks_that_a_full_connection_missed_are_merged(parts):
    await parts.write("t1", *ticks(1, 1))
    full = await open_writer(parts, merging=True)
    await settle()
    full.writer.on_writable(False)
    await parts.write("t1", *ticks(2, 40))
    await settle()
    full.writer.on_writable(True)
    await settle()
    assert full.pipe.numbers == [1, 40]


async def test_a_connection_that_takes_no_byte_for_the_deadline_is_aborted(parts):
    await parts.write("t1", *ticks(1, 1))
    blocked = await open_writer(parts)
    await settle()
    blocked.writer.on_writable(False)
    blocked.pipe.unsent_bytes = 70_000
    await parts.write("t1", *ticks(2, 2))
    await asyncio.sleep(29)
    assert not blocked.pipe.aborted
    await asyncio.sleep(2)
    assert (blocked.pipe.aborted, blocked.session.closed, parts.metrics.deadlines) == (True, True, 1)


async def test_a_connection_that_takes_a_little_is_given_more_time(parts):
    await parts.write("t1", *ticks(1, 1))
    slow = await open_writer(parts)
    await settle()
    slow.writer.on_writable(False)
    slow.pipe.unsent_bytes = 70_000
    await parts.write("t1", *ticks(2, 2))
    for unsent in (60_000, 50_000, 40_000):
        await asyncio.sleep(25)
        slow.pipe.unsent_bytes = unsent
    assert not slow.pipe.aborted


async def test_the_idle_timer_wakes_an_idle_watcher_for_its_heartbeat_and_its_end(parts):
    await parts.write("t1", progress("queued"))
    opened = await open_writer(parts)
    timing = asyncio.ensure_future(opened.idle_timer.run())
    await asyncio.sleep(31)
    assert next(w for w in opened.pipe.writes if b":\n" in w) == b"2\r\n:\n\r\n"
    await asyncio.sleep(800)
    assert opened.pipe.blocks[-1].data == {"reason": "lifetime"}
    assert opened.pipe.ended
    timing.cancel()


async def test_an_idle_watcher_gets_heartbeats_without_a_task(parts, monkeypatch):
    await parts.write("t1", progress("queued"))
    opened = await open_writer(parts)
    timing = asyncio.ensure_future(opened.idle_timer.run())
    await settle()
    monkeypatch.setattr(opened.writer, "_loop", None)  # whoever makes a task asks it
    await asyncio.sleep(100)
    assert sum(write == b"2\r\n:\n\r\n" for write in opened.pipe.writes) == 6
    assert opened.writer in opened.idle_timer.writers
    timing.cancel()


async def test_an_idle_watcher_is_sent_a_stall_and_not_of_its_heartbeat(parts):
    await parts.write("t1", *ticks(1, 1))
    opened = await open_writer(parts)
    timing = asyncio.ensure_future(opened.idle_timer.run())
    await asyncio.sleep(20)
    assert [block.event for block in opened.pipe.blocks if "n" not in block.data] == ["hello", "stalled"]
    timing.cancel()


async def test_what_the_tail_writes_replaces_the_heartbeat(parts):
    await parts.write("t1", progress("queued"))
    opened = await open_writer(parts)
    timing = asyncio.ensure_future(opened.idle_timer.run())
    for n in range(10):
        await asyncio.sleep(10)
        await parts.write("t1", *ticks(n, n))
    assert not any(b":\n" in write and b"id:" not in write for write in opened.pipe.writes)
    timing.cancel()


async def test_a_client_that_leaves_frees_everything(parts):
    await parts.write("t1", *ticks(1, 1))
    opened = await open_writer(parts)
    await settle()
    opened.writer.lost()
    await settle()
    assert (opened.session.closed, opened.idle_timer.writers, opened.pipe.ended) == (True, set(), False)
    await asyncio.sleep(1)
    assert len(parts.tails) == 0


async def test_a_peer_that_the_kernel_timed_out_counts_as_one_that_took_no_byte(parts):
    await parts.write("t1", *ticks(1, 1))
    opened = await open_writer(parts)
    reasons = []
    opened.session.on_close(reasons.append)
    await settle()
    opened.writer.lost(TimeoutError(110, "Connection timed out"))
    assert (reasons, parts.metrics.deadlines) == (["deadline"], 1)


async def test_a_drain_reaches_idle_watchers(parts):
    await parts.write("t1", *ticks(1, 1))
    opened = await open_writer(parts)
    timing = asyncio.ensure_future(opened.idle_timer.run())
    await settle()
    parts.drain.begin()
    await parts.drain.emptied()
    assert opened.pipe.blocks[-1].data == {"reason": "drain"}
    assert opened.pipe.ended
    timing.cancel()


@pytest.mark.security
@pytest.mark.parametrize("dialect", [NATIVE, CELERY, THREE_WORDS], ids=lambda each: each.name)
async def test_a_revoked_stream_ends_at_once_and_gets_no_further_event(parts, dialect):
    await parts.write("t1", *ticks(1, 2))
    opened = await open_writer(parts, dialect=dialect)
    await settle()
    opened.session.watcher.revoke()
    await parts.write("t1", *ticks(3, 9))
    await settle()
    last = opened.pipe.blocks[-1]
    assert (last.event, last.data) == ("reauth", {"reason": "revoked"})
    assert len([block for block in opened.pipe.blocks if block.event == "message"]) == 2
    assert (opened.pipe.ended, opened.session.closed) == (True, True)
    assert opened.idle_timer.writers == set()
