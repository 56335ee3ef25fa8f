"""What is known of the tasks being watched, and how it looks: shared by all commands that follow tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from headway.cli.text import amount, duration, one_line, percent, plain, short, speed
from headway.events import TERMINAL
from headway.watching import Watched

STYLES = {"completed": "green", "error": "red", "cancelled": "yellow", "retrying": "yellow", "queued": "dim"}
BAR_WIDTH = 28
MAX_TAIL_CHARS = 300
"""So much of an unfinished line of output is shown below the bars; the whole line goes above them when it ends."""


class Bar:
    """One task as far as it has been seen. Times are seconds of one clock, given by the caller."""

    def __init__(self, task: str, kind: str = "") -> None:
        self.task = task
        self.kind = kind
        self.state: dict[str, Any] = {}
        self.at = 0.0
        """When `state` came."""
        self.silent: float | None = None
        """For how long the task had shown no sign of life when the server said so."""
        self.ending = False
        self.tail = ""
        """Output after its last line end."""

    @property
    def name(self) -> str:
        """The kind and enough of the id."""
        return f"{self.kind} {short(self.task)}".strip()

    @property
    def status(self) -> str:
        """As in the last progress; empty before the first."""
        return str(self.state.get("status", ""))

    @property
    def ended(self) -> bool:
        """Whether nothing will follow."""
        return self.status in TERMINAL

    def apply(self, watched: Watched, now: float) -> list[Text]:
        """Take in one event. Returns the lines to print above the bars."""
        data = watched.data
        self.silent = None
        if watched.event == "progress":
            self.state, self.at = data, now
            return self.flush() if self.ended else []
        if watched.event == "chunk":
            return self._output(plain(data.get("text", "")))
        if watched.event == "log":
            return [_log_line(data)]
        if watched.event == "stalled" and (seconds := float(data.get("seconds", 0))) > 0:
            self.silent, self.at = seconds, now
        self.ending = self.ending or watched.event == "cancel"
        if watched.event == "reset":
            self.state, self.tail = {}, ""
        return []

    def flush(self) -> list[Text]:
        """The last line of output, which no line end has completed."""
        tail, self.tail = self.tail, ""
        return [Text(tail)] if tail else []

    def eta(self, now: float) -> str:
        """The time left, counted down here between events; or why there is none."""
        if self.ended:
            return ""
        if self.silent is not None:
            return f"stalled {duration(self.silent + now - self.at)}"
        left = self.state.get("eta")
        return "" if left is None else f"{duration(left - (now - self.at))} left"

    def facts(self, now: float) -> list[str]:
        """Count, rate and time left, as far as they are known."""
        done, rate, unit = self.state.get("done"), self.state.get("rate"), self.state.get("unit", "")
        parts = [] if done is None else [amount(done, self.state.get("total"), unit)]
        if rate is not None and not self.ended:
            parts.append(speed(rate))
        return [*parts, *filter(None, [self.eta(now)])]

    def message(self) -> str:
        """What the task, or its end, says."""
        error = self.state.get("error")
        if isinstance(error, dict):
            return one_line(f"{error.get('type', 'error')}: {error.get('message', '')}")
        return one_line(self.state.get("message", ""))

    def _output(self, text: str) -> list[Text]:
        *lines, self.tail = (self.tail + text).split("\n")
        return [Text(line) for line in lines]


class Board:
    """The bars of several tasks, in the order given."""

    def __init__(self, bars: Iterable[Bar], clock: Callable[[], float]) -> None:
        self.bars = {bar.task: bar for bar in bars}
        self.note = ""
        """About the connection; empty while it is well."""
        self._clock = clock

    def apply(self, watched: Watched) -> list[Text]:
        """Take in one event. Returns the lines to print above."""
        self.note = ""
        if watched.event == "hello":  # a new connection says again which tasks are stalled
            for each in self.bars.values():
                each.silent = None
        bar = self.bars.get(watched.task)
        if bar is None:
            return []
        lines = bar.apply(watched, self._clock())
        if len(self.bars) > 1:
            return [Text.assemble((f"{bar.name} │ ", "dim"), line) for line in lines]
        return lines

    def render(self) -> RenderableType:
        """The bars as they are now."""
        now = self._clock()
        table = Table.grid(padding=(0, 2))
        for justify in ("left", "left", "left", "right", "left"):
            table.add_column(justify=justify, no_wrap=True)
        for bar in self.bars.values():
            table.add_row(*_cells(bar, now))
        parts: list[RenderableType] = [table]
        parts += self._messages()
        if self.note:
            parts.append(Text(self.note, "yellow", no_wrap=True, overflow="ellipsis"))
        return Group(*parts)

    def _messages(self) -> Iterable[Text]:
        several = len(self.bars) > 1
        for bar in self.bars.values():
            lead = f"  {bar.name}: " if several else "  "
            if bar.tail:  # the end of it is what is new
                yield Text(lead + bar.tail[-MAX_TAIL_CHARS:], "dim")
            elif message := bar.message():
                yield Text(lead + message, "dim", no_wrap=True, overflow="ellipsis")


def _cells(bar: Bar, now: float) -> list[RenderableType]:
    style = STYLES.get(bar.status, "cyan")
    progress = float(bar.state.get("progress", 0))
    word = "cancelling" if bar.ending and not bar.ended else bar.status or "waiting"
    if bar.status == "processing" and word != "cancelling":
        word = one_line(bar.state.get("step", "")) or word
    line = ProgressBar(
        total=100, completed=progress, width=BAR_WIDTH, style="bar.back", complete_style=style, finished_style=style
    )
    return [
        Text(bar.name, "bold"),
        Text(word, style),
        line,
        Text(percent(progress)),
        Text("  ".join(bar.facts(now)), "dim", overflow="ellipsis"),
    ]


def _log_line(data: dict[str, Any]) -> Text:
    level = str(data.get("level", "info"))
    style = {"error": "red", "warning": "yellow", "debug": "dim"}.get(level, "blue")
    return Text.assemble((f"{one_line(level)}: ", style), plain(data.get("message", "")))


def console(*, stderr: bool = False) -> Console:
    """Where people read: no highlighting, no markup in foreign text; a line is not broken where nobody looks."""
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = 10_000
    return made
