"""What a handler reports: nothing blocks, nothing raises, nothing that counts is lost."""

import asyncio
import math
import sys
import threading
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from random import Random

import looptime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headway import codec
from headway.errors import (
    CancelRequestedError,
    EndedError,
    LogError,
    OutputOverflowError,
    SupersededError,
    TaskCancelledError,
)
from headway.eventlog.chain import Chain, read_head
from headway.events import MAX_CHANNEL_CHARS, MAX_CHUNK_CHARS, Aside, Beat, Cancel, Chunk, ErrorInfo, LogLine, Progress
from headway.lifecycle import JobLifecycle
from headway.progress import pending
from headway.progress.pending import MAX_PENDING_LINES, PROGRESS_EVERY
from headway.testing import MemoryLog, StartedJob, progress, start_job
from headway.values.coercion import MAX_TEXT

virtual_time = pytest.mark.looptime


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


def begin(log: MemoryLog, **options) -> StartedJob:
    """A running job whose clock is the event loop's."""
    return start_job(log, clock=asyncio.get_running_loop().time, **options)


async def settle(seconds: float = 0.25) -> None:
    """Time enough for what was reported to be stored."""
    await asyncio.sleep(seconds)


def of(log: MemoryLog, kind: type) -> list:
    return [event for event in log.events("t1") if isinstance(event, kind)]


def last(log: MemoryLog) -> Progress:
    return of(log, Progress)[-1]


def output(log: MemoryLog) -> str:
    return "".join(chunk.text for chunk in of(log, Chunk))


def check_offsets(log: MemoryLog) -> None:
    offset = 0
    for chunk in of(log, Chunk):
        assert chunk.offset == offset
        offset += len(chunk.text)


async def ask_to_cancel(log: MemoryLog, reason: str = "enough") -> None:
    await Chain(log, "t1", await read_head(log, "t1")).append(Cancel(reason=reason))


async def begin_attempt_2(log: MemoryLog) -> None:
    await Chain(log, "t1", await read_head(log, "t1"), attempt=2).begin(progress())


async def end_the_task(log: MemoryLog) -> None:
    await Chain(log, "t1", await read_head(log, "t1"), attempt=1).append(progress("error"))


class Text(str):
    """As markupsafe.Markup or numpy.str_: a str that the encoder does not take."""

    __slots__ = ()

    def __str__(self):
        return self


class Awkward:
    """Has neither a text nor a number."""

    def __str__(self):
        raise RuntimeError("no text for this one")

    def __float__(self):
        raise RuntimeError("no number for this one")

    __repr__ = __str__


# Progress


@virtual_time
async def test_progress_is_what_was_said_last(log):
    job = begin(log)
    job.update(12.345, "page 3", done=3, total=10, unit="pages")
    await settle()
    shown = last(log)
    assert (shown.status, shown.progress, shown.message, shown.step) == ("processing", 30.0, "page 3", "")
    assert (shown.done, shown.total, shown.unit) == (3, 10, "pages")
    await job.abort()


@virtual_time
async def test_what_is_left_out_stays_as_it_was(log):
    job = begin(log)
    job.update(40, "first", unit="rows", total=10)
    await settle()
    job.update(50)
    await settle()
    assert (last(log).progress, last(log).message, last(log).unit, last(log).total) == (50, "first", "rows", 10)
    job.update(message="second")
    await settle()
    assert (last(log).progress, last(log).message) == (50, "second")
    await job.abort()


@virtual_time
async def test_between_two_appends_progress_is_merged_to_the_latest(log):
    job = begin(log)
    for percent in range(1, 51):
        job.update(percent, f"page {percent}")
    await settle()
    assert [(event.progress, event.message) for event in log.events("t1")] == [(50, "page 50")]
    await job.abort()


@virtual_time
async def test_without_a_count_there_is_none(log):
    job = begin(log)
    job.update(40)
    await settle()
    assert (last(log).done, last(log).total, last(log).rate, last(log).eta) == (None, None, None, None)
    await job.abort()


@virtual_time
async def test_advance_counts_on(log):
    job = begin(log)
    job.update(done=2, total=10)
    job.advance()
    job.advance(2.5, "more")
    await settle()
    assert (last(log).done, last(log).progress, last(log).message) == (5.5, 55, "more")
    await job.abort()


@virtual_time
async def test_the_bar_does_not_go_back_and_shows_100_only_at_the_end(log):
    job = begin(log)
    for report in (
        lambda: job.update(60),
        lambda: job.update(30),
        lambda: job.update(done=1, total=10),
        lambda: job.update(-5),
        lambda: job.update(1e300),
        lambda: job.update(done=1e300, total=1),
        lambda: job.step("next", upto=100),
        lambda: job.update(100),
    ):
        report()
        await settle()
    assert [event.progress for event in of(log, Progress)] == [60, 60, 60, 60, 99.9, 99.9, 99.9, 99.9]
    await job.finish("completed")
    assert last(log).progress == 100


