"""Views of a watch: live bars on a terminal, lines without one, JSON lines for programs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from headway.cli.render.bars import Bar
from headway.cli.render.board import Board
from headway.cli.render.terminal import make_console, print_json
from headway.cli.render.text import duration, one_line, percent
from headway.client.event_stream import Watched

LINE_SECONDS = 30.0
"""Without a terminal: longest time between two status lines of a task that receives events."""
LINE_PERCENT = 10
REFRESH_SECONDS = 0.125
SPLIT_UNITS = ("parts", "tasks")
"""Units of the count of a task that consists of others."""

Clock = Callable[[], float]


class View(Protocol):
    """Shows events. A context manager: on exit the output is complete."""

    def __enter__(self) -> View: ...
    def __exit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, watched: Watched) -> None:
        """Show an event."""

    def is_split(self, task: str) -> bool:
        """Whether the parts of `task` should be shown: it consists of others."""

    def show_parts(self, task: str, parts: list[Bar]) -> None:
        """Show the parts of a task below it."""

    def drop(self, reason: str, seconds: float) -> None:
        """Show that the connection was lost and is retried after `seconds`."""


class JsonView:
    """Prints the data of each event unchanged, one per line."""

    def __enter__(self) -> JsonView:
        return self

    def __exit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, watched: Watched) -> None:
        """Print the data, with the event's name as `type` where it has none. Skips hello and goodbye."""
        if watched.event in ("hello", "goodbye"):
            return
        raw = watched.raw if "type" in watched.data else json.dumps({"type": watched.event, **watched.data})
        print_json(raw)

    def is_split(self, task: str) -> bool:
        """Return False: the parts have events of their own."""
        return False

    def show_parts(self, task: str, parts: list[Bar]) -> None:
        """Print nothing."""

    def drop(self, reason: str, seconds: float) -> None:
        """Print nothing: the events resume where they stopped."""


class LiveView:
    """Shows live progress bars, with the tasks' output above them.

    Refreshed by its own thread and by `show`, under one lock. Rich's refresh thread computes the cursor movement before
    it takes the console's lock, and would leave a stale bar when a line is printed in between.
    """

    def __init__(self, bars: list[Bar], out: Console | None = None, clock: Clock = time.monotonic) -> None:
        self._board = Board(bars, clock)
        self._live = Live(
            get_renderable=lambda: self._board,
            console=out or make_console(),
            auto_refresh=False,
            vertical_overflow="crop",
        )
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._refresher = threading.Thread(target=self._refresh, name="bars", daemon=True)

    def __enter__(self) -> LiveView:
        self._live.start()
        self._refresher.start()
        return self

    def __exit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._refresher.join()
        self._board.note = ""
        self._board.show_all = True
        self._live.stop()

    def show(self, watched: Watched) -> None:
        """Update the bars, and print output and log lines above them."""
        with self._lock:
            for line in self._board.apply(watched):
                self._live.console.print(line)

    def is_split(self, task: str) -> bool:
        """Whether the count of `task` is that of its parts."""
        bar = self._board.bars.get(task)
        return bar is not None and bar.unit in SPLIT_UNITS

    def show_parts(self, task: str, parts: list[Bar]) -> None:
        """Show the bars of the parts below that of the task."""
        with self._lock:
            self._board.parts[task] = parts

    def drop(self, reason: str, seconds: float) -> None:
        """Show a note below the bars until the next event."""
        with self._lock:
            self._board.note = reconnect_message(reason, seconds)

    def _refresh(self) -> None:
        while not self._done.wait(REFRESH_SECONDS):
            with self._lock:
                self._live.refresh()


class LineView:
    """Prints a status line when the step or status changes, every 10 %, or after 30 s; the tasks' output in between."""

    def __init__(self, bars: list[Bar], out: Console | None = None, clock: Clock = time.monotonic) -> None:
        self._board = Board(bars, clock)
        self._out = out or make_console()
        self._clock = clock
        self._printed: dict[str, tuple[object, ...]] = {}
        self._printed_at: dict[str, float] = {}

    def __enter__(self) -> LineView:
        return self

    def __exit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for bar in self._board.bars.values():
            for line in bar.flush():
                self._out.print(line)

    def show(self, watched: Watched) -> None:
        """Print the output of an event, and a status line when one is due."""
        for line in self._board.apply(watched):
            self._out.print(line)
        bar = self._board.bars.get(watched.task)
        if bar is None or watched.event not in ("progress", "stalled", "resumed", "cancel"):
            return
        now = self._clock()
        key = _status_key(bar)
        if key != self._printed.get(bar.task) or now - self._printed_at.get(bar.task, now) >= LINE_SECONDS:
            self._printed[bar.task] = key
            self._printed_at[bar.task] = now
            self._out.print(status_line(bar, now))

    def is_split(self, task: str) -> bool:
        """Return False: the lines of many parts would hide those of the task, which counts them."""
        return False

    def show_parts(self, task: str, parts: list[Bar]) -> None:
        """Print nothing."""

    def drop(self, reason: str, seconds: float) -> None:
        """Print a line with the reason."""
        self._out.print(Text(reconnect_message(reason, seconds), "yellow"))


def _status_key(bar: Bar) -> tuple[object, ...]:
    """Return what causes a new status line when it changes."""
    step, attempt = bar.state.get("step"), bar.state.get("attempt")
    stalled, progress = bar.stalled_seconds is not None, int(bar.progress) // LINE_PERCENT
    return bar.status, step, attempt, bar.cancelling, stalled, progress


def status_line(bar: Bar, now: float) -> Text:
    """Format the state of a task in one line."""
    label = "cancelling" if bar.cancelling and not bar.ended else bar.status or "waiting"
    step = "" if bar.ended else one_line(bar.state.get("step", ""))
    parts = [part for part in (step, bar.message(), *bar.stats(now), bar.sub()) if part]
    return Text.assemble(
        (f"{bar.name} ", "bold"),
        (label, bar.style),
        f" {percent(bar.progress)}",
        "".join(f" · {part}" for part in parts),
    )


def reconnect_message(reason: str, seconds: float) -> str:
    """Return the message for a lost connection."""
    return f"reconnecting in {duration(max(seconds, 1.0))} ({one_line(reason)}); the task continues"


def view_for(bars: list[Bar], *, as_json: bool) -> View:
    """Return the view that suits the output: JSON, live bars on a terminal, lines otherwise."""
    if as_json:
        return JsonView()
    out = make_console()
    return LiveView(bars, out) if out.is_terminal and not out.is_dumb_terminal else LineView(bars, out)
