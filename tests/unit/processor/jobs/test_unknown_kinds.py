"""Which jobs end because no processor has ever offered their kind."""

import asyncio

import pytest

from headway import codec
from headway.errors import UnavailableError
from headway.eventlog.chain import Chain, read_head
from headway.events import Cancel
from headway.jetstream.stored import Stored
from headway.records import JobMessage
from headway.testing import MemoryBucket, MemoryLog, progress
from headway_processor.jobs.unknown_kinds import LOOK_SECONDS, PAGES, Parts, UnknownKinds
from tests.unit.processor.conftest import Counted, MemoryDeadLetters

pytestmark = pytest.mark.looptime
STORED = "2026-01-01T00:00:00.5Z"
NOW = 1_767_225_600.5
WAIT = 100.0


class Queue:
    """A queue in a list, of which each page has two jobs."""

    def __init__(self):
        self.jobs = []
        self.read = []
        self.away = False

    def put(self, task, kind="ghost", *, payload=None):
        if payload is None:
            payload = codec.encode_json(JobMessage(task=task, kind=kind))
        subject = f"hw.job.{kind}.{task}"
        self.jobs.append(Stored(len(self.jobs) + 1, payload, "", task, time=STORED, subject=subject))

    async def page(self, start):
        if self.away:
            raise UnavailableError("unreachable")
        self.read.append(start)
        return [job for job in self.jobs if job.seq >= start][:2]

    async def remove(self, job):
        self.jobs.remove(job)


@pytest.fixture
async def parts():
    return Parts(Queue(), MemoryBucket(), MemoryLog(), MemoryDeadLetters(), Counted())


def unknown_kinds(parts, *, after=WAIT, own=("mine",)):
    return UnknownKinds(parts, own, WAIT, clock=lambda: NOW + after)


def left(parts):
    return [job.task for job in parts.queue.jobs]


async def test_a_job_of_an_unknown_kind_ends_in_one_event_and_one_dead_letter(parts):
    parts.queue.put("t1")
    await unknown_kinds(parts).look()
    assert left(parts) == []
    (event,) = parts.log.events("t1")
    assert (event.status, event.error.type, event.error.retryable) == ("error", "UnknownKind", False)
    ((kind, task, _, reason),) = parts.dead_letters.jobs
    assert (kind, task) == ("ghost", "t1")
    assert reason.startswith("UnknownKind: no processor has ever offered the kind 'ghost'")
    assert parts.metrics.seen == [("dead_lettered", "given_up")]


async def test_kinds_that_somebody_offers_or_has_offered_wait(parts):
    parts.catalogue.set("theirs", b"{}")
    parts.queue.put("t1", "mine")
    parts.queue.put("t2", "theirs")
    parts.queue.put("t3", "theirs")
    await unknown_kinds(parts).look()
    assert left(parts) == ["t1", "t2", "t3"]
    assert parts.dead_letters.jobs == []


async def test_a_new_job_waits_for_the_first_processor_of_its_kind(parts):
    parts.queue.put("t1")
    await unknown_kinds(parts, after=WAIT - 1).look()
    assert left(parts) == ["t1"]


async def test_what_has_ended_or_is_to_be_cancelled_ends_so(parts):
    for task, event in (("t1", progress("completed", 100.0)), ("t2", Cancel(reason="no"))):
        await Chain(parts.log, task, await read_head(parts.log, task), attempt=0).append(event)
        parts.queue.put(task)
    await unknown_kinds(parts).look()
    assert left(parts) == []
    assert [parts.log.events(task)[-1].status for task in ("t1", "t2")] == ["completed", "cancelled"]
    assert parts.dead_letters.jobs == []


@pytest.mark.security
@pytest.mark.parametrize("payload", [b"{", b"", b'{"task":"t2","kind":"ghost"}'])
async def test_what_is_not_a_job_is_dead_lettered(parts, payload):
    parts.queue.put("t1", payload=payload)
    await unknown_kinds(parts).look()
    assert left(parts) == []
    assert len(parts.dead_letters.jobs) == 1


async def test_a_look_reads_a_part_of_the_queue_and_the_next_continues(parts):
    for number in range(2 * PAGES + 1):
        parts.queue.put(f"t{number}", "mine")
    looking = unknown_kinds(parts)
    await looking.look()
    assert parts.queue.read == list(range(1, 2 * PAGES, 2))
    await looking.look()
    assert parts.queue.read[PAGES:] == [2 * PAGES + 1, 2 * PAGES + 2]
    await looking.look()
    assert parts.queue.read[PAGES + 2] == 1


async def test_it_looks_again_when_nats_was_unreachable(parts):
    parts.queue.away = True
    working = asyncio.create_task(unknown_kinds(parts).keep_ended())
    await asyncio.sleep(1)
    parts.queue.away = False
    parts.queue.put("t1")
    await asyncio.sleep(1.5 * LOOK_SECONDS)
    assert left(parts) == []
    working.cancel()
