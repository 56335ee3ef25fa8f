"""What a log promises: the same of the one in JetStream and of the one in memory."""

import asyncio
from contextlib import aclosing

import pytest

from headway import codec
from headway.errors import CancelRequestedError, ConflictError, EndedError, SupersededError, UnavailableError
from headway.eventlog.chain import Chain, read_head
from headway.eventlog.follow import follow
from headway.eventlog.jetstream_log import JetStreamLog
from headway.eventlog.log import Live
from headway.events import Cancel, Chunk
from headway.testing import MemoryLog, progress


class FaultyLog:
    """A log whose answers to appends, or whose live messages, get lost on demand."""

    def __init__(self, log):
        self._log = log
        self.lose_acks = 0
        self.lose_live = 0
        self.meanwhile = None
        """Called once, when an append was stored and its answer gets lost."""

    def __getattr__(self, name):
        return getattr(self._log, name)

    async def put(self, *args, **options):
        ack = await self._log.put(*args, **options)
        if self.lose_acks:
            self.lose_acks -= 1
            if self.meanwhile is not None:
                await self.meanwhile()
            raise UnavailableError("the answer was lost")
        return ack

    async def subscribe(self, task, callback):
        def some(*live):
            if self.lose_live:
                self.lose_live -= 1
            else:
                callback(*live)

        return await self._log.subscribe(task, some)


@pytest.fixture(params=["memory", "nats"])
def log(request):
    if request.param == "memory":
        return FaultyLog(MemoryLog())
    connection = request.getfixturevalue("connection")
    return FaultyLog(JetStreamLog(connection.client, connection.names))


@pytest.fixture(autouse=True)
def quick_probe(monkeypatch):
    monkeypatch.setattr("headway.eventlog.follow.FIRST_PROBE_SECONDS", 0.1)


async def stored(log, task):
    return [codec.decode(item.payload) for item in await log.read(task)]


def shape(events):
    return [(event.n, type(event).__name__, event.attempt) for event in events]


async def take(events, count):
    taken = []
    async with asyncio.timeout(10):
        while len(taken) < count:
            taken.append(await anext(events))
    return taken


async def test_append_is_refused_unless_it_follows_the_last_event(log):
    first = await log.put("t1", b"{}", expected=0, msg_id="a")
    with pytest.raises(ConflictError):
        await log.put("t1", b"{}", expected=0, msg_id="b")
    second = await log.put("t1", b"{}", expected=first.seq, msg_id="c")
    assert second.seq > first.seq


async def test_message_id_is_stored_once(log):
    first = await log.put("t1", b"1", expected=0, msg_id="a")
    again = await log.put("t1", b"1", expected=first.seq, msg_id="a")
    assert (again.seq, again.duplicate) == (first.seq, True)
    assert [item.payload for item in await log.read("t1")] == [b"1"]


async def test_last_is_none_for_an_empty_log_and_else_the_end(log):
    assert await log.last("t1") is None
    first = await log.put("t1", b"1", expected=0, msg_id="a")
    second = await log.put("t1", b"2", expected=first.seq, msg_id="b")
    last = await log.last("t1")
    assert (last.seq, last.payload, last.msg_id, last.task) == (second.seq, b"2", "b", "t1")


async def test_read_pages_through_one_task_in_order(log):
    chain, other = Chain(log, "t1", attempt=1), Chain(log, "t2", attempt=1)
    for index in range(5):
        await chain.append(progress(percent=index))
        await other.append(progress(percent=index))
    page = await log.read("t1", limit=3)
    rest = await log.read("t1", start=page[-1].seq + 1, limit=3)
    assert [codec.decode(item.payload).progress for item in page + rest] == [0, 1, 2, 3, 4]
    assert await log.read("t1", start=rest[-1].seq + 1) == []
    assert await log.read("none") == []


async def test_lasts_tells_the_ends_of_many_tasks_above_a_floor(log):
    first = await log.put("t1", b"1", expected=0, msg_id="a")
    second = await log.put("t2", b"2", expected=0, msg_id="b")
    found, up_to = await log.lasts(["t1", "t2", "none"])
    assert {item.task: item.seq for item in found} == {"t1": first.seq, "t2": second.seq}
    assert up_to >= second.seq
    found, _ = await log.lasts(["t1", "t2"], after=first.seq)
    assert [item.task for item in found] == ["t2"]


async def test_stored_events_are_published_live(log):
    shown: asyncio.Queue[Live] = asyncio.Queue()
    subscription = await log.subscribe("t1", lambda *live: shown.put_nowait(Live(*live)))
    await settle(log)
    first = await log.put("t1", b"1", expected=0, msg_id="a")
    second = await log.put("t1", b"2", expected=first.seq, msg_id="b")
    async with asyncio.timeout(5):
        seen = {await shown.get() for _ in range(2)}
    assert seen == {Live(first.seq, 0, b"1"), Live(second.seq, first.seq, b"2")}
    await subscription.close()


