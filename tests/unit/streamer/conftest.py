"""A streamer's parts on a log in memory, with virtual time."""

import asyncio
import json
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from headway.eventlog.chain import Chain, read_head
from headway.testing import MemoryLog, progress
from headway_streamer.frames.cursor import START
from headway_streamer.metrics import Metrics
from headway_streamer.settings import Settings
from headway_streamer.tail.frame_decoder import FrameDecoder
from headway_streamer.tail.history import History
from headway_streamer.tail.registry import TailRegistry
from headway_streamer.watch.admission import Admission, StreamRequest
from headway_streamer.watch.drain import Drain
from headway_streamer.watch.log_reader import LogReader
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


class Rig:
    """One streamer's innards."""

    def __init__(self, log, *, decoder=None, **settings):
        self.log = log
        self.probe = None
        self.settings = Settings(name="s1", **settings)
        self.metrics = Metrics()
        self.decoder = decoder or FrameDecoder(self.metrics)
        if decoder is None:
            self.decoder.incarnation = "inc"
        self.history = History(log, self.decoder, self.metrics)
        self.live = TailRegistry(
            log, self.history, self.decoder, self.metrics, ring_bytes=self.settings.ring_bytes, probe_seconds=10
        )
        self.drain = Drain(self.settings.drain_seconds)
        self.streams = Admission(self.settings, self.live, self.history, self.decoder, None, self.drain, self.metrics)

    async def read(self, *tasks, cursor="", blocks=None, **wish):
        """What a client with that Last-Event-ID is sent, until the stream ends or it has so many blocks."""
        session = await self.streams.open(StreamRequest(tuple(sorted(tasks)), cursor, **wish))
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
            self.probe = asyncio.ensure_future(self.live.probe.run())
        tails = [await self.live.join(task) for task in sorted(tasks)]
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
                self.live.leave(tail)
            inbox.put_nowait(None)

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
async def rig_on(log, **settings):
    rig = Rig(log, **settings)
    try:
        yield rig
    finally:
        if rig.probe is not None:
            rig.probe.cancel()
        await rig.live.close()


@pytest.fixture
def log():
    return MemoryLog()


@pytest.fixture
async def rig(log):
    async with rig_on(log) as made:
        yield made


def ticks(first, last, **fields):
    """Progress events first..last, all alike but for their percent."""
    return [progress("processing", float(n), **fields) for n in range(first, last + 1)]


def completed(data=None):
    return progress("completed", 100.0, data=data)
