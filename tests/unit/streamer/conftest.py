"""A streamer's parts on a log in memory, with virtual time."""

import asyncio
import json
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from headway import codec
from headway.eventlog.chain import Chain, read_head
from headway.records import DeadJob, JobMessage, KindRecord, ProcessorRecord, TaskRecord
from headway.testing import (
    MemoryBucket,
    MemoryDeadLetterStream,
    MemoryDeletions,
    MemoryFiles,
    MemoryJobQueue,
    MemoryLog,
    MemoryResults,
    progress,
)
from headway_streamer.files.files import UserFiles
from headway_streamer.files.index import FileIndex
from headway_streamer.files.uploads import Uploads
from headway_streamer.files.use import FileUse
from headway_streamer.frames.cursor import START
from headway_streamer.limits.limits import Limits
from headway_streamer.metrics import Metrics
from headway_streamer.reports.leases import ReportLeases
from headway_streamer.reports.reports import Reports
from headway_streamer.settings import Settings
from headway_streamer.tail.frame_decoder import FrameDecoder
from headway_streamer.tail.history import History
from headway_streamer.tail.registry import TailRegistry
from headway_streamer.tasks.capacity import StoreCapacity
from headway_streamer.tasks.dead_letters import LetterBox
from headway_streamer.tasks.kinds import KindCatalogue
from headway_streamer.tasks.listing import Listing
from headway_streamer.tasks.presence import Presence
from headway_streamer.tasks.store import TaskStore
from headway_streamer.tasks.task_ids import TaskIds
from headway_streamer.tasks.task_index import TaskIndex
from headway_streamer.tasks.task_states import TaskStates
from headway_streamer.watch.admission import Admission, StreamRequest
from headway_streamer.watch.drain import Drain
from headway_streamer.watch.idle_timer import IdleTimer
from headway_streamer.watch.log_reader import LogReader
from headway_streamer.watch.open_streams import OpenStreams
from headway_streamer.watch.watcher import Watcher


@dataclass
class Sent:
    """One SSE block as a client sees it."""

    event: str = "message"
    id: str = ""
    data: dict = field(default_factory=dict)
    retry: int | None = None


def parse(raw: bytes) -> list[Sent]:
    """Blocks of well-formed SSE; comments become an event named `comment`."""
    found = []
    for block in raw.decode().replace(":\n", "event: comment\n\n", 1 if raw == b":\n" else 0).split("\n\n"):
        if not block:
            continue
        sent = Sent()
        for line in block.split("\n"):
            name, _, value = line.partition(": ")
            if name == "data":
                sent.data = json.loads(value)
            elif name == "retry":
                sent.retry = int(value)
            else:
                setattr(sent, name, value)
        found.append(sent)
    return found


RETENTION_SECONDS = 7 * 24 * 3600.0


class Meter:
    """A meter of the store, whose findings a test sets."""

    def __init__(self):
        self.connected = True
        self.found = []
        self.measured = 0

    async def measure(self):
        self.measured += 1
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


async def at_once(function, *args, **kwargs):
    """In place of the thread of an index: virtual time would run on beside it."""
    return function(*args, **kwargs)