@virtual_time
@pytest.mark.parametrize("status", ["error", "cancelled", "retrying"])
async def test_a_task_that_does_not_complete_leaves_the_bar_where_it_is(log, status):
    job = begin(log)
    job.update(42)
    await job.finish(status)
    assert (last(log).status, last(log).progress) == (status, 42)


@virtual_time
async def test_rate_and_time_left_are_computed(log):
    job = begin(log)
    for _ in range(60):
        await asyncio.sleep(1)
        job.advance(2)
        job.update(total=200)
    await settle()
    assert last(log).rate == pytest.approx(2.0)
    assert last(log).eta == pytest.approx(40.0, abs=0.5)
    await job.finish("error")
    assert last(log).eta is None
    assert last(log).rate == pytest.approx(2.0)


# Steps


@virtual_time
async def test_every_step_is_kept_in_order(log):
    job = begin(log)
    for i in range(20):
        job.step(f"step {i}")
    await settle()
    assert [event.step for event in of(log, Progress)] == [f"step {i}" for i in range(20)]
    await job.abort()


@virtual_time
async def test_the_last_state_of_a_step_is_kept_before_the_next_one(log):
    job = begin(log)
    job.step("a", total=4, unit="rows")
    job.update(done=3, message="almost")
    job.step("b")
    job.update(message="new")
    await settle()
    assert [(event.step, event.message, event.done, event.total) for event in of(log, Progress)] == [
        ("a", "", None, 4),
        ("a", "almost", 3, 4),
        ("b", "", None, None),
        ("b", "new", None, None),
    ]
    assert {event.unit for event in of(log, Progress)} == {"rows"}
    await job.abort()


@virtual_time
async def test_within_a_step_the_bar_goes_from_where_it_is_to_where_the_step_ends(log):
    job = begin(log)
    job.step("fetch", total=10, upto=40)
    job.update(done=5)
    await settle()
    job.update(done=10)
    await settle()
    job.step("parse", total=2, upto=60)
    job.advance()
    await settle()
    job.step("write", total=4)
    job.advance(2)
    await settle()
    assert [(event.step, event.progress) for event in of(log, Progress)] == [
        ("fetch", 0),
        ("fetch", 20),
        ("fetch", 40),
        ("parse", 40),
        ("parse", 50),
        ("write", 60),
        ("write", 80),
    ]
    await job.abort()


@virtual_time
async def test_a_step_that_counts_nothing_ends_where_it_said(log):
    job = begin(log)
    job.step("fetch", upto=20)
    job.step("parse", upto=99.99)
    job.step("write")
    await settle()
    assert [event.progress for event in of(log, Progress)] == [0, 20, 99.9]
    await job.abort()


@virtual_time
async def test_a_step_cannot_end_before_it_begins(log):
    job = begin(log)
    job.update(50)
    job.step("a", total=2, upto=10)
    job.advance()
    await settle()
    assert last(log).progress == 50
    await job.abort()


@virtual_time
async def test_a_step_ends_at_the_end_of_the_bar_at_the_latest(log):
    job = begin(log)
    job.step("a", total=2, upto=300)
    job.advance()
    await settle()
    assert last(log).progress == 50
    await job.abort()


@virtual_time
async def test_a_step_estimates_its_own_rate(log):
    job = begin(log)
    job.step("fast")
    for _ in range(20):
        await asyncio.sleep(1)
        job.advance(100)
    job.step("slow")
    for _ in range(20):
        await asyncio.sleep(1)
        job.advance(1)
    await settle()
    assert last(log).rate == pytest.approx(1.0, rel=0.02)
    await job.abort()


@virtual_time
async def test_what_another_thread_says_while_a_step_begins_is_not_lost(log):
    def clock() -> float:  # it is read in the middle of everything
        if busy and job._outbox._pending:
            busy.clear()
            job.update(77)
        return 0.0

    busy: list[bool] = []
    job = start_job(log, clock=clock)
    job.update(1)
    busy.append(True)
    job.step("a")
    await settle()
    assert last(log).progress == 77
    await job.abort()


# Output


@virtual_time
async def test_chunks_between_two_appends_are_joined(log):
    job = begin(log)
    for word in ("one ", "two ", "three"):
        job.chunk(word)
    await settle()
    job.chunk(" four")
    await settle()
    assert [(event.text, event.offset) for event in log.events("t1")] == [("one two three", 0), (" four", 13)]
    await job.abort()


