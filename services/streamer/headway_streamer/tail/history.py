"""Stored events of tasks, as frames. Equal reads that are under way at the same time are made once."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from headway.eventlog.log import Log
from headway.jetstream.stored import Stored
from headway_streamer.frames.frame import Frame
from headway_streamer.metrics import Metrics
from headway_streamer.tail.frame_decoder import FrameDecoder

PAGE_EVENTS = 256


class EventPage(NamedTuple):
    """A part of a log, in order."""

    frames: tuple[Frame, ...]
    end: int
    """The sequence reached, malformed events included; 0 when there was nothing."""


class History:
    """Reads the logs of all tasks."""

    def __init__(self, log: Log, decoder: FrameDecoder, metrics: Metrics) -> None:
        self._log = log
        self._decoder = decoder
        self._metrics = metrics
        self._reads: dict[tuple[str, int], asyncio.Task[EventPage]] = {}

    async def page(self, task: str, start: int) -> EventPage:
        """The events from sequence `start` on, as many as fit a page. Raises UnavailableError."""
        key = (task, start)
        read = self._reads.get(key)
        if read is None:
            read = asyncio.ensure_future(self._read(task, start))
            self._reads[key] = read
            read.add_done_callback(lambda _: self._reads.pop(key, None))
        # Shielded: the first caller may be cancelled while others wait for the same answer.
        return await asyncio.shield(read)

    async def last(self, task: str) -> Frame | None:
        """The last event that can be decoded, as the stream leader knows it; None if there is none.

        Raises UnavailableError.
        """
        stored = await self._log.last(task)
        return None if stored is None else await self.readable(stored)

    async def readable(self, stored: Stored) -> Frame | None:
        """The frame of `stored`, the last event of a task, or of the last one before it that can be decoded."""
        frame = self._decoder.frame(stored.task, stored.payload, stored.seq)
        if frame is not None:
            return frame
        page = await self.page(stored.task, 1)
        while page.end:
            frame = page.frames[-1] if page.frames else frame
            page = await self.page(stored.task, page.end + 1)
        return frame

    async def progress(self, task: str, frame: Frame) -> Frame | None:
        """The last progress at or before `frame`. Raises UnavailableError."""
        if frame.snap in (0, frame.seq):
            return frame if frame.snap else None
        page = await self.page(task, frame.snap)
        return page.frames[0] if page.frames and page.frames[0].seq == frame.snap else None

    async def _read(self, task: str, start: int) -> EventPage:
        stored = await self._log.read(task, start, PAGE_EVENTS)
        self._metrics.received(len(stored))
        frames = (self._decoder.frame(task, item.payload, item.seq) for item in stored)
        return EventPage(tuple(frame for frame in frames if frame is not None), stored[-1].seq if stored else 0)
