"""Nested counts: what `track`, `update` and `advance` have counted, and the overall share of it.

A `Level` is a place where things are counted: a step of the task, or one row of a `Track`. On it stand the count that
`update` and `advance` report, and the tracks that run there. What runs within a row is a share of that row:

    (rows done + share of the current row) / rows

so an inner track moves the outer one within its slice and never changes its total.
"""

from __future__ import annotations

import math
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from headway.progress.estimate import Estimate

if TYPE_CHECKING:
    from headway.progress.parts import Parts

ROUNDING = 1e-9
"""Relative. Sums of fractions, ten times 0.1, end a little above their total."""


class CountView(NamedTuple):
    """The current state of a count."""

    done: float
    total: float | None
    unit: str
    label: str
    ahead: float
    """`done` and the share of the current row."""
    owner: Level | Batch | Parts
    """The owner of the count: rates of different owners are not comparable."""
    share: float
    """Of `total`, 0 to 1; 0 when it is unknown."""
    sub: CountView | None
    """The count within the current row."""

    @property
    def untouched(self) -> bool:
        """Whether no row of a loop has been done yet."""
        return isinstance(self.owner, Batch) and self.ahead == 0.0 and self.sub is None


class Level:
    """A scope of counting. `step` and each row of a track begin one."""

    __slots__ = ("batch", "batch_row", "counted", "done", "estimate", "parts", "resumed", "shared", "total", "unit")

    def __init__(self, total: float | None = None, unit: str = "") -> None:
        self.done = 0.0
        self.total = total
        self.unit = unit
        self.counted = False
        """Whether `done` is what `update` and `advance` have counted here."""
        self.estimate: Estimate | None = None
        self.batch: Batch | None = None
        """The tracks that run here, or ran last."""
        self.batch_row = 0.0
        """`done` when they began."""
        self.shared: Track | None = None
        """The track that counts on this level's own count."""
        self.parts: Parts | None = None
        """The tasks that were submitted in this step. They are shown where nothing else is counted."""
        self.resumed: float | None = None
        """`done` when an earlier attempt has counted it."""

    def running(self) -> bool:
        """Whether a loop is still being iterated here."""
        return (self.batch is not None and self.batch.running()) or (self.shared is not None and self.shared.open)

    @property
    def inherited(self) -> bool:
        """Whether the count is that of an earlier attempt, and nothing was counted since."""
        return self.counted and self.done == self.resumed

    def begin(self, track: Track, now: float) -> None:
        """`track` runs here from now on: on this level's count, within it, or in its place."""
        if self._left_for(track):
            self._share(track, now)
            return
        if self.inherited or (self.counted and (self.total is None or self.done >= self.total)):
            self.counted = False  # that count is complete, or of an earlier attempt: the track begins another
        if self.batch is None or not self.batch.running() or (self.counted and self.batch_row != self.done):
            self.batch, self.batch_row = Batch(now, track.done), self.done
        self.batch.add(track)

    def _left_for(self, track: Track) -> bool:
        """Whether `track` continues the count here: it has no own total, or its rows are exactly what is left."""
        if self.total is None or track.total is None:
            return self.total is not None
        return self.counted and track.total - track.initial == self.total - self.done

    def _share(self, track: Track, now: float) -> None:
        track.counter, self.shared = self, track
        self.done = max(self.done, track.initial)
        if not self.counted:
            self.counted, self.estimate = True, Estimate(now, self.done)

    def view(self) -> CountView | None:
        """The count to be shown; None when nothing is counted."""
        if not self.counted:
            shown = self.parts if self.batch is None else self.batch
            return None if shown is None else shown.view()
        sub = self._inner()
        return _view(self, self.done, self.total, self.unit, "", sub, sub.share if sub else 0.0)

    def _inner(self) -> CountView | None:
        if self.shared is not None and self.shared.open:
            return self.shared.inner()
        return self.batch.view() if self.batch is not None and self.batch_row == self.done else None