@virtual_time
async def test_chunks_keep_their_place_among_lines_and_steps(log):
    job = begin(log)
    job.chunk("a")
    job.log("b")
    job.chunk("c")
    job.step("d")
    job.chunk("e")
    job.update(message="f")
    await settle()
    said = [getattr(event, "text", "") or event.message or event.step for event in log.events("t1")]
    assert said == ["a", "b", "c", "d", "e", "f"]
    await job.abort()


@virtual_time
async def test_text_of_a_channel_is_no_output(log):
    job = begin(log)
    job.chunk("hm", channel="reasoning")
    job.chunk("yes")
    job.chunk("x", channel=f"\ud800{'c' * MAX_CHANNEL_CHARS}")
    await settle()
    assert output(log) == "yes"
    assert [(event.channel, event.text) for event in of(log, Aside)] == [
        *(("reasoning", "hm"), (f"?{'c' * (MAX_CHANNEL_CHARS - 2)}…", "x")),
    ]
    await job.abort()


@virtual_time
async def test_empty_output_is_no_event(log):
    job = begin(log)
    job.chunk("")
    await settle()
    assert log.events("t1") == []
    await job.abort()


@virtual_time
@pytest.mark.parametrize("sign", ["x", "\x01", "\u2028", "é", "😀", '"', "\ud800"])
@pytest.mark.parametrize("length", [MAX_CHUNK_CHARS, MAX_CHUNK_CHARS + 1, 5 * MAX_CHUNK_CHARS - 1])
async def test_huge_output_is_split_into_events_that_the_log_takes(log, sign, length):
    job = begin(log)
    job.chunk("a")
    job.chunk(sign * length)
    await job.finish("completed")
    assert output(log) == "a" + sign.replace("\ud800", "?") * length
    check_offsets(log)
    assert max(len(codec.encode(event)) for event in log.events("t1")) <= codec.MAX_EVENT_BYTES
    assert len(of(log, Chunk)) == length // MAX_CHUNK_CHARS + 1 + (length > MAX_CHUNK_CHARS)


@virtual_time
@pytest.mark.parametrize("sign", ["\x01", "\u2028", "😀"])
async def test_huge_messages_are_cut(log, sign):
    job = begin(log)
    job.update(message=sign * 10**6, unit=sign * 10**6)
    job.step(sign * 10**6)
    job.log(sign * 10**6)
    await job.finish("error", message=sign * 10**6)
    assert len(last(log).message) == MAX_TEXT
    assert last(log).message.endswith("…")
    assert len(of(log, LogLine)[0].message) == MAX_TEXT
    assert len(last(log).step) == 200
    assert len(last(log).unit) == 40


@virtual_time
async def test_output_that_the_log_cannot_take_in_time_fails_the_task(log, monkeypatch):
    monkeypatch.setattr(pending, "MAX_PENDING_CHARS", 100)
    reasons = []
    job = begin(log, on_stop=reasons.append)
    job.chunk("x" * 60)
    job.chunk("y" * 40)
    assert not job.cancelled
    job.chunk("z")
    await settle()
    assert [type(reason) for reason in reasons] == [OutputOverflowError]
    assert job.stopped is reasons[0]
    await job.finish("error")
    check_offsets(log)
    assert "z" not in output(log)


@virtual_time
async def test_output_that_is_taken_in_time_has_no_limit(log, monkeypatch):
    monkeypatch.setattr(pending, "MAX_PENDING_CHARS", 100)
    job = begin(log)
    for _ in range(50):
        job.chunk("x" * 100)
        await job.flush()
    await job.finish("completed")
    assert len(output(log)) == 5000


# Lines


@virtual_time
async def test_lines_are_kept_in_order_with_their_level(log):
    job = begin(log)
    job.log("a")
    job.log("b", "warning")
    job.log("c", "nonsense")
    job.log("d", Text("error"))
    await settle()
    assert [(event.message, event.level) for event in of(log, LogLine)] == [
        ("a", "info"),
        ("b", "warning"),
        ("c", "info"),
        ("d", "error"),
    ]
    await job.abort()


@virtual_time
async def test_of_a_flood_of_lines_the_first_are_kept_and_the_rest_is_counted(log):
    job = begin(log)
    for i in range(1000):
        job.log(f"line {i}")
    await settle(0.05)
    lines = [event.message for event in of(log, LogLine)]
    assert lines == [*(f"line {i}" for i in range(MAX_PENDING_LINES)), "800 more lines left out"]
    job.log("after")
    await settle()
    assert of(log, LogLine)[-1].message == "after"
    await job.abort()


