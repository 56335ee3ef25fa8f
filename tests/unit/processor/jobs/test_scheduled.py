"""Jobs that begin later are put in the queue when they are due, whatever happens in between."""

import asyncio

import pytest

from headway import codec
from headway.errors import UnavailableError
from headway.records import JobMessage, ScheduledJob
from headway.testing import MemoryBucket, MemoryJobQueue
from headway_processor.jobs.scheduled import LOOK_SECONDS, READ_ALL_SECONDS, REFUSED, ScheduledJobs

pytestmark = pytest.mark.looptime
NOW = 1_000_000.0
LATE_SECONDS = 1.2 * LOOK_SECONDS


class Bucket(MemoryBucket):
    """Forgets what is removed; the next removals fail `failing` times."""

    failing = 0

    async def purge(self, task, seq):
        if self.failing:
            self.failing -= 1
            raise UnavailableError("the processor was killed")
        if (await self.entry(task))[1] <= seq:
            self._entries.pop(task, None)

    @property
    def tasks(self):
        return list(self._entries)


class Parts:
    """A bucket and a queue, and the processors that move jobs from one to the other."""

    def __init__(self):
        self.bucket, self.jobs = Bucket(), MemoryJobQueue()
        self._begun = None
        self._working = []

    def now(self):
        """Seconds since 1970."""
        at = asyncio.get_running_loop().time()
        self._begun = at if self._begun is None else self._begun  # here: only the test itself runs in virtual time
        return NOW + at - self._begun

    def add(self, task, after, **fields):
        job = JobMessage(**({"task": task, "kind": "k", "params": codec.raw(b'{"a":1}')} | fields))
        self.bucket.set(task, codec.encode_json(ScheduledJob(run_at=NOW + after, job=job)))

    def processor(self):
        return ScheduledJobs(self.bucket, self.jobs, self.bucket.purge, self.now)

    def start(self):
        self._working.append(asyncio.ensure_future(self.processor().keep_queued()))

    async def pass_time(self, until):
        await asyncio.sleep(until - (self.now() - NOW))

    async def close(self):
        for working in self._working:
            assert not working.done()
            working.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)


@pytest.fixture
async def parts():
    made = Parts()
    yield made
    await made.close()


async def test_a_job_is_queued_when_it_is_due_and_not_before(parts):
    parts.start()
    parts.add("t2", after=20)
    parts.add("t1", after=10)
    await parts.pass_time(9.99)
    assert parts.jobs.jobs == {}
    await parts.pass_time(10 + LATE_SECONDS)
    assert list(parts.jobs.jobs) == ["t1"]
    assert bytes(parts.jobs.jobs["t1"].params) == b'{"a":1}'
    assert parts.bucket.tasks == ["t2"]
    await parts.pass_time(20 + LATE_SECONDS)
    assert (list(parts.jobs.jobs), parts.bucket.tasks) == (["t1", "t2"], [])


async def test_of_many_those_that_are_due_are_queued_in_the_order_of_their_times(parts):
    for n in range(1000):
        parts.add(f"t{n}", after=(999 - n) / 10)
    parts.start()
    await parts.pass_time(10)
    queued = list(parts.jobs.jobs)
    assert len(queued) == pytest.approx(100, abs=13)
    assert queued == [f"t{999 - n}" for n in range(len(queued))]
    assert len(parts.bucket.tasks) == 1000 - len(queued)


async def test_after_a_crash_in_between_a_job_is_queued_again(parts):
    parts.add("t1", after=0)
    parts.bucket.failing = 1
    with pytest.raises(UnavailableError):
        await parts.processor().look()
    assert (list(parts.jobs.jobs), parts.bucket.tasks) == (["t1"], ["t1"])
    parts.jobs.jobs.clear()  # it was taken and has ended: its log says so to the one that takes it again
    await parts.processor().look()
    assert (list(parts.jobs.jobs), parts.bucket.tasks) == (["t1"], [])


@pytest.mark.parametrize("fault", ["away", "full"])
async def test_what_the_queue_does_not_take_is_queued_when_it_does(parts, caplog, fault):
    for n in range(40):
        parts.add(f"t{n}", after=1)
    setattr(parts.jobs, fault, True)
    parts.start()
    await parts.pass_time(10)
    assert len(parts.bucket.tasks) == 40
    setattr(parts.jobs, fault, False)
    await parts.pass_time(10 + 1.2 * REFUSED.max_seconds)
    assert (len(parts.jobs.jobs), parts.bucket.tasks) == (40, [])
    assert {record.action for record in caplog.records} >= {"schedule_refused"}


async def test_processors_at_the_same_time_queue_each_job_once_and_none_is_left(parts):
    for n in range(100):
        parts.add(f"t{n}", after=n / 10)
    for _ in range(3):
        parts.start()
    await parts.pass_time(10 + LATE_SECONDS)
    assert (len(parts.jobs.jobs), parts.bucket.tasks) == (100, [])


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        codec.encode_json(ScheduledJob(run_at=1.0, job=JobMessage(task="other", kind="k"))),
        codec.encode_json(ScheduledJob(run_at=1.0, job=JobMessage(task="bad", kind="k.*"))),
        codec.encode_json(ScheduledJob(run_at=1e300, job=JobMessage(task="bad", kind="k"))),
    ],
)
async def test_a_malformed_entry_is_logged_once_and_delays_no_other(parts, caplog, value):
    parts.bucket.set("bad", value)
    parts.start()
    parts.add("good", after=5)
    await parts.pass_time(2 * READ_ALL_SECONDS)
    assert list(parts.jobs.jobs) == ["good"]
    assert [record.task for record in caplog.records if record.action == "scheduled_malformed"] == ["bad"]


async def test_a_job_that_is_too_large_for_the_queue_is_logged_once_and_delays_no_other(parts, caplog):
    parts.jobs.limit_bytes = 100
    parts.add("large", after=1, owner="x" * 200)
    parts.add("small", after=1)
    parts.start()
    await parts.pass_time(2 * READ_ALL_SECONDS)
    assert list(parts.jobs.jobs) == ["small"]
    assert [record.task for record in caplog.records if record.action == "scheduled_malformed"] == ["large"]


async def test_what_was_removed_meanwhile_is_not_queued(parts):
    parts.add("t1", after=10)
    parts.start()
    await parts.pass_time(5)
    await parts.bucket.purge("t1", 1)
    await parts.pass_time(20)
    assert parts.jobs.jobs == {}


async def test_it_finds_what_is_stored_after_nats_has_lost_its_store(parts):
    for n in range(5):
        parts.add(f"t{n}", after=1e6)
    parts.start()
    await parts.pass_time(5)
    parts.bucket._entries.clear()
    parts.bucket._seq = 0
    parts.add("new", after=6)
    await parts.pass_time(5 + READ_ALL_SECONDS + LATE_SECONDS)
    assert list(parts.jobs.jobs) == ["new"]
