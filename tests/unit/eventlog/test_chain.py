"""Append by chain: what a writer learns when it loses a race, and that no order of events breaks the log."""

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import looptime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway import codec
from headway.errors import (
    CancelRequestedError,
    ConflictError,
    EndedError,
    EventTooLargeError,
    InvalidNameError,
    SupersededError,
    UnavailableError,
)
from headway.eventlog.chain import EMPTY, EVENT_BYTES, Chain, Head, head_after, read_head
from headway.eventlog.log import Ack
from headway.events import Cancel, Chunk, LogLine, Progress, is_terminal
from headway.lifecycle import JobLifecycle
from headway.ownership import UNKNOWN, Ownership
from headway.producer import Producer
from headway.testing import MemoryLog, progress


class Replicated(MemoryLog):
    """As three replicas do it: a message id that is known is answered before the expected sequence is looked at."""

    async def put(self, task, payload, *, msg_id, **options):
        if not self.away and msg_id in self._ids:
            await asyncio.sleep(0)
            return Ack(self._ids[msg_id], True)
        return await super().put(task, payload, msg_id=msg_id, **options)


async def test_each_event_counts_what_was_stored_of_a_task_that_has_an_owner():
    log = Replicated()
    chain = Chain(log, "t1", EMPTY._replace(ownership=Ownership("ann", "acme")), attempt=1)
    await chain.begin(progress())
    log.lose_acks = 1
    chain.stored_beside(1000)
    await chain.append(progress(message="x" * 500))
    # Another writer continues from what it reads.
    other = Chain(log, "t1", await read_head(log, "t1"), attempt=2)
    await other.begin(progress())
    sizes = [EVENT_BYTES + len(stored.payload) for stored in await log.read("t1")]
    assert (await log.last("t1")).size == other.head.size == sum(sizes) + 1000
    await Chain(log, "t2", attempt=1).begin(progress())
    assert (await log.last("t2")).size == 0


@pytest.mark.parametrize("other", [Ownership("eve", "x"), UNKNOWN])
async def test_each_event_repeats_whose_the_task_is(other):
    log, mine = MemoryLog(), Ownership("ann", "acme")
    chain = Chain(log, "t1", EMPTY._replace(ownership=mine), attempt=1)
    await chain.begin(progress())
    await Chain(log, "t1", await read_head(log, "t1")).append(Cancel(reason=""))
    await chain.append(progress(status="cancelled"))
    assert [stored.ownership for stored in await log.read("t1")] == [mine] * 3
    assert head_after(progress(n=1), 4, other).ownership == other


async def test_each_event_of_an_attempt_repeats_how_far_its_producer_has_reported():
    log = MemoryLog()
    chain = Chain(log, "t1", attempt=1, patient=False)
    await chain.append_once(progress(), Producer())
    await chain.append_once(progress(), Producer(3))
    other = Chain(log, "t1", await read_head(log, "t1"), attempt=1, patient=False)
    await other.append_once(progress(), Producer(4))
    with pytest.raises(ConflictError):
        await chain.append_once(progress(), Producer(4))
    await Chain(log, "t1", await read_head(log, "t1")).append(progress())
    await Chain(log, "t1", await read_head(log, "t1"), attempt=2).begin(progress())
    await Chain(log, "t1", await read_head(log, "t1"), attempt=2).append(progress())
    found = [stored.producer for stored in await log.read("t1")]
    assert found == [Producer(), Producer(3), Producer(4), Producer(4), None, None]


LOGS = pytest.mark.parametrize("make_log", [MemoryLog, Replicated])


def said(log: MemoryLog) -> list[str]:
    """The log in short words."""
    words = []
    for event in log.events("t1"):
        if isinstance(event, Progress):
            words.append(f"{event.attempt}:{event.status}")
        elif isinstance(event, Cancel):
            words.append("cancel")
        else:
            words.append(event.text if isinstance(event, Chunk) else event.message)
    return words


async def begun(log: MemoryLog, attempt: int = 1) -> Chain:
    """A writer whose attempt has begun."""
    chain = Chain(log, "t1", await read_head(log, "t1"), attempt=attempt)
    await chain.begin(progress())
    return chain


async def canceller(log: MemoryLog) -> Chain:
    return Chain(log, "t1", await read_head(log, "t1"))


def text(words: str) -> Chunk:
    return Chunk(text=words, offset=0)


# What an event is given


async def test_the_first_event_has_number_one_and_points_nowhere():
    log = MemoryLog()
    await Chain(log, "t1", attempt=0).append(progress("queued"))
    (event,) = log.events("t1")
    assert (event.task, event.n, event.attempt, event.first, event.snap) == ("t1", 1, 0, 0, 0)