@pytest.mark.timeout(10)
@virtual_time
async def test_a_message_whose_text_reports_something_itself_does_not_block(log):
    class Chatty:
        def __str__(self):
            job.log("inner")
            return "outer"

    job = begin(log)
    job.log(Chatty())
    job.step(Chatty())
    await settle()
    assert [event.message for event in of(log, LogLine)] == ["inner", "outer", "inner"]
    await job.abort()


# How often


class Timed(MemoryLog):
    """Notes when each event was stored."""

    def __init__(self):
        super().__init__()
        self.moments = []

    async def put(self, *args, **options):
        ack = await super().put(*args, **options)
        self.moments.append(round(asyncio.get_running_loop().time(), 3))
        return ack


@virtual_time
@pytest.mark.parametrize("interval", [0.1, 0.5])
async def test_rounds_in_a_second_are_bounded(interval):
    log = Timed()
    job = begin(log, interval_seconds=interval)
    for i in range(1000):
        job.update(message=str(i))
        job.chunk("x")
        await asyncio.sleep(0.01)
    await job.finish("completed")
    rounds = sorted(set(log.moments[:-2]))
    assert len(rounds) <= 10 / interval + 1
    assert len(log.moments) <= 2 * len(rounds) + 3
    assert len(log.moments) >= 10 / interval
    assert output(log) == "x" * 1000


@virtual_time
async def test_the_first_report_is_stored_at_once(looptime):
    log = Timed()
    job = begin(log)
    await asyncio.sleep(3)
    job.update(1)
    await settle()
    assert log.moments == [3.0]
    await job.abort()


