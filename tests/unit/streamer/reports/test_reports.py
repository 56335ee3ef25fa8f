"""Tasks that are reported over HTTP, on stores in memory."""

import asyncio
from functools import partial
from random import Random

import msgspec
import pytest

from headway import codec
from headway.errors import ConflictError, TooLargeError, UnavailableError
from headway.eventlog.chain import Chain, read_head
from headway.eventlog.deletion import mark_deleted
from headway.events import Cancel, LogLine, Progress
from headway.outbox import REFRESH_SECONDS
from headway.ownership import Ownership
from headway.records import ReporterRecord, TaskRecord, decode_record
from headway.testing import progress
from headway_streamer.api.report_models import ChunkReport, LogReport, ProgressReport, ReportedError, ReportEnd
from headway_streamer.limits.stored import QuotaError
from headway_streamer.problems import Problem
from headway_streamer.reports.reports import TRIES

pytestmark = pytest.mark.looptime
ANN = Ownership("ann", "acme")
LOG = LogReport("line")


def owned(by=ANN):
    return lambda ownership: ownership == by


def record(task="t1", owner=ANN, **fields):
    fields = {"kind": "k", "created": 1.0, "reported": True, "title": "Title"} | fields
    return TaskRecord(task=task, owner=owner.owner, tenant=owner.tenant, **fields)


class Reporter:
    """A producer, at a streamer."""

    def __init__(self, parts, owner=ANN):
        self.parts, self.owner, self.epoch, self.next = parts, owner, 0, 1

    async def open(self, *, message="", key="", **fields):
        opened = await self.parts.reports.open(
            record(owner=self.owner, **fields), owned(self.owner), lease_seconds=60, message=message, key=key
        )
        self.epoch, self.next = opened.epoch, 1
        return opened

    async def send(self, *events, at=None):
        receipt = await self.parts.reports.append(
            "t1", owned(self.owner), epoch=self.epoch, sequence=at or self.next, events=events
        )
        self.next = receipt.sequence + 1
        return receipt

    async def end(self, status="completed", **fields):
        wanted = ReportEnd(epoch=self.epoch, sequence=self.next, status=status, **fields)
        return await self.parts.reports.end("t1", owned(self.owner), wanted)

    @property
    def events(self):
        return self.parts.log.events("t1")


@pytest.fixture
def reporter(parts):
    return Reporter(parts)


async def refused(awaited):
    with pytest.raises(Problem) as caught:
        await awaited
    return caught.value.status, caught.value.title


async def test_a_task_is_opened_reported_and_ended(parts, reporter):
    opened = await reporter.open()
    assert (opened.epoch, opened.new) == (1, True)
    assert (await reporter.send(ProgressReport(done=1, total=4), LOG)).sequence == 2
    assert await reporter.end(result={"rows": 4}) == ("completed", True)
    first, moved, line, last = reporter.events
    assert (parts.counted("reports_opened_total"), parts.counted("events_reported_total")) == (1, 3)
    assert (first.status, first.message, first.attempt) == ("processing", "Title", 1)
    assert (moved.progress, line.message) == (25.0, "line")
    assert (last.status, last.progress, last.done, last.data) == ("completed", 100.0, 1.0, {"rows": 4})
    assert {stored.ownership for stored in await parts.log.read("t1")} == {ANN}
    assert decode_record(await parts.report_leases.get("http=t1"), ReporterRecord).attempts == {}


async def test_opening_again_begins_the_next_attempt_and_stops_the_earlier_producer(parts, reporter):
    await reporter.open()
    await reporter.send(ProgressReport(progress=50))
    other = Reporter(parts)
    assert (await other.open(message="again"))[1:] == (2, False)
    assert (reporter.events[-1].message, reporter.events[-1].progress, reporter.events[-1].failed) == ("again", 0.0, 1)
    assert await refused(reporter.send(LOG)) == (409, "Superseded")
    assert await refused(reporter.end()) == (409, "Superseded")
    assert (await other.send(LOG)).sequence == 1
    other.epoch = 3
    assert await refused(other.send(LOG)) == (409, "Not opened")


async def test_opening_is_repeated_with_its_key_until_something_is_reported(reporter):
    assert [(await reporter.open(key=key)).epoch for key in ("a", "a", "b", "b", "")] == [1, 1, 2, 2, 3]
    assert (await reporter.open(key="c")).epoch == 4
    await reporter.send(LOG)
    assert (await reporter.open(key="c")).epoch == 5
    assert [event.failed for event in reporter.events if isinstance(event, Progress)] == [0, 1, 2, 3, 4]