class StreamerParts:
    """The parts of one streamer, on stores in memory."""

    def __init__(self, log, *, decoder=None, **settings):
        self.log = log
        self.probe = None
        self.settings = Settings(name="s1", **settings)
        self.metrics = Metrics()
        self.decoder = decoder or FrameDecoder(self.metrics)
        if decoder is None:
            self.decoder.incarnation = "inc"
        self.history = History(log, self.decoder, self.metrics)
        self.tails = TailRegistry(
            log, self.history, self.decoder, self.metrics, ring_bytes=self.settings.ring_bytes, probe_seconds=10
        )
        self.drain = Drain(self.settings.drain_seconds)
        self.records, self.jobs, self.results = MemoryBucket(), MemoryJobQueue(), MemoryResults()
        self.deletions, self.dead = MemoryDeletions(), MemoryDeadLetterStream()
        self.letter_box = LetterBox(self.dead)
        self.files = MemoryFiles()
        self.file_index = FileIndex(self.files, lambda: self.decoder.incarnation)
        self.kind_bucket, self.leases = MemoryBucket(), MemoryBucket()
        self.meter = Meter()
        self.limits = Limits(self.settings, self.metrics, clock=lambda: asyncio.get_running_loop().time())
        self.capacity = StoreCapacity(self.meter, self.metrics, max_share=self.settings.max_store_share)
        malformed = self.decoder.malformed
        self.secrets, self.holders, self.scheduled = MemoryBucket(), MemoryBucket(), MemoryBucket()
        self.task_ids = TaskIds(self.secrets, self.records, lambda: self.decoder.incarnation)
        self.task_store = TaskStore(
            self.records,
            self.task_ids,
            self.jobs,
            self.deletions,
            log,
            self.capacity,
            self.limits.stored,
            malformed,
            self.holders,
            self.scheduled,
        )
        self.uploads = Uploads(
            self.settings,
            self.files,
            self.file_index,
            self.task_store,
            self.capacity,
            self.limits,
            retention_seconds=RETENTION_SECONDS,
        )
        self.user_files = UserFiles(self.files, self.file_index, self.uploads)
        self.file_use = FileUse(
            self.files, file_seconds=self.settings.file_seconds, retention_seconds=RETENTION_SECONDS
        )
        self.report_leases = MemoryBucket()
        self.reports = Reports(log, self.task_store, ReportLeases(self.report_leases), self.metrics)
        self.kinds = KindCatalogue(self.kind_bucket, self.leases, malformed)
        self.index = TaskIndex(self.records, malformed, lambda: self.decoder.incarnation, run=at_once)
        self.task_states = TaskStates(self.index, log, self.history)
        self.listing = Listing(self.index, self.task_states, log, self.history, self.decoder)
        self.presence = Presence(log)
        self.idle_timer = IdleTimer(self.metrics, write_deadline_seconds=self.settings.write_deadline_seconds)
        self.revoked = lambda mark: False
        self.open_streams = OpenStreams(lambda mark: self.revoked(mark))
        self.admission = Admission(
            self.settings,
            self.tails,
            self.history,
            self.decoder,
            self.task_store,
            self.drain,
            self.metrics,
            self.open_streams,
            self.limits,
        )

    async def read(self, *tasks, cursor="", blocks=None, **options):
        """What a client with that Last-Event-ID is sent, until the stream ends or it has so many blocks."""
        session = await self.admission.open(StreamRequest(tuple(sorted(tasks)), cursor, **options))
        if session is None:
            return []
        found = []
        try:
            async with aclosing(session.watcher.stream()) as pieces:
                async for piece in pieces:
                    found += parse(piece)
                    if blocks is not None and len(found) >= blocks:
                        break
        finally:
            session.close()
        return found[:blocks]

    async def watch(self, *tasks, at=START, merging=True, mismatch="", **options):
        """A watcher and the queue that its blocks arrive in; ends with None."""
        if self.probe is None:  # here, not in a fixture: only the test itself runs in virtual time
            self.probe = asyncio.ensure_future(self.tails.probe.run())
        tails = [await self.tails.join(task) for task in sorted(tasks)]
        places = at if isinstance(at, list) else [at] * len(tails)
        readers = [
            LogReader(t, self.history, p, merging=merging, mismatch=mismatch)
            for t, p in zip(tails, places, strict=True)
        ]
        options["incarnation"] = lambda: self.decoder.incarnation
        watcher = Watcher(readers, self.settings, self.drain, self.metrics, **options)
        return Watched(watcher, asyncio.ensure_future(self._pump(watcher, tails, inbox := asyncio.Queue())), inbox)

    async def _pump(self, watcher, tails, inbox):
        try:
            async with aclosing(watcher.stream()) as pieces:
                async for piece in pieces:
                    for sent in parse(piece):
                        inbox.put_nowait(sent)
        finally:
            for tail in tails:
                self.tails.leave(tail)
            inbox.put_nowait(None)

    async def add_task(self, task="t1", kind="k", **fields):
        """Store the record of a task."""
        record = TaskRecord(task=task, kind=kind, **{"created": 1.0, **fields})
        self.records.set(task, codec.encode_json(record))
        return record

    def bury(self, task="t1", kind="k", reason="Lost: given up", *, job=None, params=b'{"a":1}', **fields):
        """Store a dead letter, of a message that is not a job if `job` is given; its id."""
        if job is None:
            message = JobMessage(task=task, kind=kind, params=codec.raw(params), submitted=1.0, **fields)
            job = codec.encode_json(message)
        dead = codec.encode_json(DeadJob(job=codec.raw(job), reason=reason, at=5.0))
        return str(self.dead.add(f"hw.dead.{kind}.{task}", dead))

    def offer(self, kind="k", *, processors=1, params=None, **about):
        """Store a kind, and leases of processors that offer it."""
        record = KindRecord(kind=kind, params=params or {"type": "object"}, **about)
        self.kind_bucket.set(kind, codec.encode_json(record))
        for n in range(processors):
            self.leases.set(f"p{n}", codec.encode_json(ProcessorRecord(kinds=[kind])))

    async def write(self, task, *events, attempt=1):
        """Append events as a processor would; returns the head."""
        chain = Chain(self.log, task, await read_head(self.log, task), attempt=attempt)
        for event in events:
            await chain.append(event)
        return chain.head

    def counted(self, name, **labels):
        """The value of a metric."""
        return self.metrics.registry.get_sample_value(f"headway_{name}", labels) or 0


@dataclass
class Watched:
    """A watcher under test."""

    watcher: Watcher
    pump: asyncio.Task
    inbox: asyncio.Queue

    async def next(self):
        """The next block, None at the end of the stream."""
        return await self.inbox.get()

    async def until(self, done):
        """All blocks up to the first for which `done` holds, or to the end."""
        found = []
        while (sent := await self.next()) is not None:
            found.append(sent)
            if done(sent):
                return found
        await self.pump  # raises what went wrong
        return found

    async def all(self):
        """All blocks to the end of the stream."""
        return await self.until(lambda _: False)

    async def close(self):
        """The client goes away."""
        self.pump.cancel()
        await asyncio.wait([self.pump])


@asynccontextmanager
async def parts_on(log, **settings):
    parts = StreamerParts(log, **settings)
    try:
        yield parts
    finally:
        if parts.probe is not None:
            parts.probe.cancel()
        await parts.tails.close()


@pytest.fixture
def log():
    return MemoryLog()


@pytest.fixture
async def parts(log):
    async with parts_on(log) as made:
        yield made


def ticks(first, last, **fields):
    """Progress events first..last, all alike but for their percent."""
    return [progress("processing", float(n), **fields) for n in range(first, last + 1)]


def completed(data=None):
    return progress("completed", 100.0, data=data)
