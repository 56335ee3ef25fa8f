"""Reading what is stored of a task, as frames. Equal reads that are under way at once are done once."""

from __future__ import annotations

import asyncio
import logging

from headway import codec
from headway.direct import Stored
from headway.errors import MalformedEventError
from headway.log import Log
from headway_streamer.metrics import Metrics
from headway_streamer.sse import Frame

PAGE_EVENTS = 256

logger = logging.getLogger(__name__)


class Page:
    """Some of a log, in order. `end` is the sequence reached, malformed events included; 0 when there was nothing."""

    __slots__ = ("end", "frames")

    def __init__(self, frames: list[Frame], end: int) -> None:
        self.frames = frames
        self.end = end


class History:
    """The stored past of all tasks."""

    def __init__(self, log: Log, metrics: Metrics) -> None:
        self.log = log
        self._incarnation = b"0"
        self._metrics = metrics
        self._reads: dict[tuple[str, int], asyncio.Task[list[Stored]]] = {}

    def frame(self, task: str, payload: bytes, seq: int) -> Frame | None:
        """The frame of one message, or None for one that is no event of this task: counted and set aside."""
        try:
            return Frame.of(codec.decode(payload, task), payload, seq, self._incarnation)
        except MalformedEventError as error:
            self._metrics.malformed()
            logger.warning(
                "a malformed event is set aside",
                extra={"action": "event_malformed", "task": task, "seq": seq, "error": str(error)[:200]},
            )
            return None

    @property
    def incarnation(self) -> str:
        """Of the stream that is read; part of every cursor."""
        return self._incarnation.decode()

    @incarnation.setter
    def incarnation(self, value: str) -> None:
        self._incarnation = value.encode()

    async def page(self, task: str, start: int) -> Page:
        """The events from sequence `start` on, as many as fit a page. Raises UnavailableError."""
        stored = await self._read(task, start)
        self._metrics.received(len(stored))
        frames = [frame for item in stored if (frame := self.frame(task, item.payload, item.seq)) is not None]
        return Page(frames, stored[-1].seq if stored else 0)

    async def last(self, task: str) -> Frame | None:
        """The last event, as the leader knows it. None when there is none, or none that is well-formed."""
        stored = await self.log.last(task)
        return None if stored is None else self.frame(task, stored.payload, stored.seq)

    async def progress(self, task: str, frame: Frame) -> Frame | None:
        """The last progress at or before `frame`."""
        if frame.snap in (0, frame.seq):
            return frame if frame.snap else None
        page = await self.page(task, frame.snap)
        return page.frames[0] if page.frames and page.frames[0].seq == frame.snap else None

    async def _read(self, task: str, start: int) -> list[Stored]:
        key = (task, start)
        read = self._reads.get(key)
        if read is None:
            read = asyncio.ensure_future(self.log.read(task, start, PAGE_EVENTS))
            self._reads[key] = read
            read.add_done_callback(lambda _: self._reads.pop(key, None))
        # Shielded: the one who asked first may go away while others wait for the same answer.
        return await asyncio.shield(read)
