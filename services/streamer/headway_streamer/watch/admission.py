"""Admission of streams: limits, the existence of the tasks, and the position of each."""

from __future__ import annotations

from typing import NamedTuple

from headway.errors import UnavailableError
from headway.ownership import UNKNOWN
from headway_streamer.access.principal import EVERYBODY, Principal
from headway_streamer.access.revocations import mark_of
from headway_streamer.api.models import Goodbye
from headway_streamer.frames import sse
from headway_streamer.frames.cursor import LATEST, START, Cursor, MalformedCursorError, Position, decode
from headway_streamer.frames.dialect import NATIVE, Dialect
from headway_streamer.frames.frame import Frame
from headway_streamer.limits.caller import NOBODY, Caller
from headway_streamer.limits.limits import Limits
from headway_streamer.metrics import Metrics
from headway_streamer.problems import not_found
from headway_streamer.settings import Settings
from headway_streamer.tail.frame_decoder import FrameDecoder
from headway_streamer.tail.history import History
from headway_streamer.tail.registry import TailRegistry
from headway_streamer.tail.tail import Tail
from headway_streamer.tasks.store import TaskStore
from headway_streamer.watch.drain import Drain, retry_ms
from headway_streamer.watch.log_reader import LogReader
from headway_streamer.watch.open_streams import OpenStreams
from headway_streamer.watch.session import Session
from headway_streamer.watch.watcher import Watcher


class StreamRequest(NamedTuple):
    """A client's request for a stream."""

    tasks: tuple[str, ...]
    """Sorted, each once."""
    cursor: str = ""
    latest: bool = False
    merging: bool = True
    dialect: Dialect = NATIVE
    named: bool = False
    caller: Caller = NOBODY
    """Whom it counts against."""
    principal: Principal = EVERYBODY
    """Who asks."""
    head: bool = False
    """Whether only the headers are wanted: no tail is joined."""


