"""What a handler calls to report how far it is.

The calls never raise. They block only in a thread whose output the log cannot store as fast: they note the state, and
the outbox appends it. Calls may come from any thread.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sized
from typing import Any, TypeVar, get_args

import msgspec

from headway.checkpoint import Checkpoint, encode_state
from headway.children.blocking import BlockingChildren
from headway.children.child import Child
from headway.children.children import Children, OnFailure, unsupported
from headway.current import current
from headway.errors import LogError, TaskCancelledError, TaskError
from headway.events import MAX_CHANNEL_CHARS, Level, LogLine
from headway.opened_file import OpenedFile, TaskFiles
from headway.outbox import Outbox
from headway.progress.bar import Bar
from headway.progress.counting import Track, innermost_track, leave
from headway.progress.state import ProgressState
from headway.saver import Saver
from headway.values.coercion import clean, number, shorten

__all__ = ["Job", "current"]

T = TypeVar("T")

CHECKPOINT_LOGGER = "headway.checkpoint"
_ONE = 1
_LEVELS: dict[str, Level] = {level: level for level in get_args(Level)}


class Job:
    """The progress of one attempt at one task. Handlers get it as their first argument, named `Job`."""

    def __init__(
        self,
        state: ProgressState,
        outbox: Outbox,
        *,
        task: str,
        attempt: int,
        kind: str = "",
        failed: int = 0,
        saver: Saver | None = None,
        resumed: Checkpoint | None = None,
    ) -> None:
        self.kind = kind
        self.task = task
        """The task's id."""
        self.attempt = attempt
        """1 for the first try, 2 for the second …"""
        self.failed = failed
        """How many earlier attempts failed, or vanished while they ran alone. Ones handed back do not count."""
        self.stopped: LogError | None = None
        """Why the handler should end, if it should."""
        self._state = state
        self._outbox = outbox
        self._own: Children | None = None
        self._blocking: BlockingChildren | None = None
        self._saver = saver or Saver(None, task)
        self._resumed = resumed
        self._warned = ""
        self._files: TaskFiles | None = None

    def update(
        self,
        progress: float | None = None,
        message: str | None = None,
        *,
        done: float | None = None,
        total: float | None = None,
        unit: str | None = None,
        initial: float | None = None,
    ) -> None:
        """Report how far the task is; what is left out stays as it was.

        `progress` is 0 to 100. With `done` and `total` it is computed, and rate and time left with it. The bar
        never goes back and shows less than 100 until the task has ended. `initial` units were done before this
        attempt: they count for the bar and not for the rate. So does the first `done` of a step.

        Within a `track`, `done` counts within the current row; a `total` without it corrects the total of the loop.
        """
        state = self._state
        if progress is not None:
            state.raise_to(progress)
        if message is not None:
            state.message = shorten(message)
        if total is not None or unit is not None or initial is not None or not state.simple:
            state.count_here(done, total, unit, initial)
        elif done is not None and (count := number(done)) is not None:
            level = state.level
            level.done = count
            level.counted = True
        if not self._outbox.dirty:
            self._outbox.touch()

    def advance(self, count: float = 1, message: str | None = None) -> None:
        """Report `count` more units as done; within a `track`, of the current row."""
        state = self._state
        if (more := 1.0 if count is _ONE else number(count)) is not None:
            level = state.level
            if not state.simple:  # the rest of `place` is written out: this is called often
                track = innermost_track.get()
                if track is None or track.root is not level or track.level_row != track.counter.done:
                    level = state.place()
                else:
                    level = track.level
            level.done += more
            level.counted = True
        if message is not None:
            state.message = shorten(message)
        if not self._outbox.dirty:
            self._outbox.touch()

    def step(
        self, name: str, *, total: float | None = None, unit: str | None = None, upto: float | None = None
    ) -> None:
        """Begin the next step of the task; its count starts at 0.

        `upto` is where the bar stands when this step is done (default 100): within the step the bar goes from where it
        is to there, in proportion to done / total. Within a `track` a step belongs to the current row: the loop's count
        and the bar do not change.

        While NATS is unreachable 200 steps and the latest are kept, and the rest is counted.
        """
        name = shorten(name, 200)
        count = None if total is None else number(total)
        unit = None if unit is None else shorten(unit, 40)
        end = None if upto is None else number(upto)
        self._outbox.step(lambda: self._state.step(name, count, unit, end))

    def chunk(self, text: str, *, channel: str = "") -> None:
        """Add output text, such as the tokens of a generation. All of it is stored, in order.

        Text of a `channel` is not part of the output and is shown apart, under this name: the reasoning of a model, the
        arguments of a call. An attempt has at most 100 channels, whose names have at most 64 characters.

        16 Mi characters may wait for the log. When they do, a call in a thread waits until some are stored. On the
        event loop nothing can wait, and one more call ends the task with OutputOverflow: put `await job.flush()`
        between chunks. A single text may be of any length.
        """
        if text := clean(text):
            self._outbox.chunk(text, shorten(channel, MAX_CHANNEL_CHARS) if channel else "")

    def log(self, message: str, level: Level = "info", *, logger: str = "") -> None:
        """Add a log line for the people who watch. Of a flood, 200 lines are kept per round and the rest is counted.

        `logger` is the name of the source, if that is not the handler itself.
        """
        shown = _LEVELS.get(clean(level), "info")
        self._outbox.line(LogLine(level=shown, message=shorten(message), logger=shorten(logger, 200) if logger else ""))

    def track(
        self,
        rows: Iterable[T],
        *,
        total: float | None = None,
        unit: str | None = None,
        message: str | None = None,
        initial: float = 0,
    ) -> Iterator[T]:
        """Yield `rows` and count each of them, in the loop's own count.

        A nested loop moves the bar within one row of the outer one, and is shown below it. A loop after another counts
        from 0 again; concurrent loops, as in `asyncio.gather`, count together.

        Args:
            total: of all rows, those done before included (default: `initial` + ``len(rows)`` where there is one).
            unit: unit of the count, such as "rows".
            message: the task's message; for a nested loop, the label of its own line.
            initial: rows that were done before this loop: they count for the bar and not for the rate.

        Raises TaskCancelledError when the task is to be cancelled, so that a handler in a thread stops.
        """
        outbox, count = self._outbox, self._begin(rows, total, unit, message, initial)
        counter = count.counter
        try:
            for row in rows:
                if self.stopped is not None:
                    self.raise_if_cancelled()
                yield row
                counter.done += 1.0
                if not outbox.dirty:
                    outbox.touch()
        finally:
            leave(count)

    def bar(
        self,
        *,
        total: float | None = None,
        unit: str | None = None,
        message: str | None = None,
        initial: float = 0,
        within: Bar | None = None,
    ) -> Bar:
        """Begin a count that other code keeps, such as a library with a callback for its progress.

        It is shown as a loop of `track` that begins here: call `move(done)` or `step(count)`, and `close()` at last.

        Args:
            total: when all is done, `initial` included (default: unknown).
            unit: unit of the count, such as "rows".
            message: the task's message; for a nested bar, the label of its own line.
            initial: units that were done before: they count for the bar and not for the rate.
            within: the bar in whose current row this one counts (default: the loop or bar that runs in this context).
        """
        return Bar(self._state, self._outbox, total=total, unit=unit, message=message, initial=initial, within=within)

    # Children

    async def submit(
        self,
        kind: str,
        params: object = None,
        *,
        weight: float = 1.0,
        title: str = "",
        tags: Iterable[str] = (),
        key: str | None = None,
    ) -> Child:
        """Submit a task that is a part of this one. Return when it is stored; ``await child`` waits for its result.

        The bar moves with those that were submitted in the current step, unless something else is counted there. The
        slot of this task is free while its handler waits for children. It belongs to the owner and the tenant of this
        task, and ends when this one ends. Waits while NATS is unreachable.

        Args:
            params: an object: a dict, a Struct, a dataclass; none for kinds without parameters.
            weight: its share of the bar, beside those of the other children (default 1).
            title: what people see of it (default: that of its kind).
            tags: words to find it by, beside those of its kind.
            key: which child this is, for another attempt of this task, which finds it instead of starting it again.
                Default: its kind and parameters; give a key where these differ between attempts, as a time does.

        Raises ChildrenError: nobody runs the kind, a bound is reached, or the job cannot have children.
        """
        return await self._children.submit(kind, params, weight=weight, title=title, tags=tags, key=key)

    async def gather(self, *children: Child, on_failure: OnFailure = "cancel") -> list[Any]:
        """Wait until all of `children` have ended. Return their results in this order.

        With `on_failure` "cancel" (default), the first one that fails or is cancelled cancels the others of them, and
        ChildFailedError is raised, which has its id and its error. With "continue" all run to their end, and a
        ChildFailedError stands in place of the result of each that was not successful.
        """
        return await self._children.gather(*children, on_failure=on_failure)

    def as_completed(self, *children: Child) -> AsyncIterator[Child]:
        """Yield `children` in the order in which they end: ``await child`` returns or raises at once then."""
        return self._children.as_completed(*children)

    @property
    def blocking(self) -> BlockingChildren:
        """`submit`, `gather` and `as_completed` for handlers in threads: they block the thread, and free the slot."""
        if self._blocking is None:
            raise unsupported()
        return self._blocking

    def allow_children(self, children: Children) -> BlockingChildren:
        """Let the handler submit `children`: called by whoever runs it. Return the calls for a handler in a thread."""
        self._own, self._blocking = children, BlockingChildren(children)
        return self._blocking

    @property
    def _children(self) -> Children:
        if self._own is None:
            raise unsupported()
        return self._own

    # Checkpoints

    def checkpoint(self, state: object | Callable[[], object], *, every: float | None = None) -> None:
        """Keep `state` for the next attempt, with the bar and the step: after a crash it continues from there.

        The latest state is stored at most once in `every` seconds, after all that was reported before it. It takes at
        most a twentieth of the time: large states are stored more seldom.

        Args:
            state: whatever msgspec writes as MessagePack (Struct, dict, list, set, str, bytes …), up to 256 MiB. It is
                encoded at once. Or a function that returns it, which is called only when a state is to be stored now:
                for states that are large.
            every: seconds (default: the processor's `checkpoint_seconds`). The first state is stored after this time,
                too.
        """
        saver = self._saver
        every = saver.every if every is None else every
        if not saver.stores or (callable(state) and not saver.wants(every)):
            return
        began = time.perf_counter()
        try:
            encoded = encode_state(state() if callable(state) else state)
        except Exception as error:  # noqa: BLE001 - whatever a third-party function or type raises
            self._warn(f"This state cannot be stored: {type(error).__name__}: {error}")
        else:
            self._outbox.checkpoint(self._state.mark(encoded), every, time.perf_counter() - began)

    def restore(self, type: type[T]) -> T | None:
        """The state that an earlier attempt has stored, as `type`; None when there is none.

        Also None, with a line in the task's log, when the state does not fit `type`, as after a release that has
        changed it: the handler then begins from the start.
        """
        if self._resumed is None:
            return None
        try:
            return msgspec.msgpack.decode(self._resumed.state, type=type)
        except msgspec.DecodeError as error:
            self._warn(f"The stored state does not fit {_name_of(type)}, and the task begins from the start: {error}")
            self._resumed = None
            self._state.restart()
            return None

    def open(self, file: str) -> OpenedFile:
        """A file that the task's owner has uploaded, to be read in parts: `file` is a parameter of the type `File`.

        On the event loop ``async with job.open(params.table) as file:`` and ``async for part in file:``; in a thread
        ``with job.open(params.table) as file:``, which is then a binary stream, as `open` returns it. It has `name`,
        `bytes`, `sha256` and `content_type`; in a thread, `file.file` has them.

        Raises TaskError when it is not there, is not the owner's, or has expired, and when NATS does not answer.
        """
        if self._files is None:
            raise TaskError(
                "This job has no files: only a handler that a processor runs on its event loop or in a thread has.",
                type="NoFiles",
                retryable=False,
            )
        return self._files.open(file)

    def allow_files(self, files: TaskFiles) -> None:
        """Let the handler open `files`: called by whoever runs it."""
        self._files = files

    @property
    def cancelled(self) -> bool:
        """Whether the handler should end."""
        return self.stopped is not None

    def raise_if_cancelled(self) -> None:
        """Raise TaskCancelledError when the handler should end: for threads, which cannot be interrupted."""
        if self.stopped is not None:
            raise TaskCancelledError(str(self.stopped))

    async def flush(self) -> None:
        """Return when all that was reported so far is stored."""
        await self._outbox.flush()

    def _warn(self, message: str) -> None:
        if message != self._warned:
            self._warned = message
            self.log(message, "warning", logger=CHECKPOINT_LOGGER)

    def _begin(self, rows: object, total: float | None, unit: str | None, message: str | None, initial: float) -> Track:
        done = number(initial) or 0.0
        if total is None and (rows_left := _length(rows)) is not None:
            total = done + rows_left
        count = self._state.begin(
            total=None if total is None else number(total),
            unit=None if unit is None else shorten(unit, 40),
            message=None if message is None else shorten(message),
            initial=done,
        )
        self._outbox.touch()
        return count


def _name_of(type: object) -> str:
    return getattr(type, "__name__", str(type))


def _length(rows: object) -> int | None:
    try:
        return len(rows) if isinstance(rows, Sized) else None
    except Exception:  # noqa: BLE001 - whatever a third-party __len__ raises, as that of a loader of unknown length
        return None