class Track:
    """A loop that runs. The loop itself raises `counter.done`, without a lock."""

    __slots__ = (
        "counter",
        "done",
        "foreign",
        "initial",
        "label",
        "level",
        "level_row",
        "outer",
        "root",
        "total",
        "unit",
    )

    def __init__(self, root: Level, outer: Track | None, *, total: float | None, initial: float) -> None:
        self.root: Level | None = root
        """The level of the task; None when the loop has ended."""
        self.outer = outer
        self.done = self.initial = initial
        self.total = total
        self.unit = self.label = ""
        self.foreign = False
        """Whether it began in a thread without the context of the task."""
        self.counter: Level | Track = self
        self.level = Level()
        self.level_row = math.nan
        """The row that `level` belongs to."""

    @property
    def open(self) -> bool:
        """Whether the loop is being iterated."""
        return self.root is not None

    @property
    def misplaced(self) -> bool:
        """Whether the loop belongs to an outer one that has ended, or to a row of it that is done."""
        outer = self.outer
        return outer is not None and (outer.root is None or outer.level_row != outer.counter.done)

    def here(self) -> Level:
        """The level within the current row."""
        row = self.counter.done
        if self.level_row != row:
            self.level, self.level_row = Level(), row
        return self.level

    def inner(self) -> CountView | None:
        """The count within the current row."""
        return self.level.view() if self.level_row == self.counter.done else None

    def view(self, owner: Batch) -> CountView:
        """The count of this track alone."""
        sub = self.inner()
        return _view(owner, self.done, self.total, self.unit, self.label, sub, sub.share if sub else 0.0)


class Batch:
    """Concurrent tracks, as in `asyncio.gather`, which count together. One track is a batch of one."""

    __slots__ = ("closed_done", "closed_total", "closed_units", "estimate", "tracks")

    def __init__(self, now: float, initial: float) -> None:
        self.tracks: list[Track] = []
        self.closed_done = 0.0
        self.closed_total: float | None = 0.0
        self.closed_units: set[str] = set()
        self.estimate = Estimate(now, initial)

    def running(self) -> bool:
        """Whether one of the tracks is still being iterated."""
        return any(track.open for track in self.tracks)

    def add(self, track: Track) -> None:
        """Add a track. Those that have ended are kept as a sum, so that a batch stays small."""
        for closed in [one for one in self.tracks if not one.open]:
            self.tracks.remove(closed)
            self.closed_done += closed.done
            self.closed_total = _plus(self.closed_total, closed.total)
            self.closed_units.add(closed.unit)
        if self.tracks:
            self.estimate.skip(track.done)
        self.tracks.append(track)

    def view(self) -> CountView:
        """All of them as one count; the unit is left out where they differ."""
        tracks = list(self.tracks)
        views = [track.view(self) for track in tracks]
        if len(views) == 1 and not self.closed_units:
            return views[0]
        total = self.closed_total
        for track in tracks:
            total = _plus(total, track.total)
        units = self.closed_units | {track.unit for track in tracks}
        done = self.closed_done + sum(view.done for view in views)
        within = sum(view.ahead - view.done for view in views)
        sub = next((view.sub for track, view in zip(tracks, views, strict=True) if track.open and view.sub), None)
        return _view(self, done, total, units.pop() if len(units) == 1 else "", "", sub, within)


innermost_track: ContextVar[Track | None] = ContextVar("headway_track", default=None)
"""The loop that runs in this context. It may have ended: a generator is closed where it is garbage collected."""


def innermost(root: Level) -> Track | None:
    """The innermost track of `root` that is being iterated in this context."""
    track = innermost_track.get()
    while track is not None and track.root is not root:
        track = track.outer
    return track


def only(root: Level) -> Track | None:
    """The innermost track of `root` in any context, if there is only one at each level."""
    found: Track | None = None
    level = root
    while True:
        tracks = [] if level.batch is None else [one for one in level.batch.tracks if one.open and not one.foreign]
        if level.shared is not None and level.shared.open:
            tracks.append(level.shared)
        if len(tracks) != 1:
            return found
        found = tracks[0]
        if found.level_row != found.counter.done:
            return found
        level = found.level


def enter(track: Track) -> None:
    """Run what this context begins from now on within `track`."""
    innermost_track.set(track)


def leave(track: Track) -> None:
    """End `track`. May be called in any context, also by the garbage collector."""
    track.root = None
    if innermost_track.get() is track:
        innermost_track.set(track.outer)


def _view(
    owner: Level | Batch,
    done: float,
    total: float | None,
    unit: str,
    label: str,
    sub: CountView | None,
    within: float = 0.0,
) -> CountView:
    """`within` is the share of current rows that is done, in rows."""
    if total is None or total < 0:
        return CountView(done, None, unit, label, done + within, owner, 0.0, sub)
    if done <= total * (1 + ROUNDING):
        done = min(done, total)
        ahead = min(done + within, total)
        return CountView(done, total, unit, label, ahead, owner, max(ahead / total, 0.0) if total else 0.0, sub)
    # The total was too low: the rest is unknown.
    return CountView(done, None, unit, label, done + within, owner, 1.0, sub)


def _plus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