async def test_a_tenant_that_has_stored_all_it_may_still_ends_its_tasks(parts, reporter):
    await reporter.open()
    parts.limits.stored.most = 4000
    await reporter.send(ChunkReport("x" * 1000))
    with pytest.raises(QuotaError):
        await reporter.send(ChunkReport("x" * 3000))
    assert (await reporter.send()).sequence == 1
    assert (await reporter.end()).new


async def test_what_is_stored_is_skipped_and_what_is_missing_is_asked_for(reporter):
    await reporter.open()
    await reporter.send(LogReport("1"), LogReport("2"))
    assert (await reporter.send(LogReport("2"), LogReport("3"), at=2)).sequence == 3
    assert (await reporter.send(LogReport("1"), at=1)).sequence == 3
    with pytest.raises(Problem) as caught:
        await reporter.send(LogReport("5"), at=5)
    assert (caught.value.status, caught.value.expected) == (409, 4)
    assert [event.message for event in reporter.events[1:]] == ["1", "2", "3"]


async def test_a_part_that_was_stored_before_nats_was_lost_is_not_stored_twice(parts, reporter):
    await reporter.open()
    parts.log.lose_acks = 1
    with pytest.raises(UnavailableError):
        await reporter.send(LogReport("1"), LogReport("2"))
    assert (await reporter.send(LogReport("1"), LogReport("2"))).sequence == 2
    assert [event.message for event in reporter.events[1:]] == ["1", "2"]


async def test_calls_with_overlapping_batches_at_once_store_each_event_once(reporter):
    await reporter.open()
    lines = [LogReport(str(number)) for number in range(1, 8)]
    calls = [reporter.send(*lines[start:], at=start + 1) for start in (0, 0, 0)]
    receipts = await asyncio.gather(*calls, reporter.send(*lines[:3], at=1))
    assert max(receipt.sequence for receipt in receipts) == 7
    assert [event.message for event in reporter.events[1:]] == list("1234567")


async def test_a_cancel_request_keeps_the_position_and_lets_only_the_end_follow(parts, reporter):
    await reporter.open()
    await reporter.send(LOG)
    await parts.task_store.cancel("t1", "enough")
    receipt = await reporter.send(LOG, LOG)
    assert (receipt.sequence, receipt.cancel.reason) == (3, "enough")
    assert (await parts.log.last("t1")).producer.sequence == 1
    assert await reporter.end("cancelled") == ("cancelled", True)
    assert [type(event) for event in reporter.events[1:]] == [LogLine, Cancel, Progress]
    assert reporter.events[-1].message == "cancelled: enough"


async def test_a_cancelled_task_that_is_opened_again_ends(parts, reporter):
    await reporter.open()
    await parts.task_store.cancel("t1", "enough")
    assert await refused(reporter.open()) == (409, "Task has ended")
    assert (reporter.events[-1].status, reporter.events[-1].message) == ("cancelled", "cancelled: enough")


async def test_an_end_is_repeated_and_one_of_somebody_else_is_not_taken_for_it(parts, reporter):
    await reporter.open()
    assert await reporter.end("error", message="no") == ("error", True)
    assert await reporter.end("completed") == ("error", False)
    assert await refused(reporter.send(LOG)) == (409, "Task has ended")
    assert await refused(reporter.open()) == (409, "Task has ended")
    assert (len(reporter.events), reporter.events[-1].error.message) == (2, "no")


async def test_a_lost_task_has_ended(parts, reporter):
    await reporter.open()
    chain = Chain(parts.log, "t1", await read_head(parts.log, "t1"), attempt=1)
    await chain.append(progress("error"))
    assert await refused(reporter.end()) == (409, "Task has ended")


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({}, ("Error", "the task has failed"), "the task has failed"),
        ({"message": "m"}, ("Error", "m"), "m"),
        ({"error": ReportedError("e", type="Bad")}, ("Bad", "e"), "e"),
        ({"message": "m", "error": ReportedError("e" * 5000, type="")}, ("Error", "e" * 3999 + "…"), "m"),
    ],
)
async def test_a_failed_task_has_an_error_and_a_message(reporter, fields, error, message):
    await reporter.open()
    await reporter.end("error", **fields)
    last = reporter.events[-1]
    assert ((last.error.type, last.error.message), last.message) == (error, message)


async def test_a_long_traceback_keeps_its_end(reporter):
    await reporter.open()
    await reporter.end("error", error=ReportedError("e", traceback="x" * 9000 + "the place"))
    assert len(reporter.events[-1].error.traceback) == 8000
    assert reporter.events[-1].error.traceback.endswith("the place")


