"""Opening streams: from what a request asks for to a watcher's bytes."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from headway.errors import UnavailableError
from headway_streamer.frames import sse
from headway_streamer.frames.cursor import LATEST, START, Cursor, MalformedCursorError, Position, decode
from headway_streamer.frames.dialect import NATIVE, Dialect
from headway_streamer.frames.frame import Frame
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
from headway_streamer.watch.session import Session
from headway_streamer.watch.watcher import Watcher


class StreamRequest(NamedTuple):
    """What a client asks of a stream."""

    tasks: tuple[str, ...]
    """Sorted, each once."""
    cursor: str = ""
    latest: bool = False
    merging: bool = True
    dialect: Dialect = NATIVE
    named: bool = False
    user: str = ""
    """Who asks, if that is known."""
    head: bool = False
    """Whether only the headers are wanted: nothing is joined."""


class Admission:
    """Opens watchers."""

    def __init__(
        self,
        settings: Settings,
        live: TailRegistry,
        history: History,
        decoder: FrameDecoder,
        intake: TaskStore,
        drain: Drain,
        metrics: Metrics,
    ) -> None:
        self.settings = settings
        self._live = live
        self._history = history
        self._decoder = decoder
        self._intake = intake
        self._drain = drain
        self._metrics = metrics
        self.count = 0
        """Admission that are open."""
        self._users: Counter[str] = Counter()

    async def open(self, wish: StreamRequest) -> Session | None:
        """An open stream, to be closed; None when all of it was sent before. A Problem when a task does not exist."""
        if self._drain.draining:
            return turned_away("drain")
        if self._full(wish.user):
            return turned_away("overload")
        if wish.head:
            return await self._describe(wish)
        try:
            tails = await self._join(wish.tasks)
        except UnavailableError:
            return turned_away("unavailable")
        readers = self._readers(tails, wish)
        if wish.cursor and all(reader.complete for reader in readers):
            self._leave(tails)
            return None
        return self._session(readers, tails, wish)

    async def _describe(self, wish: StreamRequest) -> Session | None:
        """What `open` would return, without a watcher."""
        try:
            lasts = [await self._last(task) for task in wish.tasks]
        except UnavailableError:
            return turned_away("unavailable")
        positions, doubt = self._positions(wish)
        if not wish.cursor or doubt:
            return Session(None)
        ends = [last.position if last is not None and last.terminal else None for last in lasts]
        return None if ends == positions else Session(None)

    async def _last(self, task: str) -> Frame | None:
        last = await self._history.last(task)
        if last is None and await self._intake.record(task) is None:
            raise not_found()
        return last

    def _session(self, readers: list[LogReader], tails: list[Tail], wish: StreamRequest) -> Session:
        watcher = Watcher(
            readers,
            self.settings,
            self._drain,
            self._metrics,
            incarnation=lambda: self._decoder.incarnation,
            named=wish.named,
            dialect=wish.dialect,
        )
        self.count += 1
        if wish.user:
            self._users[wish.user] += 1
        self._metrics.watcher_opened()
        session = Session(watcher)
        session.on_close(lambda reason: self._closed(tails, wish.user, reason))
        return session

    def _full(self, user: str) -> bool:
        if self.count >= self.settings.max_watchers:
            return True
        return bool(user) and self._users[user] >= self.settings.max_watchers_per_user

    def _closed(self, tails: list[Tail], user: str, reason: str) -> None:
        self.count -= 1
        if user:
            self._users[user] -= 1
            if not self._users[user]:
                del self._users[user]
        self._metrics.watcher_closed(reason)
        self._leave(tails)

    async def _join(self, tasks: tuple[str, ...]) -> list[Tail]:
        tails: list[Tail] = []
        try:
            for task in tasks:
                tail = await self._live.join(task)
                tails.append(tail)
                await self._check_exists(tail)
        except BaseException:
            self._leave(tails)
            raise
        return tails

    async def _check_exists(self, tail: Tail) -> None:
        if not tail.last_n and await self._intake.record(tail.task) is None:
            raise not_found()

    def _leave(self, tails: list[Tail]) -> None:
        for tail in tails:
            self._live.leave(tail)

    def _readers(self, tails: list[Tail], wish: StreamRequest) -> list[LogReader]:
        positions, mismatch = self._positions(wish)
        return [
            LogReader(tail, self._history, position, mismatch=mismatch, merging=wish.merging)
            for tail, position in zip(tails, positions, strict=True)
        ]

    def _positions(self, wish: StreamRequest) -> tuple[list[Position], str]:
        start = [LATEST if wish.latest else START] * len(wish.tasks)
        if not wish.cursor:
            return start, ""
        cursor = parse(wish.cursor)
        if cursor is None or len(cursor.positions) != len(wish.tasks):
            return start, "cursor"
        if cursor.incarnation != self._decoder.incarnation:
            return start, "incarnation"
        return list(cursor.positions), ""


def turned_away(reason: str) -> Session:
    """A stream that says goodbye at once: a native EventSource would never return after an error status."""
    return Session(None, farewell=sse.control("goodbye", {"reason": reason}, retry_ms=3 * retry_ms()))


def parse(text: str) -> Cursor | None:
    """The cursor in `text`, or None for anything else: the stream then begins with a reset."""
    try:
        return decode(text)
    except MalformedCursorError:
        return None
