"""A processor's parts on a log in memory."""

import msgspec
import pytest

from headway import codec
from headway.children.children import Stores
from headway.children.kinds import KnownKinds
from headway.children.waits import NoSlot
from headway.errors import UnavailableError
from headway.eventlog.chain import Chain, read_head
from headway.kind import Registry
from headway.records import JobMessage
from headway.submission import Submission
from headway.task import task
from headway.testing import MemoryBucket, MemoryCheckpoints, MemoryDeletions, MemoryJobQueue, MemoryLog
from headway_processor.admission import Admission
from headway_processor.context import RunContext
from headway_processor.jobs.run import JobRun
from headway_processor.metrics import Metrics
from headway_processor.processes.errors import ProcessStartError
from headway_processor.processes.pool import Pool
from headway_processor.settings import Settings


class Params(msgspec.Struct):
    """Parameters of a handler."""

    count: int


def noop(job):
    """A handler that does nothing."""
    return


def statuses(bench):
    """The statuses of the stored events; of other events the type."""
    return [getattr(event, "status", type(event).__name__) for event in bench.events]


async def append(bench, *events, attempt=0):
    """Append events to the log of the bench's task, as another writer would."""
    for event in events:
        await Chain(bench.log, "t1", await read_head(bench.log, "t1"), attempt=attempt).append(event)


class Delivery:
    """A delivered job that remembers how it was answered."""

    def __init__(self, payload, subject):
        self.payload = payload
        self.subject = subject
        self.key = "HW_JOBS.1"
        self.answers = []
        self.extended = 0

    @property
    def answered(self):
        return bool(self.answers)

    async def ack(self):
        self.answers.append("ack")

    async def nak(self, delay_seconds=0.0):
        self.answers.append(("nak", delay_seconds))

    async def term(self):
        self.answers.append("term")

    async def extend(self):
        self.extended += 1


class Unreachable:
    """Raises UnavailableError as often as `refusals` says."""

    def __init__(self):
        self.refusals = 0

    def _answer(self):
        if self.refusals:
            self.refusals -= 1
            raise UnavailableError("unreachable")


class MemoryDeadLetters(Unreachable):
    """Dead letters in a list."""

    def __init__(self):
        super().__init__()
        self.jobs = []

    async def add(self, kind, task, job, reason, key):
        self._answer()
        self.jobs.append((kind, task, job, reason))


class MemoryResults(Unreachable):
    """Results in a dict."""

    def __init__(self):
        super().__init__()
        self.by_task = {}

    async def put(self, task, result):
        self._answer()
        self.by_task[task] = result


class Counted(Metrics):
    """Metrics that remember."""

    def __init__(self):
        self.seen = []

    def started(self, kind):
        self.seen.append("started")

    def finished(self, kind, status, seconds):
        self.seen.append(status)

    def superseded(self, kind):
        self.seen.append("superseded")

    def malformed(self, kind):
        self.seen.append("malformed")

    def dead_lettered(self, kind, reason):
        self.seen.append(("dead_lettered", reason))

    def abandoned(self, kind, change):
        self.seen.append(("abandoned", change))


class Bench:
    """Runs jobs of one handler by hand."""

    def __init__(self):
        self.log = MemoryLog()
        self.dead_letters = MemoryDeadLetters()
        self.results = MemoryResults()
        self.checkpoints = MemoryCheckpoints()
        self.deletions = MemoryDeletions()
        self.metrics = Counted()
        self.processes = Pool(self._spawn, tasks=0, memory_bytes=0)
        self.jobs, self.kinds = MemoryJobQueue(), MemoryBucket()
        self.settings = Settings(ack_wait_seconds=3.0, interval_seconds=0.01, retry_delay_seconds=1.0)

    async def _spawn(self):
        raise ProcessStartError("this bench has no processes")

    def job(self, handler, params=b"{}", *, payload=None, subject="hw.job.k.t1", admission=None, **options):
        registry = Registry()
        task("k", registry=registry, **({"retry_jitter": 0.0} | options))(handler)
        payload = (
            codec.encode_json(JobMessage(task="t1", kind="k", params=codec.raw(params))) if payload is None else payload
        )
        return JobRun(self.context(admission), registry.get("k"), Delivery(payload, subject), NoSlot())

    def context(self, admission=None):
        """What runs share."""
        submission = Submission(MemoryBucket(), self.jobs, self.log)
        children = Stores(self.log, submission, KnownKinds(self.kinds), self.results)
        stores = (self.log, self.dead_letters, self.results, self.checkpoints, self.deletions)
        return RunContext(
            *stores, self.processes, self.settings, self.metrics, children, admission=admission or Admission()
        )

    async def run(self, handler, params=b"{}", **options):
        """Run a job to its end; how it was answered."""
        run = self.job(handler, params, **options)
        await run.run()
        return run.delivery.answers

    @property
    def events(self):
        return self.log.events("t1")

    @property
    def last(self):
        return self.events[-1]


@pytest.fixture
def bench():
    return Bench()
