"""A count that another library keeps, such as a bar of tqdm, shown as a loop of `track` is."""

from __future__ import annotations

from typing import Any, Protocol

from headway.progress.counting import Track, leave
from headway.progress.state import ProgressState
from headway.values.coercion import number, shorten


class Changes(Protocol):
    """Where a change of the progress is noted."""

    dirty: bool
    """Whether one is noted already."""

    def touch(self) -> None:
        """Note one."""


class Bar:
    """One count of a task: within the loop or bar that runs where it begins, else the count of the task itself.

    Made by `Job.bar`. Its methods may be called from any thread, and never raise.
    """

    __slots__ = ("_changes", "_message", "_state", "_total", "_track", "_unit")

    def __init__(
        self,
        state: ProgressState,
        changes: Changes,
        *,
        total: Any,
        unit: str | None,
        message: str | None,
        initial: Any,
        within: Bar | None,
    ) -> None:
        self._state = state
        self._changes = changes
        self._total, self._unit, self._message = total, unit, message
        self._track: Track = state.begin(
            total=None if total is None else number(total),
            unit=None if unit is None else shorten(unit, 40),
            message=None if message is None else shorten(message),
            initial=number(initial) or 0.0,
            within=None if within is None else within._track,
        )
        changes.touch()

    @property
    def open(self) -> bool:
        """Whether the bar has not been closed."""
        return self._track.open

    def step(self, count: float = 1.0) -> None:
        """Note that `count` more units are done."""
        self._track.counter.done += count
        if not self._changes.dirty:
            self._changes.touch()

    def move(self, done: Any) -> None:
        """Note how many units are done in all; the bar shows fewer than before as well."""
        track = self._track
        if track.root is None or (count := number(done)) is None:
            return
        if track.outer is not None and track.misplaced:
            self._state.rejoin(track)
        if track.counter is track:
            track.done = count
        else:  # others may count here too
            track.counter.done += count - track.done
            track.done = count
        if not self._changes.dirty:
            self._changes.touch()

    def describe(self, *, total: Any = None, unit: str | None = None, message: str | None = None) -> None:
        """Change what is shown with the count: all of it, each as when the bar was made."""
        if total != self._total:
            self._total = total
            self._track.counter.total = None if total is None else number(total)
        if unit != self._unit:
            self._unit = unit
            self._track.counter.unit = shorten(unit or "", 40)
        if message != self._message:
            self._message = message
            self._state.rename(self._track, shorten(message or ""))
        if not self._changes.dirty:
            self._changes.touch()

    def close(self) -> None:
        """End the count; it is shown as it is until another one begins."""
        leave(self._track)