async def test_a_result_that_no_event_holds_is_refused_and_the_task_continues(reporter):
    await reporter.open()
    with pytest.raises(TooLargeError):
        await reporter.end(result="x" * (128 * 1024))
    assert await reporter.end(result="link") == ("completed", True)


@pytest.mark.parametrize("case", ["foreign", "foreign tenant", "not reported", "deleted", "without a record"])
async def test_an_id_that_is_taken_gets_one_answer(parts, reporter, case):
    owner = {"foreign": Ownership("bob", "acme"), "foreign tenant": Ownership("ann", "other")}.get(case, ANN)
    first = Reporter(parts, owner)
    await first.open()
    if case == "not reported":
        parts.records.set("t1", codec.encode_json(record(reported=False)))
    if case == "deleted":
        await first.end()
        await mark_deleted(parts.log, "t1")
    if case in ("deleted", "without a record"):
        parts.records.set("t1", b"")
    before = len(reporter.events), parts.report_leases.reads
    assert await refused(reporter.open()) == (409, "Id is taken")
    assert len(reporter.events) == before[0]


@pytest.mark.parametrize("task", ["t1", "absent", "not.a.name"])
async def test_a_foreign_task_is_as_unknown_as_one_that_does_not_exist(parts, reporter, task):
    await Reporter(parts, Ownership("bob", "acme")).open()
    for owner in (ANN, Ownership("bob"), Ownership()):
        append = parts.reports.append(task, owned(owner), epoch=1, sequence=1, events=[])
        end = parts.reports.end(task, owned(owner), ReportEnd(epoch=1, sequence=1, status="completed"))
        assert await refused(append) == await refused(end) == (404, "Not Found")


async def test_a_task_that_a_processor_runs_is_not_appended_to(parts):
    await parts.add_task("t1")
    await parts.write("t1", progress())
    found = await refused(parts.reports.append("t1", lambda _: True, epoch=1, sequence=1, events=[LOG]))
    assert found == (409, "Not opened")


async def test_an_attempt_of_another_kind_of_reporter_is_not_continued(parts, reporter):
    await reporter.open()
    chain = Chain(parts.log, "t1", await read_head(parts.log, "t1"), attempt=2)
    await chain.begin(progress())
    assert await refused(reporter.send(LOG)) == (409, "Superseded")
    reporter.epoch = 2
    assert await refused(reporter.send(LOG)) == (409, "Not opened")
    assert (await reporter.open()).epoch == 3


async def test_a_task_has_one_kind(reporter):
    await reporter.open()
    assert await refused(reporter.open(kind="other")) == (422, "Task has another kind")


async def test_two_that_open_at_once_get_different_epochs(parts):
    opened = await asyncio.gather(*(Reporter(parts).open() for _ in range(4)))
    assert sorted(each.epoch for each in opened) == [1, 2, 3, 4]
    assert sorted(each.new for each in opened) == [False, False, False, True]


async def test_an_empty_batch_renews_the_lease_and_sends_a_beat(parts, reporter):
    beats = []
    await reporter.open()
    await parts.log.subscribe_beats("t1", beats.append)
    await asyncio.sleep(20)
    await reporter.send()
    assert [codec.decode_beat(beat).attempt for beat in beats] == [1]
    lease = decode_record(await parts.report_leases.get("http=t1"), ReporterRecord)
    assert (lease.attempts, lease.lost_seconds) == ({"t1": 1}, 60.0)
    assert len(await parts.report_leases.page(2)) == 1
    assert len(reporter.events) == 1


async def test_the_progress_is_stored_again_after_many_other_events(reporter):
    await reporter.open()
    await reporter.send(ProgressReport(progress=40))
    for _ in range(3):
        await reporter.send(*[LOG] * 300)
    found = [event for event in reporter.events[2:] if isinstance(event, Progress)]
    assert [event.progress for event in found] == [40.0]
    assert await reporter.end() == ("completed", True)


async def test_a_lease_that_is_renewed_for_a_day_stores_the_progress_again(parts, reporter):
    await reporter.open()
    await reporter.send(ProgressReport(progress=40))
    (_, stored) = await parts.log.read("t1")
    aged = msgspec.structs.replace(codec.decode(stored.payload), at=reporter.events[-1].at - REFRESH_SECONDS)
    parts.log._logs["t1"][-1] = stored._replace(payload=codec.encode(aged))
    await reporter.send()
    await reporter.send()
    assert [event.progress for event in reporter.events] == [0.0, 40.0, 40.0]