async def test_each_event_says_where_the_log_begins_and_where_the_last_progress_stands():
    log = MemoryLog()
    await Chain(log, "other", attempt=1).append(progress())  # so that sequences and numbers differ
    chain = await begun(log)
    for event in (text("a"), text("b"), progress(), text("c"), LogLine(level="info", message="d"), progress()):
        await chain.append(event)
    assert [(event.n, event.first, event.snap) for event in log.events("t1")] == [
        (1, 0, 0),
        (2, 2, 2),
        (3, 2, 2),
        (4, 2, 0),
        (5, 2, 5),
        (6, 2, 5),
        (7, 2, 0),
    ]


async def test_an_event_says_when_it_was_written(monkeypatch):
    monkeypatch.setattr("headway.eventlog.chain.time.time", lambda: 1763690000.12345)
    log = MemoryLog()
    await begun(log)
    assert log.events("t1")[0].at == 1763690000.123


async def test_an_append_returns_the_head_that_the_next_one_follows():
    log = MemoryLog()
    chain = await begun(log)
    head = await chain.append(text("a"))
    assert (head.seq, head.n, head.attempt, head.first, head.snap) == (2, 2, 1, 1, 1)
    assert head == chain.head == await read_head(log, "t1")


async def test_the_event_that_was_given_is_left_as_it_was():
    event = text("a")
    await (await begun(MemoryLog())).append(event)
    assert event == Chunk(text="a", offset=0)


async def test_a_log_without_events_has_an_empty_head():
    assert await read_head(MemoryLog(), "t1") == EMPTY


@pytest.mark.parametrize(
    ("event", "head"),
    [
        (progress(n=1, attempt=0), Head(7, 1, 0, 7, 7)),
        (progress(n=4, attempt=2, first=3), Head(7, 4, 2, 3, 7)),
        (Chunk(text="", offset=0, n=4, attempt=2, first=3, snap=5), Head(7, 4, 2, 3, 5)),
        (Cancel(reason="", n=1, attempt=0), Head(7, 1, 0, 7, 0)),
    ],
)
def test_the_head_follows_from_the_last_event_alone(event, head):
    assert head_after(event, 7) == head._replace(event=event)


async def test_a_cancel_request_follows_the_attempt_that_runs():
    log = MemoryLog()
    cancel = await canceller(log)
    await begun(log, attempt=3)
    await cancel.append(Cancel(reason="enough"))
    assert log.events("t1")[-1].attempt == 3


# Losing the race


async def test_a_writer_that_loses_the_race_learns_of_the_cancel():
    log = MemoryLog()
    chain = await begun(log)
    await (await canceller(log)).append(Cancel(reason="enough"))
    with pytest.raises(CancelRequestedError) as caught:
        await chain.append(text("late"))
    assert caught.value.reason == "enough"
    assert chain.cancel.reason == "enough"
    await chain.append(progress("cancelled"))
    assert said(log) == ["1:processing", "cancel", "1:cancelled"]


async def test_a_writer_that_has_met_a_cancel_does_not_ask_the_log_again():
    log = MemoryLog()
    chain = await begun(log)
    await (await canceller(log)).append(Cancel(reason=""))
    for _ in range(2):
        with pytest.raises(CancelRequestedError):
            await chain.append(text("late"))
        log.away = True
    log.away = False
    assert said(log) == ["1:processing", "cancel"]


async def test_a_log_that_ends_with_a_cancel_begins_no_attempt():
    log = MemoryLog()
    await begun(log)
    await (await canceller(log)).append(Cancel(reason=""))
    with pytest.raises(CancelRequestedError):
        await begun(log, attempt=2)


async def test_a_second_cancel_is_not_stored():
    log = MemoryLog()
    await begun(log)
    one, other = await canceller(log), await canceller(log)
    await one.append(Cancel(reason="one"))
    for chain in (one, other):
        with pytest.raises(CancelRequestedError):
            await chain.append(Cancel(reason="other"))
    assert said(log) == ["1:processing", "cancel"]


async def test_a_zombie_learns_of_the_newer_attempt():
    log = MemoryLog()
    zombie = await begun(log)
    await begun(log, attempt=2)
    for event in (text("late"), progress("completed")):
        with pytest.raises(SupersededError) as caught:
            await zombie.append(event)
        assert (caught.value.attempt, caught.value.newer) == (1, 2)
    assert said(log) == ["1:processing", "2:processing"]