async def test_a_beat_arrives_on_its_own_subject_and_is_not_stored(log):
    shown, beats = [], asyncio.Queue()
    live = await log.subscribe("t1", lambda *live: shown.append(live))
    subscription = await log.subscribe_beats("t1", beats.put_nowait)
    await settle(log)
    await log.beat("t2", b"of another task")
    await log.beat("t1", b"beat")
    async with asyncio.timeout(5):
        assert await beats.get() == b"beat"
    await subscription.close()
    await log.beat("t1", b"late")
    await settle(log)
    assert (shown, beats.empty(), await log.read("t1")) == ([], True, [])
    await live.close()


async def test_refused_append_is_not_shown(log):
    shown: asyncio.Queue[Live] = asyncio.Queue()
    first = await log.put("t1", b"1", expected=0, msg_id="a")
    subscription = await log.subscribe("t1", lambda *live: shown.put_nowait(Live(*live)))
    await settle(log)
    with pytest.raises(ConflictError):
        await log.put("t1", b"stale", expected=0, msg_id="b")
    await log.put("t1", b"2", expected=first.seq, msg_id="c")
    async with asyncio.timeout(5):
        assert (await shown.get()).payload == b"2"
    await subscription.close()


async def test_lost_answer_does_not_store_an_event_twice(log):
    chain = Chain(log, "t1", attempt=1)
    log.lose_acks = 1
    await chain.append(progress(percent=1))
    await chain.append(progress(percent=2))
    assert [(event.n, event.progress) for event in await stored(log, "t1")] == [(1, 1.0), (2, 2.0)]


async def test_begin_survives_a_lost_answer(log):
    await Chain(log, "t1", attempt=0).append(progress("queued"))
    log.lose_acks = 1
    chain = Chain(log, "t1", await read_head(log, "t1"), attempt=1)
    await chain.begin(progress())
    await chain.append(progress(percent=5))
    assert shape(await stored(log, "t1")) == [(1, "Progress", 0), (2, "Progress", 1), (3, "Progress", 1)]


async def test_cancel_after_a_lost_answer_leaves_no_duplicate(log):
    chain = Chain(log, "t1", attempt=1)
    await chain.begin(progress())

    async def ask():
        await Chain(log, "t1", await read_head(log, "t1")).append(Cancel(reason="enough"))

    log.lose_acks, log.meanwhile = 1, ask
    await chain.append(Chunk(text="a", offset=0))
    with pytest.raises(CancelRequestedError):
        await chain.append(Chunk(text="b", offset=1))
    await chain.append(progress("cancelled"))
    assert shape(await stored(log, "t1")) == [
        (1, "Progress", 1),
        (2, "Chunk", 1),
        (3, "Cancel", 1),
        (4, "Progress", 1),
    ]


async def test_older_attempt_cannot_write_after_a_newer_one_has_begun(log):
    older = Chain(log, "t1", attempt=1)
    await older.begin(progress())
    newer = Chain(log, "t1", await read_head(log, "t1"), attempt=2)
    await newer.begin(progress())
    with pytest.raises(SupersededError):
        await older.append(progress("completed", 100))
    assert [event.attempt for event in await stored(log, "t1")] == [1, 2]


async def test_one_of_two_writers_begins_an_attempt(log):
    chains = [Chain(log, "t1", attempt=1) for _ in range(2)]
    results = await asyncio.gather(*(chain.begin(progress()) for chain in chains), return_exceptions=True)
    assert sorted(isinstance(result, SupersededError) for result in results) == [False, True]
    assert len(await stored(log, "t1")) == 1


async def test_nothing_follows_the_terminal_event(log):
    chain = Chain(log, "t1", attempt=1)
    await chain.begin(progress())
    other = Chain(log, "t1", chain.head)
    await chain.append(progress("completed", 100))
    with pytest.raises(EndedError):
        await other.append(Cancel(reason="late"))
    assert len(await stored(log, "t1")) == 2


async def test_follow_yields_history_and_live_events_once(log):
    chain = Chain(log, "t1", attempt=1)
    await chain.append(progress(percent=1))
    await chain.append(progress(percent=2))
    async with aclosing(follow(log, "t1")) as events:
        history = await take(events, 2)
        await chain.append(progress(percent=3))
        await chain.append(progress(percent=4))
        live = await take(events, 2)
    assert [codec.decode(item.payload).n for item in history + live] == [1, 2, 3, 4]


@pytest.mark.parametrize("lost", [1, 3])
async def test_follow_finds_events_that_were_not_shown(log, lost):
    chain = Chain(log, "t1", attempt=1)
    async with aclosing(follow(log, "t1", probe_seconds=0.1)) as events:
        await chain.append(progress())
        await take(events, 1)
        log.lose_live = lost
        for index in range(3):
            await chain.append(progress(percent=index))
        found = await take(events, 3)
    assert [codec.decode(item.payload).n for item in found] == [2, 3, 4]


async def settle(log):
    """SUB is not acknowledged: a request after it on the same connection is answered after it took effect."""
    await log.last("settle")