class Admission:
    """Opens streams, within the limits of the settings."""

    def __init__(
        self,
        settings: Settings,
        tails: TailRegistry,
        history: History,
        decoder: FrameDecoder,
        task_store: TaskStore,
        drain: Drain,
        metrics: Metrics,
        open_streams: OpenStreams,
        limits: Limits,
    ) -> None:
        self.settings = settings
        self._tails = tails
        self._history = history
        self._decoder = decoder
        self._task_store = task_store
        self._drain = drain
        self._metrics = metrics
        self._open_streams = open_streams
        self._limits = limits
        self.count = 0
        """Streams that are open or being opened."""

    async def open(self, wanted: StreamRequest) -> Session | None:
        """Open a stream, to be closed. None if the client has all of it. Raises a Problem for an unknown task."""
        if self._drain.draining:
            return rejection("drain")
        if self.count >= self.settings.max_watchers:
            return rejection("overload")
        if self._limits.full(wanted.caller):
            return rejection("limit")
        self._enter(wanted.caller)  # before anything is awaited: others may ask meanwhile
        session = None
        try:
            session = await self._open(wanted)
        except UnavailableError:
            return rejection("unavailable")
        finally:
            if session is None or session.watcher is None:
                self._leave_place(wanted.caller)
        return session

    async def _open(self, wanted: StreamRequest) -> Session | None:
        if wanted.head:
            return await self._describe(wanted)
        tails = await self._join(wanted.tasks, wanted.principal)
        readers = self._readers(tails, wanted)
        if wanted.cursor and all(reader.complete for reader in readers):
            self._leave(tails)
            return None
        return self._session(readers, tails, wanted)

    def _enter(self, caller: Caller) -> None:
        self.count += 1
        self._limits.enter(caller)

    def _leave_place(self, caller: Caller) -> None:
        self.count -= 1
        self._limits.leave(caller)

    async def _describe(self, wanted: StreamRequest) -> Session | None:
        """What `open` would return, but without a watcher."""
        lasts = [await self._last(task, wanted.principal) for task in wanted.tasks]
        positions, mismatch = self._positions(wanted)
        if not wanted.cursor or mismatch:
            return Session(None)
        ends = [last.position if last is not None and last.terminal else None for last in lasts]
        return None if ends == positions else Session(None)

    async def _last(self, task: str, principal: Principal) -> Frame | None:
        last = await self._history.last(task)
        if last is None or principal is not EVERYBODY:
            await self._check_record(task, principal)
        if last is not None and last.deleted:
            raise not_found()
        return last

    async def _check_tail(self, tail: Tail, principal: Principal) -> None:
        if not _visible(tail, principal):
            await self._check_record(tail.task, principal)
        if tail.deleted:
            raise not_found()

    async def _check_record(self, task: str, principal: Principal) -> None:
        """Raise the same Problem for a task that does not exist and one that may not be seen."""
        record = await self._task_store.record(task)
        if record is None or not principal.sees(record):
            raise not_found()

    def _session(self, readers: list[LogReader], tails: list[Tail], wanted: StreamRequest) -> Session:
        watcher = Watcher(
            readers,
            self.settings,
            self._drain,
            self._metrics,
            incarnation=lambda: self._decoder.incarnation,
            named=wanted.named,
            dialect=wanted.dialect,
            expires=wanted.principal.expires,
        )
        self._metrics.watcher_opened()
        # Nothing of the request is kept but what counts: there are tens of thousands.
        caller = wanted.caller
        session = Session(watcher)
        session.on_close(lambda reason: self._closed(session, tails, caller, reason))
        if wanted.principal is not EVERYBODY:
            self._open_streams.add(session, mark_of(wanted.principal))
        return session

    def _closed(self, session: Session, tails: list[Tail], caller: Caller, reason: str) -> None:
        self._leave_place(caller)
        self._open_streams.remove(session)
        self._metrics.watcher_closed(reason)
        self._leave(tails)

    async def _join(self, tasks: tuple[str, ...], principal: Principal) -> list[Tail]:
        tails: list[Tail] = []
        try:
            for task in tasks:
                if (tail := self._tails.find(task)) is not None and not _visible(tail, principal):
                    # A task of somebody else takes as long as one that does not exist, whose log `join` reads.
                    await self._history.last(task)
                tail = await self._tails.join(task)
                tails.append(tail)
                await self._check_tail(tail, principal)
        except BaseException:
            self._leave(tails)
            raise
        return tails

    def _leave(self, tails: list[Tail]) -> None:
        for tail in tails:
            self._tails.leave(tail)

    def _readers(self, tails: list[Tail], wanted: StreamRequest) -> list[LogReader]:
        positions, mismatch = self._positions(wanted)
        return [
            LogReader(tail, self._history, position, mismatch=mismatch, merging=wanted.merging)
            for tail, position in zip(tails, positions, strict=True)
        ]

    def _positions(self, wanted: StreamRequest) -> tuple[list[Position], str]:
        start = [LATEST if wanted.latest else START] * len(wanted.tasks)
        if not wanted.cursor:
            return start, ""
        cursor = parse_cursor(wanted.cursor)
        if cursor is None or len(cursor.positions) != len(wanted.tasks):
            return start, "cursor"
        if cursor.incarnation != self._decoder.incarnation:
            return start, "incarnation"
        return list(cursor.positions), ""


def _visible(tail: Tail, principal: Principal) -> bool:
    """Whether the events themselves prove that the task exists and may be seen; otherwise its record is read."""
    if principal is EVERYBODY:
        return bool(tail.ring.last_n)
    return tail.ownership != UNKNOWN and principal.sees_task(tail.task, tail.ownership)


def rejection(reason: str, seconds: float = 0.0) -> Session:
    """A stream that ends at once with `goodbye`: a native EventSource would not reconnect after an error status.

    Clients come back after `seconds` and a random time that spreads them.
    """
    return Session(None, farewell=sse.control(Goodbye(reason), retry_ms=3 * retry_ms() + round(seconds * 1000)))


def parse_cursor(text: str) -> Cursor | None:
    """The cursor in `text`; None for anything else: the stream then begins with a reset."""
    try:
        return decode(text)
    except MalformedCursorError:
        return None