async def test_a_newer_attempt_begins_after_a_last_word_of_the_older_one():
    log = MemoryLog()
    older = await begun(log)
    newer = Chain(log, "t1", await read_head(log, "t1"), attempt=2)
    await older.append(text("last word"))
    await newer.begin(progress())
    assert said(log) == ["1:processing", "last word", "2:processing"]


async def test_two_writers_cannot_both_begin_the_same_attempt():
    log = MemoryLog()
    one, other = Chain(log, "t1", attempt=1), Chain(log, "t1", attempt=1)
    await one.begin(progress())
    with pytest.raises(SupersededError):
        await other.begin(progress())
    assert said(log) == ["1:processing"]


async def test_a_writer_learns_that_the_task_has_ended():
    log = MemoryLog()
    chain, cancel = await begun(log), await canceller(log)
    await chain.append(progress("completed", 100.0))
    for late in (Cancel(reason=""), progress("cancelled")):
        with pytest.raises(EndedError) as caught:
            await cancel.append(late)
        assert caught.value.status == "completed"
    assert said(log) == ["1:processing", "1:completed"]


@pytest.mark.parametrize("late", [text("late"), progress("error"), Cancel(reason="")])
async def test_nothing_follows_the_terminal_event_of_the_same_writer(late):
    log = MemoryLog()
    chain = await begun(log)
    await chain.append(progress("completed", 100.0))
    with pytest.raises(EndedError):
        await chain.append(late)
    assert said(log) == ["1:processing", "1:completed"]


async def test_a_writer_that_starts_at_the_end_of_a_newer_attempt_stores_nothing():
    log = MemoryLog()
    await begun(log, attempt=2)
    with pytest.raises(SupersededError):
        await Chain(log, "t1", await read_head(log, "t1"), attempt=1).append(text("late"))
    assert said(log) == ["2:processing"]


async def test_other_tasks_do_not_disturb():
    log = MemoryLog()
    chain = await begun(log)
    await Chain(log, "t2", attempt=5).append(progress("completed"))
    await chain.append(text("a"))
    assert said(log) == ["1:processing", "a"]


# A log that does not answer


@LOGS
@pytest.mark.looptime
async def test_an_append_whose_answer_was_lost_is_stored_once(make_log):
    log = make_log()
    chain = await begun(log)
    log.lose_acks = 1
    head = await chain.append(text("a"))
    assert (head.seq, head.n) == (2, 2)
    await chain.append(text("b"))
    assert said(log) == ["1:processing", "a", "b"]


@LOGS
@pytest.mark.looptime
async def test_an_attempt_whose_beginning_was_not_acknowledged_has_begun(make_log):
    log = make_log()
    log.lose_acks = 1
    chain = await begun(log)
    await chain.append(text("a"))
    assert said(log) == ["1:processing", "a"]


@LOGS
@pytest.mark.looptime
async def test_a_terminal_event_whose_answer_was_lost_is_no_error(make_log):
    log = make_log()
    chain = await begun(log)
    log.lose_acks = 1
    await chain.append(progress("completed"))
    assert said(log) == ["1:processing", "1:completed"]


@LOGS
@pytest.mark.looptime
async def test_a_lost_answer_and_then_another_writer_do_not_double_the_event(make_log):
    log = make_log()
    chain = await begun(log)
    log.lose_acks = 1
    appending = asyncio.create_task(chain.append(text("a")))
    while said(log)[-1] != "a":
        await asyncio.sleep(0)
    await (await canceller(log)).append(Cancel(reason=""))
    await appending
    with pytest.raises(CancelRequestedError):
        await chain.append(text("b"))
    await chain.append(progress("cancelled"))
    assert said(log) == ["1:processing", "a", "cancel", "1:cancelled"]


@LOGS
@pytest.mark.looptime
async def test_an_attempt_that_began_unacknowledged_and_was_cancelled_at_once_knows_both(make_log):
    log = make_log()
    log.lose_acks = 1
    chain = Chain(log, "t1", attempt=1)
    beginning = asyncio.create_task(chain.begin(progress("processing")))
    while not said(log):
        await asyncio.sleep(0)
    await (await canceller(log)).append(Cancel(reason="typo"))
    await beginning
    lifecycle = JobLifecycle(chain)
    job = lifecycle.job
    lifecycle.start()
    if (
        make_log is MemoryLog
    ):  # a replicated log answers «duplicate»: there the one who follows it learns of the request
        assert isinstance(job.stopped, CancelRequestedError)
    await lifecycle.finish("cancelled")
    assert said(log) == ["1:processing", "cancel", "1:cancelled"]