@virtual_time
async def test_a_progress_is_repeated_among_many_other_events(log):
    job = begin(log)
    job.update(7, "here")
    await settle()
    for i in range(PROGRESS_EVERY // 100 * 3):
        for j in range(100):
            job.log(f"{i}.{j}")
        await settle()
    numbers = [event.n for event in of(log, Progress)]
    assert len(numbers) == 4
    gaps = [after - before for before, after in pairwise(numbers)]
    assert all(gap <= PROGRESS_EVERY + 1 for gap in gaps)
    assert {(event.progress, event.message) for event in of(log, Progress)} == {(7, "here")}
    await job.abort()


@virtual_time
async def test_nothing_to_say_is_no_event(log):
    job = begin(log)
    await asyncio.sleep(60)
    assert log.events("t1") == []
    await job.abort()


@virtual_time
@pytest.mark.parametrize("every", [5.0, 2.0])
async def test_an_idle_task_sends_beats(log, every):
    shown = []
    await log.subscribe_beats("t1", lambda raw: shown.append((round(asyncio.get_running_loop().time(), 3), raw)))
    job = begin(log, beat_seconds=every, attempt=3)
    await asyncio.sleep(every * 3 + 0.5)
    assert [moment for moment, _ in shown] == [every, every * 2, every * 3]
    assert [codec.decode_beat(raw) for _, raw in shown] == [Beat(task="t1", attempt=3)] * 3
    assert log.events("t1") == []
    await job.abort()


@virtual_time
async def test_a_task_that_reports_shows_no_beat(log):
    beats = []
    await log.subscribe_beats("t1", beats.append)
    job = begin(log)
    for i in range(20):
        job.update(i)
        await asyncio.sleep(4)
    assert beats == []
    await job.abort()


@virtual_time
async def test_a_task_that_is_silent_for_a_day_stores_its_state_again(log):
    job = begin(log, beat_seconds=600)
    job.update(done=3, total=10)
    await asyncio.sleep(23 * 3600)
    assert len(of(log, Progress)) == 1
    await asyncio.sleep(50 * 3600)
    assert [event.done for event in of(log, Progress)] == [3, 3, 3, 3]
    await job.abort()


@virtual_time
async def test_a_beat_that_cannot_be_sent_changes_nothing(log):
    job = begin(log)
    log.away = True
    await asyncio.sleep(60)
    log.away = False
    job.update(5)
    await settle()
    assert last(log).progress == 5
    await job.abort()


# Stopping


@virtual_time
@pytest.mark.parametrize(
    ("rival", "reason"),
    [(ask_to_cancel, CancelRequestedError), (begin_attempt_2, SupersededError), (end_the_task, EndedError)],
)
async def test_a_report_that_is_refused_stops_the_handler_once(log, rival, reason):
    reasons = []
    job = begin(log, on_stop=reasons.append)
    job.update(1)
    await settle()
    job.raise_if_cancelled()
    await rival(log)
    before = log.events("t1")
    for i in range(5):
        job.update(i)
        job.chunk("late")
        job.step("late")
        job.log("late")
        await settle()
    assert [type(one) for one in reasons] == [reason]
    assert job.cancelled
    with pytest.raises(TaskCancelledError, match=str(reasons[0])):
        job.raise_if_cancelled()
    assert log.events("t1") == before
    await job.abort()


@virtual_time
async def test_after_a_cancel_only_the_terminal_event_is_stored(log):
    job = begin(log)
    job.update(30)
    await settle()
    await ask_to_cancel(log)
    job.chunk("late")
    job.update(99)
    await job.finish("cancelled", message="cancelled: enough")
    assert [type(event) for event in log.events("t1")] == [Progress, Cancel, Progress]
    assert (last(log).status, last(log).message) == ("cancelled", "cancelled: enough")


@virtual_time
async def test_a_stop_by_the_processor_silences_what_is_pending_when_it_is_a_cancel(log):
    job = begin(log)
    job.chunk("late")
    job.stop(CancelRequestedError("t1", "enough"))
    await job.finish("cancelled")
    assert [type(event) for event in log.events("t1")] == [Progress]


@virtual_time
async def test_what_was_reported_before_any_other_stop_is_still_stored(log):
    job = begin(log)
    job.chunk("last words")
    job.stop(LogError("took too long"))
    job.log("why")
    await job.finish("error")
    assert output(log) == "last words"
    assert of(log, LogLine)[0].message == "why"
    assert last(log).status == "error"


@virtual_time
@pytest.mark.parametrize(("rival", "reason"), [(begin_attempt_2, SupersededError), (end_the_task, EndedError)])
async def test_an_attempt_that_is_over_cannot_be_finished(log, rival, reason):
    job = begin(log)
    job.update(1)
    await settle()
    await rival(log)
    before = log.events("t1")
    job.chunk("late")
    with pytest.raises(reason):
        await job.finish("completed")
    assert log.events("t1") == before


@virtual_time
async def test_an_attempt_that_learns_only_at_its_end_that_it_is_over_stores_nothing(log):
    job = begin(log)
    await begin_attempt_2(log)
    with pytest.raises(SupersededError):
        await job.finish("completed")
    assert [event.attempt for event in log.events("t1")] == [2]


@virtual_time
@pytest.mark.parametrize("reason", [SupersededError("t1", 1, 2), EndedError("t1", "error")])
async def test_an_attempt_that_is_known_to_be_over_does_not_wait_for_nats(log, reason, looptime):
    job = begin(log)
    job.stop(reason)
    log.away = True
    with pytest.raises(type(reason)):
        await job.finish("completed")
    assert looptime < 0.2


@virtual_time
async def test_only_the_first_reason_to_stop_counts(log):
    reasons = []
    job = begin(log, on_stop=reasons.append)
    first = CancelRequestedError("t1", "one")
    job.stop(first)
    job.stop(SupersededError("t1", 1, 2))
    assert reasons == [first]
    assert job.stopped is first
    await job.abort()


@virtual_time
async def test_an_aborted_job_stores_nothing_more(log):
    job = begin(log)
    job.update(1)
    await settle()
    log.away = True
    job.chunk("late")
    await settle()
    await job.abort()
    log.away = False
    job.chunk("later")
    await asyncio.sleep(60)
    assert [type(event) for event in log.events("t1")] == [Progress]
    await job.abort()


async def test_a_job_that_was_never_started_can_be_aborted(log):
    await JobLifecycle(Chain(log, "t1", attempt=1)).abort()


# Ending


@virtual_time
async def test_the_end_comes_after_all_that_is_pending(log, looptime):
    job = begin(log)
    job.step("a")
    job.chunk("b")
    job.log("c")
    job.update(50)
    await job.finish("completed", data={"rows": 3})
    assert [type(event) for event in log.events("t1")] == [Progress, Chunk, LogLine, Progress, Progress]
    end = last(log)
    assert (end.status, end.progress, end.data, end.step) == ("completed", 100, {"rows": 3}, "a")
    assert looptime < 0.2


@virtual_time
async def test_a_job_that_was_never_started_can_be_finished(log):
    lifecycle = JobLifecycle(Chain(log, "t1", attempt=1))
    job = lifecycle.job
    job.chunk("a")
    await lifecycle.finish("completed")
    assert output(log) == "a"
    assert last(log).status == "completed"


@virtual_time
async def test_the_end_waits_for_nats(log):
    job = begin(log)
    log.away = True
    job.chunk("a")
    finishing = asyncio.create_task(job.finish("completed"))
    await asyncio.sleep(600)
    assert not finishing.done()
    log.away = False
    await finishing
    assert output(log) == "a"
    assert last(log).status == "completed"


@virtual_time
@pytest.mark.parametrize(
    ("status", "error", "failed"),
    [
        ("retrying", ErrorInfo("Boom", "it broke", retryable=True), 3),
        ("retrying", None, 2),  # handed back at a shutdown
        ("error", ErrorInfo("Boom", "it broke"), 2),
        ("completed", None, 2),
    ],
)
async def test_failed_attempts_are_counted(log, status, error, failed):
    job = begin(log, failed=2)
    job.update(1)
    await settle()
    assert last(log).failed == 2
    await job.finish(status, error=error)
    assert (last(log).failed, last(log).error) == (failed, error)


@virtual_time
async def test_only_a_completed_task_has_a_result(log):
    job = begin(log)
    await job.finish("error", data={"rows": 3})
    assert b'"data"' not in codec.encode(last(log))


@virtual_time
async def test_a_result_of_none_is_a_result(log):
    await begin(log).finish("completed")
    assert b'"data":null' in codec.encode(last(log))


# Flushing


@virtual_time
async def test_a_flush_returns_when_all_is_stored(log):
    job = begin(log)
    job.chunk("a")
    job.update(3)
    await job.flush()
    assert output(log) == "a"
    assert last(log).progress == 3
    await job.abort()


@virtual_time
async def test_a_flush_waits_also_for_what_is_on_its_way(log):
    job = begin(log)
    log.away = True
    job.chunk("a")
    await settle()  # the pump has taken it, and NATS has not
    flushing = asyncio.create_task(job.flush())
    await asyncio.sleep(60)
    assert not flushing.done()
    log.away = False
    await flushing
    assert output(log) == "a"
    await job.abort()


@virtual_time
async def test_a_flush_with_nothing_to_store_returns_at_once(log, looptime):
    job = begin(log)
    await job.flush()
    assert looptime == 0
    await job.abort()


@virtual_time
async def test_a_flush_ends_when_the_job_does(log):
    job = begin(log)
    log.away = True
    job.chunk("a")
    flushing = asyncio.create_task(job.flush())
    await settle()
    await job.abort()
    await flushing
    unstarted = JobLifecycle(Chain(log, "t1", attempt=1)).job
    unstarted.chunk("a")
    await unstarted.flush()


@virtual_time
async def test_a_flush_ends_when_the_task_is_cancelled(log):
    job = begin(log)
    await ask_to_cancel(log)
    job.chunk("late")
    await job.flush()
    assert job.cancelled
    await job.abort()


# Whatever is handed in

GARBAGE = [
    None,
    True,
    -5,
    math.nan,
    math.inf,
    -math.inf,
    1e308,
    10**400,
    1j,
    Decimal("NaN"),
    Decimal("1e400"),
    Fraction(1, 3),
    "",
    "x",
    "\ud800",
    Text("text"),
    b"\xff",
    [],
    {},
    object(),
    Awkward(),
]


@virtual_time
@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda value: type(value).__name__)
async def test_nothing_that_is_handed_in_raises(log, garbage):
    job = begin(log)
    for _ in range(3):
        job.update(garbage)
        job.update(done=garbage)
        job.update(total=garbage)
        job.update(unit=garbage, message=garbage)
        job.advance(garbage)
        job.advance(garbage, garbage)
        await settle()
        job.step(garbage, total=garbage, unit=garbage, upto=garbage)
        job.update(garbage, garbage, done=garbage, total=garbage, unit=garbage)
        job.chunk(garbage)
        job.log(garbage)
        job.log(garbage, garbage)
        await settle()
    await job.finish("completed", message=garbage)
    assert last(log).status == "completed"
    assert all(0 <= event.progress <= 100 for event in of(log, Progress))
    assert len(of(log, LogLine)) == 6
    check_offsets(log)