async def test_output_counts_its_characters_across_calls(reporter):
    await reporter.open()
    await reporter.send(ChunkReport("ab"), LOG, ChunkReport("c"))
    await reporter.send(ChunkReport("d"))
    assert [event.offset for event in reporter.events if hasattr(event, "offset")] == [0, 2, 3]


async def test_one_that_loses_every_race_is_asked_to_try_again(parts, reporter, monkeypatch):
    await reporter.open()
    tried = []

    async def conflicted(task, payload, *, expected, **options):
        tried.append(task)
        raise ConflictError(task, expected)

    monkeypatch.setattr(parts.log, "put", conflicted)
    for call in (reporter.send(LOG), reporter.end(), reporter.open()):
        with pytest.raises(UnavailableError):
            await call
    assert len(tried) == 3 * TRIES


async def test_a_task_is_not_opened_while_nats_does_not_answer(parts, reporter, monkeypatch):
    parts.log.away = True
    with pytest.raises(UnavailableError):
        await reporter.open()
    parts.log.away = False

    async def hung(*args, **options):
        await asyncio.sleep(100)

    monkeypatch.setattr(parts.log, "put", hung)
    with pytest.raises(UnavailableError):
        await reporter.open()


class Faults:
    """A producer whose calls are repeated, overlap and fail, on a log that is lost again and again."""

    def __init__(self, parts, seed):
        self.parts, self.random = parts, Random(seed)
        self.sent = {}
        """How many events of each epoch the producer has made."""

    async def disturb(self):
        while True:
            await asyncio.sleep(self.random.uniform(0, 2))
            self.parts.log.away = self.random.random() < 0.3
            self.parts.log.lose_acks = self.random.randint(0, 2)

    async def insist(self, call):
        """Repeat `call` until it is answered."""
        while True:
            try:
                return await call()
            except UnavailableError:
                await asyncio.sleep(self.random.uniform(0, 1))

    def made(self, reporter, number):
        """The event with that number."""
        self.sent[reporter.epoch] = max(self.sent.get(reporter.epoch, 0), number)
        return self.random.choice((ChunkReport, LogReport))(f"{number} ")

    async def run(self, *, cancelled):
        """Two producers of one task, of which the second opens it while the first still reports; the answers."""
        first, second = Reporter(self.parts), Reporter(self.parts)
        await self.insist(first.open)
        reporting = asyncio.create_task(self.report(first, 40))
        await asyncio.sleep(self.random.uniform(0, 10))
        await self.insist(second.open)
        found = await self.report(second, 20)
        if cancelled:
            await self.insist(lambda: self.parts.task_store.cancel("t1", "enough"))
            assert (await self.insist(lambda: second.send(LOG))).cancel is not None
        ends = [self.insist(lambda: second.end("cancelled" if cancelled else "completed")) for _ in range(3)]
        return await reporting, found, [end.status for end in await asyncio.gather(*ends)]

    async def report(self, reporter, count):
        """Report so many events, in calls of which some overlap; why it was refused."""
        events = {}
        while reporter.next <= count:
            start = self.random.randint(max(reporter.next - 2, 1), reporter.next)
            stop = min(start + self.random.randint(0, 6), count)
            batch = [events.setdefault(number, self.made(reporter, number)) for number in range(start, stop + 1)]
            calls = [self.insist(partial(reporter.send, *batch, at=start)) for _ in range(self.random.randint(1, 3))]
            for answer in await asyncio.gather(*calls, return_exceptions=True):
                if isinstance(answer, Problem):
                    return answer.title
                assert answer.sequence >= stop
        return ""


@pytest.mark.parametrize("seed", range(16))
async def test_no_fault_and_no_race_loses_repeats_or_mixes_events(parts, seed):
    faults = Faults(parts, seed)
    disturbing = asyncio.create_task(faults.disturb())
    zombie, found, ends = await faults.run(cancelled=seed % 2 == 1)
    disturbing.cancel()
    events = parts.log.events("t1")
    attempts = [event.attempt for event in events]
    assert (zombie in ("", "Superseded"), found) == (True, "")
    assert ends == [events[-1].status] * 3 == ["cancelled" if seed % 2 else "completed"] * 3
    assert attempts == sorted(attempts)
    assert sum(isinstance(event, Progress) and event.terminal for event in events) == 1
    for epoch in set(attempts):
        texts = [
            getattr(event, "text", "") or getattr(event, "message", "") for event in events if epoch == event.attempt
        ]
        numbers = [int(word) for text in texts for word in text.split() if word.isdigit()]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) <= faults.sent.get(epoch, 0)
    assert numbers == list(range(1, 21))