@pytest.mark.looptime
async def test_a_duplicate_below_the_head_is_our_own_lost_try():
    # Something that is no event comes between the lost try and its repetition, so the last message is not ours.
    log = MemoryLog()
    chain = await begun(log)
    log.lose_acks = 1
    appending = asyncio.create_task(chain.append(text("a")))
    while said(log)[-1] != "a":
        await asyncio.sleep(0)
    await log.put("t1", b"junk", expected=2, msg_id="foreign")
    assert await appending == await read_head(log, "t1")
    await chain.append(text("b"))
    good = [codec.decode(stored.payload) for stored in await log.read("t1") if stored.payload != b"junk"]
    assert [(event.n, getattr(event, "text", "")) for event in good] == [(1, ""), (2, "a"), (3, "b")]


@pytest.mark.looptime
async def test_a_patient_writer_waits_out_ten_minutes_without_nats(looptime):
    log = MemoryLog()
    chain = await begun(log)
    log.away = True
    appending = asyncio.create_task(chain.append(text("a")))
    await asyncio.sleep(600)
    assert not appending.done()
    log.away = False
    await appending
    assert looptime <= 602.1
    assert said(log) == ["1:processing", "a"]


@pytest.mark.looptime
async def test_a_patient_writer_waits_also_while_it_finds_out_why_it_was_refused():
    class AwayForReaders(MemoryLog):
        async def last(self, task):
            if self.lose_acks:
                raise UnavailableError("no leader")
            return await super().last(task)

    log = AwayForReaders()
    chain = await begun(log)
    await (await canceller(log)).append(Cancel(reason=""))
    log.lose_acks = 1
    appending = asyncio.create_task(chain.append(text("late")))
    await asyncio.sleep(600)
    assert not appending.done()
    log.lose_acks = 0
    with pytest.raises(CancelRequestedError):
        await appending


@pytest.mark.looptime
async def test_an_impatient_writer_raises_at_once(looptime):
    log = MemoryLog()
    chain = Chain(log, "t1", attempt=1, patient=False)
    log.away = True
    with pytest.raises(UnavailableError):
        await chain.append(progress())
    assert looptime == 0
    log.away = False
    await chain.append(progress())
    assert said(log) == ["1:processing"]


async def test_an_impatient_writer_raises_when_it_cannot_read_why_it_was_refused():
    class Leaderless(MemoryLog):
        async def last(self, task):
            raise UnavailableError("no leader")

    log = Leaderless()
    await Chain(log, "t1", attempt=1).append(progress())
    with pytest.raises(UnavailableError):
        await Chain(log, "t1", attempt=1, patient=False).append(text("a"))


# What does not fit


async def test_an_event_that_is_too_large_leaves_the_chain_as_it_was():
    log = MemoryLog()
    chain = await begun(log)
    with pytest.raises(EventTooLargeError):
        await chain.append(text("x" * codec.MAX_EVENT_BYTES))
    await chain.append(text("a"))
    assert said(log) == ["1:processing", "a"]
    assert [event.n for event in log.events("t1")] == [1, 2]


async def test_a_task_id_that_cannot_stand_in_a_subject_is_refused():
    with pytest.raises(InvalidNameError):
        await Chain(MemoryLog(), "t.*", attempt=1).append(progress())


@pytest.mark.parametrize("junk", [b"", b"junk", b'{"type":"log","task":"other","n":9,"attempt":9}', b'"\xff"'])
@pytest.mark.parametrize("events", [0, 1, 600])
async def test_what_is_not_an_event_is_skipped_and_the_chain_continues(junk, events):
    log = MemoryLog()
    chain = Chain(log, "t1", attempt=1)
    for i in range(events):
        await chain.append(progress() if i == 0 else text(str(i)))
    seq = (await log.put("t1", junk, expected=events, msg_id="foreign")).seq
    head = await read_head(log, "t1")
    assert (head.seq, head.n, head.snap) == (seq, events, min(events, 1))
    await chain.append(text("after"))
    last = codec.decode((await log.last("t1")).payload, "t1")
    assert (last.n, last.text) == (events + 1, "after")


async def test_a_cancel_is_not_hidden_by_what_is_no_event():
    log = MemoryLog()
    chain = await begun(log)
    await (await canceller(log)).append(Cancel(reason=""))
    await log.put("t1", b"junk", expected=2, msg_id="foreign")
    with pytest.raises(CancelRequestedError):
        await chain.append(text("late"))
    with pytest.raises(CancelRequestedError):
        await begun(log, attempt=2)


# Any order of events


@dataclass
class Written:
    """What the writers of one run were told."""

    stored: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    ended: int = 0