@virtual_time
@pytest.mark.parametrize("garbage", [math.nan, math.inf, "x", None, 10**400, Awkward()])
async def test_what_is_no_number_changes_no_count(log, garbage):
    job = begin(log)
    job.update(done=3, total=10)
    job.advance(garbage)
    job.update(garbage, done=garbage)
    job.advance()
    await settle()
    assert (last(log).done, last(log).progress) == (4, 40)
    await job.abort()


@virtual_time
async def test_half_a_character_becomes_a_question_mark(log):
    job = begin(log)
    job.chunk("a\ud83d")
    job.chunk("\ude00b")
    job.update(message="\udfff")
    job.log("\udfff")
    await job.finish("completed")
    assert output(log) == "a??b"
    check_offsets(log)
    assert last(log).message == "?"


@virtual_time
async def test_a_text_of_a_foreign_class_is_stored_as_text(log):
    job = begin(log)
    job.chunk(Text("a"))
    job.update(message=Text("b"), unit=Text("c"))
    job.step(Text("d"))
    await job.finish("error", message=Text("e"))
    assert output(log) == "a"
    assert [(event.step, event.message, event.unit) for event in of(log, Progress)] == [
        ("", "b", "c"),
        ("d", "", "c"),
        ("d", "e", "c"),
    ]


