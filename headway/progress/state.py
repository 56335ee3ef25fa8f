"""The progress of one attempt: what its handler has noted, and the event made of it. No I/O."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec

from headway.checkpoint import Checkpoint
from headway.events import Progress, Status, Sub
from headway.progress.counting import CountView, Level, Track, enter, innermost, only
from headway.progress.estimate import Estimate
from headway.progress.parts import Parts
from headway.values.coercion import number, shorten

MAX_PERCENT = 99.9
"""Maximum before the end, which alone is 100."""


class ProgressState:
    """The state of one attempt. Callers that change it notify the outbox.

    Args:
        clock: seconds, monotonic.
        lock: held while counts begin and while the state is read as a whole.
        failed: how many attempts have failed before.
        lost: how many of the latest ones vanished with their processors.
        alone: whether this attempt is on trial alone in its processor.
        belongs: whether the code that calls runs in a context of this task.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        lock: threading.RLock,
        *,
        failed: int = 0,
        lost: int = 0,
        alone: bool = False,
        belongs: Callable[[], bool],
    ) -> None:
        self.failed, self.lost, self.alone = failed, lost, alone
        self.message = self.step_name = self.word = ""
        self.level = Level()
        """The count of the task, or of its step."""
        self.simple = True
        """Whether no loop is tracked in this step, so that all counts belong to `level`."""
        self._clock = clock
        self.lock = lock
        self._belongs = belongs
        self._percent = 0.0
        self._base, self._upto = 0.0, 100.0
        self._taken: Progress | None = None
        self._resumed: Checkpoint | None = None
        """Where an earlier attempt was, until the step in which it was is reached."""

    # What is noted

    def take_over(self, shown: Progress) -> None:
        """Be in the state that another process has reported: what is noted here no longer counts."""
        self.message, self._taken = shown.message, shown

    def raise_to(self, progress: Any) -> None:
        """Raise the bar to at least `progress` per cent."""
        if (percent := number(progress)) is not None:
            self._percent = max(self._percent, min(percent, MAX_PERCENT))

    def count_here(self, done: Any, total: Any, unit: Any, initial: Any) -> None:
        """Set the count of this context: within a track, that of the current row.

        A total or a unit without `done` corrects that of the track.
        """
        track = None if self.simple else self.track()
        level = self.level if track is None else track.here()
        if initial is not None and (before := number(initial)) is not None:
            level.done, level.counted, level.estimate = before, True, None
        if done is not None and (count := number(done)) is not None:
            level.done, level.counted = count, True
        place = level if track is None or level.counted else track.counter
        if unit is not None and unit is not place.unit:
            place.unit = shorten(unit, 40)
        if total is not None:
            place.total = number(total)

    def place(self) -> Level:
        """Where `advance` counts in this context."""
        track = self.track()
        return self.level if track is None else track.here()

    def step(self, name: str, total: float | None, unit: str | None, upto: float | None) -> None:
        """Begin the next step. Within a track only the name of the step changes."""
        self.step_name, self.message = name, ""
        track = None if self.simple else self.track()
        if track is not None:
            track.level, track.level_row = Level(total, unit or ""), track.counter.done
            return
        if self._resumed is not None and name == self._resumed.step:
            self._continue(self._resumed, total, unit)
            return
        if self._upto < 100.0 and self._resumed is None:  # a resumed one has not ended
            self._percent = max(self._percent, min(self._upto, MAX_PERCENT))
        self.level = Level(total, self.level.unit if unit is None else unit)
        self.simple = True
        self._base = self._percent
        self._upto = 100.0 if upto is None else min(max(upto, self._base), 100.0)

    def parts(self) -> Parts:
        """The tasks that this step consists of: those that were submitted since it began."""
        if self.level.inherited:
            self.level.counted = False
        if self.level.parts is None:
            self.level.parts = Parts()
        return self.level.parts

    # Checkpoints

    def mark(self, state: bytes) -> Checkpoint:
        """A checkpoint with the `state` of the handler at this moment."""
        with self.lock:
            shown = self.snapshot("processing")
            return Checkpoint(
                state=state,
                progress=shown.progress,
                message=shown.message,
                step=shown.step,
                done=shown.done,
                total=shown.total,
                unit=shown.unit,
                base=self._base,
                upto=self._upto,
            )

    def resume(self, checkpoint: Checkpoint) -> None:
        """Begin where an earlier attempt was. What it had done does not count for the rate.

        The step in which it was continues its count when it is begun again, or if it is the first.
        """
        self._percent = min(checkpoint.progress, MAX_PERCENT)
        self.step_name, self._resumed = checkpoint.step, checkpoint
        self._continue(checkpoint, None, None)
        self._resumed = checkpoint

    def restart(self) -> None:
        """Begin from the start after all. The bar waits where it is."""
        self.step_name, self._resumed, self.level = "", None, Level()
        self._base, self._upto = self._percent, 100.0

    def _continue(self, checkpoint: Checkpoint, total: float | None, unit: str | None) -> None:
        self.message, self._resumed = checkpoint.message, None
        self._base, self._upto = checkpoint.base, checkpoint.upto
        self.level = Level(checkpoint.total if total is None else total, checkpoint.unit if unit is None else unit)
        self.simple = True
        if checkpoint.done is not None:
            self.level.done = self.level.resumed = checkpoint.done
            self.level.counted = True

    # Tracks

    def track(self) -> Track | None:
        """The innermost loop that is tracked in this context."""
        track = innermost(self.level)
        if track is not None or self._settle() or self._belongs():
            return track
        return only(self.level)

    def _settle(self) -> bool:
        """Whether all loops of this step have ended: then counting is simple again."""
        if not self.level.running():
            with self.lock:
                self.simple = not self.level.running()
        return self.simple

    def begin(
        self,
        *,
        total: float | None,
        unit: str | None,
        message: str | None,
        initial: float,
        within: Track | None = None,
    ) -> Track:
        """Begin a loop; what this context reports from now on is within it.

        With `within` the loop belongs to the current row of that one, and the context stays as it is.
        """
        with self.lock:
            foreign = within is None and innermost(self.level) is None and not self._belongs()
            outer = self.track() if within is None or within.root is not self.level else within
            level = self.level if outer is None else outer.here()
            track = Track(self.level, outer, total=total, initial=initial)
            track.foreign = foreign
            level.begin(track, self._clock())
            self._name(track, level, unit, message)
            self.simple = False
        if within is None:
            enter(track)
        return track

    def rejoin(self, track: Track) -> None:
        """Move a loop that goes on to the current row of the innermost outer loop that runs."""
        with self.lock:
            while track.outer is not None and not track.outer.open:
                track.outer = track.outer.outer
            if track.root is self.level and track.counter is track:
                level = self.level if track.outer is None else track.outer.here()
                level.begin(track, self._clock())

    def rename(self, track: Track, message: str) -> None:
        """Change the message of a loop: that of the task, or its label."""
        level = self.level if track.outer is None else None
        if level is not None and (track.counter is level or not level.counted):
            self.message = message
        else:
            track.label = message

    def _name(self, track: Track, level: Level, unit: str | None, message: str | None) -> None:
        if track.counter is level or (level is self.level and not level.counted):
            level.unit = track.unit = level.unit if unit is None else unit
        else:
            track.unit = unit or ""
        if level is self.level and (track.counter is level or not level.counted):
            self.message = self.message if message is None else message
        else:
            track.label = message or ""

    # What is shown

    def snapshot(self, status: Status) -> Progress:
        """The state as an event. The bar never moves backwards, and stays below 100."""
        if self._taken is not None:
            return msgspec.structs.replace(self._taken, status=status, message=self.message, failed=self.failed)
        now, view = self._clock(), self.level.view()
        estimate = None if view is None else self._estimate(view, now)
        if view is not None:
            share = self._base + (self._upto - self._base) * view.share
            self._percent = max(self._percent, min(share, MAX_PERCENT))
        rate, eta = (None, None) if estimate is None else (estimate.rate, estimate.eta(now))
        return Progress(
            status=status,
            progress=round(self._percent, 2),
            message=self.message,
            step=self.step_name,
            state=self.word if status == "processing" else "",
            done=None if view is None or view.untouched else view.done,
            total=self.level.total if view is None else view.total,
            unit=self.level.unit if view is None else view.unit,
            rate=None if rate is None else round(rate, 3),
            eta=None if eta is None else round(eta, 1),
            sub=None if view is None else _sub(view.sub),
            failed=self.failed,
            lost=self.lost,
            alone=self.alone,
        )

    def _estimate(self, view: CountView, now: float) -> Estimate:
        owner = view.owner
        if owner.estimate is None:  # the count begins with the first report, whatever its `done`
            owner.estimate = Estimate(now, view.ahead)
        owner.estimate.update(now, view.ahead, view.total)
        return owner.estimate


def _sub(view: CountView | None) -> Sub | None:
    return None if view is None else Sub(view.done, view.total, view.unit, view.label)