class Jittery:
    """A log whose answers take a random number of turns of the event loop, and whose acks get lost at random."""

    def __init__(self, inner: MemoryLog, random) -> None:
        self._inner = inner
        self._random = random

    def __getattr__(self, name):
        call = getattr(self._inner, name)

        async def later(*args, **options):
            await asyncio.sleep(self._random.choice([0, 0, 0, 0.01, 0.03]))
            answer = await call(*args, **options)
            await asyncio.sleep(self._random.choice([0, 0, 0, 0.01]))
            if name == "put" and self._random.random() < 0.15:
                raise UnavailableError("the answer was lost")
            return answer

        return later


async def processor(log: Jittery, name: str, lines: int, random, written: Written) -> None:
    """Begins attempt after attempt, as the processor service does, and reports `lines` lines in each."""
    while True:
        await asyncio.sleep(random.choice([0, 0, 0.01, 0.05]))
        try:
            head = await read_head(log, "t1")
        except UnavailableError:
            await asyncio.sleep(0.05)
            continue
        chain = Chain(log, "t1", head, attempt=head.attempt + 1)
        try:
            await chain.begin(progress())
            for i in range(lines):
                await say(chain, f"{name}.{chain.attempt}.{i}", written)
            if random.random() < 0.4:
                continue  # it vanishes; a redelivery begins the next attempt
            await chain.append(progress("completed", 100.0))
        except CancelRequestedError:
            try:
                await chain.append(progress("cancelled"))
            except (EndedError, SupersededError):
                continue
        except SupersededError:
            continue
        except EndedError:
            return
        written.ended += 1


async def say(chain: Chain, words: str, written: Written) -> None:
    try:
        await chain.append(text(words))
    except (CancelRequestedError, SupersededError, EndedError):
        written.refused.append(words)
        raise
    written.stored.append(words)


async def ask_to_cancel(log: Jittery, after: float) -> None:
    await asyncio.sleep(after)
    while True:
        try:
            await Chain(log, "t1", await read_head(log, "t1"), patient=False).append(Cancel(reason="enough"))
        except UnavailableError:
            await asyncio.sleep(0.05)
        except (CancelRequestedError, EndedError):
            return
        else:
            return


async def outages(log: MemoryLog, pauses: list[float]) -> None:
    for pause in pauses:
        await asyncio.sleep(pause)
        log.away = not log.away
    log.away = False


async def race(log, lines, cancel_after, pauses, random) -> Written:
    written, slow = Written(), Jittery(log, random)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for name, count in zip("AB", lines, strict=True):
            group.create_task(processor(slow, name, count, random, written))
        for after in cancel_after:
            group.create_task(ask_to_cancel(slow, after))
        group.create_task(outages(log, pauses))
    return written


def check(log: MemoryLog, written: Written) -> None:
    events = log.events("t1")
    stored = log._logs["t1"]
    assert [event.n for event in events] == list(range(1, len(events) + 1))
    attempts = [event.attempt for event in events]
    assert attempts == sorted(attempts)
    assert [event for event in events[:-1] if is_terminal(event)] == []
    assert is_terminal(events[-1])
    assert written.ended == 1
    for before, after in pairwise(events):
        assert not isinstance(before, Cancel) or is_terminal(after)
    begun = [event.attempt for event in events if isinstance(event, Progress) and event.status == "processing"]
    assert begun == sorted(set(begun))
    assert {event.attempt for event in events if isinstance(event, Chunk)} <= set(begun)
    texts = [event.text for event in events if isinstance(event, Chunk)]
    assert len(set(texts)) == len(texts)
    assert set(written.stored) <= set(texts) <= set(written.stored) | set(written.refused)
    snap = 0
    for event, kept in zip(events, stored, strict=True):
        assert event.first == (0 if event.n == 1 else stored[0].seq)
        assert isinstance(event, Progress) or event.snap == snap
        snap = kept.seq if isinstance(event, Progress) else snap


@LOGS
@given(
    lines=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    cancel_after=st.lists(st.floats(0, 0.6), max_size=2),
    pauses=st.lists(st.floats(0.01, 0.2), max_size=4),
    seed=st.integers(0, 2**32),
)
@settings(deadline=None)
def test_no_interleaving_of_writers_cancels_and_faults_breaks_the_log(make_log, lines, cancel_after, pauses, seed):
    log = make_log()
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        written = runner.run(race(log, lines, cancel_after, pauses, Random(seed)))
    check(log, written)


async def test_a_beat_names_the_attempt():
    log, beats = MemoryLog(), []
    await log.subscribe_beats("t1", beats.append)
    await Chain(log, "t1", attempt=2).beat()
    beat = codec.decode_beat(beats[0])
    assert (beat.task, beat.attempt, beat.presence) == ("t1", 2, False)
    assert log.events("t1") == []
