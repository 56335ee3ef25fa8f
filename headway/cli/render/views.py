"""Three ways to show what a watch sees: live bars on a terminal, lines without one, JSON lines for programs."""

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
from headway.cli.render.terminal import console, print_json
from headway.cli.render.text import duration, one_line, percent
from headway.client.event_stream import Watched

LINE_SECONDS = 30.0
"""Without a terminal a task says something at least so often while it moves."""
LINE_PERCENT = 10
REFRESH_SECONDS = 0.125

Clock = Callable[[], float]


class View(Protocol):
    """Shows events. A context manager: what it has drawn is complete when it is left."""

    def __enter__(self) -> View: ...
    def __exit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, watched: Watched) -> None:
        """One event."""

    def drop(self, reason: str, seconds: float) -> None:
        """The stream was lost; the next try is in so many seconds."""


class JsonView:
    """The data of each event as it came, one per line."""

    def __enter__(self) -> JsonView:
        return self

    def __exit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, watched: Watched) -> None:
        """hello and goodbye are about the connection and left out; what has no `type` gets its event's name."""
        if watched.event in ("hello", "goodbye"):
            return
        raw = watched.raw if "type" in watched.data else json.dumps({"type": watched.event, **watched.data})
        print_json(raw)

    def drop(self, reason: str, seconds: float) -> None:
        """Nothing: the events go on where they stopped."""


class LiveView:
    """Bars that move, the tasks' output above them.

    Drawn by a thread of its own and by `show`, under one lock: rich's thread computes how far up to go before it has
    the screen to itself, and would leave a stale bar when a line is printed between.
    """

    def __init__(self, bars: list[Bar], out: Console | None = None, clock: Clock = time.monotonic) -> None:
        self._board = Board(bars, clock)
        self._live = Live(
            get_renderable=lambda: self._board, console=out or console(), auto_refresh=False, vertical_overflow="crop"
        )
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._drawing = threading.Thread(target=self._draw, name="bars", daemon=True)

    def __enter__(self) -> LiveView:
        self._live.start()
        self._drawing.start()
        return self

    def __exit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._drawing.join()
        self._board.note = ""
        self._board.whole = True
        self._live.stop()

    def show(self, watched: Watched) -> None:
        """Print what is to stay above the bars."""
        with self._lock:
            for line in self._board.apply(watched):
                self._live.console.print(line)

    def drop(self, reason: str, seconds: float) -> None:
        """A note under the bars until something arrives again."""
        with self._lock:
            self._board.note = reconnecting(reason, seconds)

    def _draw(self) -> None:
        while not self._done.wait(REFRESH_SECONDS):
            with self._lock:
                self._live.refresh()


class LineView:
    """A line per change of step or status, each 10 %, or every 30 s; the tasks' output in between."""

    def __init__(self, bars: list[Bar], out: Console | None = None, clock: Clock = time.monotonic) -> None:
        self._board = Board(bars, clock)
        self._out = out or console()
        self._clock = clock
        self._said: dict[str, tuple[object, ...]] = {}
        self._said_at: dict[str, float] = {}

    def __enter__(self) -> LineView:
        return self

    def __exit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for bar in self._board.bars.values():
            for line in bar.flush():
                self._out.print(line)

    def show(self, watched: Watched) -> None:
        """Print what `watched` brings, if it is time to."""
        for line in self._board.apply(watched):
            self._out.print(line)
        bar = self._board.bars.get(watched.task)
        if bar is None or watched.event not in ("progress", "stalled", "resumed", "cancel"):
            return
        now = self._clock()
        said = (bar.status, bar.state.get("step"), bar.state.get("attempt"), bar.ending, bar.silent is not None)
        mark = (*said, int(bar.progress) // LINE_PERCENT)
        if mark != self._said.get(bar.task) or now - self._said_at.get(bar.task, now) >= LINE_SECONDS:
            self._said[bar.task] = mark
            self._said_at[bar.task] = now
            self._out.print(status_line(bar, now))

    def drop(self, reason: str, seconds: float) -> None:
        """A line of its own: the log of a CI run shows when and why."""
        self._out.print(Text(reconnecting(reason, seconds), "yellow"))


def status_line(bar: Bar, now: float) -> Text:
    """A task in one line."""
    word = "cancelling" if bar.ending and not bar.ended else bar.status or "waiting"
    step = "" if bar.ended else one_line(bar.state.get("step", ""))
    parts = [part for part in (step, bar.message(), *bar.facts(now), bar.sub()) if part]
    return Text.assemble(
        (f"{bar.name} ", "bold"),
        (word, bar.style),
        f" {percent(bar.progress)}",
        "".join(f" · {part}" for part in parts),
    )


def reconnecting(reason: str, seconds: float) -> str:
    """About the connection, never about the task."""
    return f"reconnecting in {duration(max(seconds, 1.0))} ({one_line(reason)}); the task goes on"


def view_for(bars: list[Bar], *, as_json: bool) -> View:
    """The view that fits where the output goes."""
    if as_json:
        return JsonView()
    out = console()
    return LiveView(bars, out) if out.is_terminal and not out.is_dumb_terminal else LineView(bars, out)