@virtual_time
async def test_an_event_that_is_too_large_is_left_out_and_said(log, caplog, monkeypatch):
    job = begin(log)
    monkeypatch.setattr(codec, "MAX_EVENT_BYTES", 300)
    job.log("x" * 1000)
    job.log("after")
    await settle()
    assert [event.message for event in of(log, LogLine)] == ["after"]
    assert [record.action for record in caplog.records] == ["event_too_large"]
    await job.abort()


# Threads


@pytest.fixture
def hasty_threads():
    """Threads interrupt each other as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@virtual_time
async def test_a_thread_reports_as_the_loop_does(log):
    def handler() -> None:
        for i in range(2000):
            job.advance()
            job.chunk(f"{i},")
            if i % 500 == 0:
                job.step(f"step {i}", total=500)

    job = begin(log)
    await asyncio.to_thread(handler)
    await job.finish("completed")
    assert output(log) == "".join(f"{i}," for i in range(2000))
    check_offsets(log)
    steps = [event.step for event in of(log, Progress)]
    assert list(dict.fromkeys(step for step in steps if step)) == ["step 0", "step 500", "step 1000", "step 1500"]
    assert last(log).done == 499


@virtual_time
async def test_many_threads_lose_nothing(log, hasty_threads):
    def handler(name: str) -> None:
        start.wait()
        for i in range(count):
            job.chunk(f"<{name}{i}>")
            if i % 100 == 0:
                job.log(name)

    count, start = 1000, threading.Barrier(4)
    job = begin(log)
    await asyncio.gather(*(asyncio.to_thread(handler, name) for name in "abcd"))
    await job.finish("completed")
    check_offsets(log)
    words = output(log)[1:-1].split("><")
    for name in "abcd":
        assert [word for word in words if word[0] == name] == [f"{name}{i}" for i in range(count)]


@virtual_time
async def test_a_thread_waits_until_another_one_has_noted_its_output(log, monkeypatch):
    class Slow(Chunk, tag="chunk"):
        def __post_init__(self):
            if not others:
                others.append(threading.Thread(target=job.chunk, args=("other",)))
                others[0].start()
                others[0].join(0.05)  # it cannot end before we do

    others: list[threading.Thread] = []
    monkeypatch.setattr(pending, "Chunk", Slow)
    job = begin(log)
    job.chunk("one")
    others[0].join()
    await job.finish("completed")
    assert output(log) == "oneother"
    check_offsets(log)


@virtual_time
async def test_a_thread_learns_of_a_cancel(log):
    def handler() -> int:
        for i in job.track(range(10**9)):
            if i == 3:
                asyncio.run_coroutine_threadsafe(ask_to_cancel(log), loop).result()
        return 0

    loop = asyncio.get_running_loop()
    job = begin(log)
    with pytest.raises(TaskCancelledError, match="enough"):
        await asyncio.to_thread(handler)
    await job.finish("cancelled")
    assert [event.status for event in of(log, Progress)][-1] == "cancelled"


def test_a_thread_that_outlives_its_loop_is_not_disturbed(log, monkeypatch):
    async def run() -> StartedJob:
        job = start_job(log)
        await job.finish("error")
        return job

    monkeypatch.setattr(pending, "MAX_PENDING_CHARS", 100)
    job = asyncio.run(run())
    job.update(5, "a", done=1, total=2)
    job.advance()
    job.step("a")
    job.log("a")
    job.chunk("a" * 60)
    job.chunk("a" * 60)
    assert list(job.track("ab")) == ["a", "b"]
    assert len(log.events("t1")) == 1


# Any order of calls and faults


@dataclass
class Script:
    """Plays calls and faults, and keeps what was reported. One method for each word of `calls`."""

    log: MemoryLog
    text: str = ""
    lines: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    async def play(self, script: list, chunk_chars: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pending, "MAX_CHUNK_CHARS", chunk_chars)
            job = begin(self.log)
            for call, value in script:
                await getattr(self, call)(job, value)
            asyncio.get_running_loop().call_later(5, setattr, self.log, "away", False)
            await job.finish("completed")

    async def chunk(self, job, text):
        job.chunk(text)
        self.text += text.encode("utf-8", "replace").decode()

    async def line(self, job, text):
        job.log(text)
        self.lines.append(text)

    async def step(self, job, upto):
        self.steps.append(f"step {len(self.steps)}")
        job.step(self.steps[-1], total=10, upto=upto)

    async def update(self, job, percent):
        job.update(percent)

    async def count(self, job, done):
        job.update(done=done, total=100)

    async def pause(self, job, seconds):
        await asyncio.sleep(seconds)

    async def away(self, job, away):
        self.log.away = away

    async def lose(self, job, count):
        self.log.lose_acks = count

    async def flush(self, job, _):
        self.log.away = False
        await job.flush()
        assert output(self.log) == self.text


percents = st.floats(-10, 200) | st.floats()
calls = st.one_of(
    st.tuples(st.just("chunk"), st.text(max_size=12)),
    st.tuples(st.just("chunk"), st.sampled_from(["\u2028", "\ud800", "😀" * 40, "x" * 100])),
    st.tuples(st.just("line"), st.text(st.characters(codec="utf-8"), max_size=5)),
    st.tuples(st.just("step"), percents),
    st.tuples(st.just("update"), percents),
    st.tuples(st.just("count"), st.floats(-10, 200)),
    st.tuples(st.just("pause"), st.sampled_from([0.0, 0.01, 0.09, 0.1, 0.5, 6.0])),
    st.tuples(st.just("away"), st.booleans()),
    st.tuples(st.just("lose"), st.integers(1, 3)),
    st.tuples(st.just("flush"), st.none()),
)


@given(st.lists(calls, max_size=40), st.sampled_from([1, 7, 50]))
@example([("away", True), ("chunk", "a"), ("pause", 0.5), ("chunk", "b"), ("lose", 2), ("away", False)], 7)
@settings(deadline=None)
def test_no_calls_and_no_faults_lose_or_disorder_what_was_reported(script, chunk_chars):
    log = MemoryLog()
    told = Script(log)
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(told.play(script, chunk_chars))
    assert output(log) == told.text
    check_offsets(log)
    assert all(len(chunk.text) <= chunk_chars for chunk in of(log, Chunk))
    assert [event.message for event in of(log, LogLine)] == told.lines
    shown = of(log, Progress)
    assert list(dict.fromkeys(event.step for event in shown if event.step)) == told.steps
    percents = [event.progress for event in shown]
    assert percents == sorted(percents)
    assert all(0 <= percent < 100 for percent in percents[:-1])
    assert (shown[-1].status, shown[-1].progress) == ("completed", 100)
    assert [event.n for event in log.events("t1")] == list(range(1, len(log.events("t1")) + 1))


@dataclass
class Rivalry:
    """A handler that reports on and on, and one rival who ends that."""

    log: MemoryLog
    random: Random

    async def run(self, rival) -> LogError:
        stopped = asyncio.Event()
        job = begin(self.log, on_stop=lambda _: stopped.set())
        job.update(1)
        await settle(self.random.random())
        interfering = asyncio.create_task(self.interfere(rival))
        while not stopped.is_set():
            self.random.choice([lambda: job.chunk("x"), lambda: job.update(5), lambda: job.step("s")])()
            await asyncio.sleep(self.random.choice([0, 0.01, 0.1]))
        await interfering
        self.log.away = False
        try:
            await job.finish("cancelled")
        except (SupersededError, EndedError) as reason:
            return reason
        return job.stopped

    async def interfere(self, rival) -> None:
        await asyncio.sleep(self.random.random())
        self.log.lose_acks = self.random.choice([0, 1, 2])
        await rival(self.log)


@given(st.integers(0, 2**32), st.sampled_from([ask_to_cancel, begin_attempt_2, end_the_task]))
@settings(max_examples=settings().max_examples // 2, deadline=None)
def test_whenever_a_rival_comes_the_log_stays_in_order_and_the_handler_is_stopped(seed, rival):
    log = MemoryLog()
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        reason = runner.run(Rivalry(log, Random(seed)).run(rival))
    events = log.events("t1")
    if rival is ask_to_cancel:
        assert isinstance(reason, CancelRequestedError)
        assert [type(event) for event in events[-2:]] == [Cancel, Progress]
        assert events[-1].status == "cancelled"
    elif rival is begin_attempt_2:
        assert isinstance(reason, SupersededError)
        assert [event.attempt for event in events] == [1] * (len(events) - 1) + [2]
    else:
        assert isinstance(reason, EndedError)
        assert [event.status for event in of(log, Progress) if event.terminal] == ["error"]
        assert events[-1].status == "error"
    check_offsets(log)


async def test_result_of_a_reporter_without_a_processor_is_encoded_too(log):
    """Celery's workers return what they like, and so do handlers under test."""
    job = start_job(log)
    await job.finish("completed", data={"path": Path("a"), "lock": threading.Lock()})
    *_, line, last = log.events("t1")
    assert last.data["path"] == "a"
    assert (line.level, line.logger) == ("warning", "headway.result")
    assert "/lock (lock)" in line.message
