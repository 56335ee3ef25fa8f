"""What is known of a task being watched, in the words and numbers that people read."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from rich.text import Text

from headway.cli.render.text import BYTES, SECONDS, amount, duration, one_line, plain, short, speed
from headway.cli.render.traceback import failure_lines
from headway.client.event_stream import Watched
from headway.events import TERMINAL

STYLES = {"completed": "green", "error": "red", "cancelled": "yellow", "retrying": "yellow", "queued": "dim"}
RUNNING = ("processing", "retrying")


class Bar:
    """One task as far as it has been seen. Times are seconds of one clock, given by the caller."""

    def __init__(self, task: str, kind: str = "", *, tracebacks: bool = False) -> None:
        self.task = task
        self.kind = kind
        self.tracebacks = tracebacks
        """Whether the whole traceback of a failed attempt is printed, not only its last place."""
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
        return one_line(f"{self.kind} {short(self.task)}")

    @property
    def status(self) -> str:
        """As in the last progress; empty before the first."""
        return str(self.state.get("status", ""))

    @property
    def word(self) -> str:
        """What it does now: its step while it runs, else its status."""
        if self.ending and not self.ended:
            return "cancelling"
        if self.status == "processing":
            return one_line(self.state.get("step", "")) or self.status
        return self.status or "waiting"

    @property
    def style(self) -> str:
        """The colour that goes with `word`."""
        return STYLES.get(self.status, "cyan")

    @property
    def progress(self) -> float:
        """0 to 100."""
        return float(self.state.get("progress", 0))

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
            lines = [Text(line, "dim") for line in failure_lines(data, whole=self.tracebacks)]
            return [*self.flush(), *lines] if self.ended else lines
        if watched.event == "chunk":
            return self._output(plain(data.get("text", "")))
        if watched.event == "log":
            return [log_line(data)]
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
        return "" if left is None else f"{duration(float(left) - (now - self.at))} left"

    def facts(self, now: float, width: int | None = None) -> list[str]:
        """Count, rate and time left, as far as they are known; in `width` cells the rate goes first, the time last."""
        done, rate, unit = self.state.get("done"), self.state.get("rate"), str(self.state.get("unit", ""))
        count = "" if done is None else amount(done, self.state.get("total"), unit)
        # The unit stands beside the count already, unless the rate has a form of its own.
        pace = "" if rate is None or self.ended else speed(rate, unit if unit in BYTES or unit in SECONDS else "")
        left = self.eta(now)
        for parts in ([count, pace, left], [count, left], [left], [count]):
            given = [part for part in parts if part]
            if width is None or cell_len("  ".join(given)) <= width:
                return given
        return []

    def sub(self) -> str:
        """The count within the count: "a.pdf 4/10 pages"; empty where there is none."""
        sub = self.state.get("sub")
        if not isinstance(sub, dict) or self.ended:
            return ""
        return one_line(f"{sub.get('label', '')} {amount(sub['done'], sub.get('total'), str(sub.get('unit', '')))}")

    def message(self) -> str:
        """What the task, or its end, says."""
        error = self.state.get("error")
        if isinstance(error, dict):
            return one_line(f"{error.get('type', 'error')}: {error.get('message', '')}")
        return one_line(self.state.get("message", ""))

    def _output(self, text: str) -> list[Text]:
        *lines, self.tail = (self.tail + text).split("\n")
        return [Text(line) for line in lines]


def log_line(data: dict[str, Any]) -> Text:
    """A log event with its level."""
    level = str(data.get("level", "info"))
    style = {"error": "red", "warning": "yellow", "debug": "dim"}.get(level, "blue")
    logger = one_line(data.get("logger", ""))
    return Text.assemble(
        (f"{one_line(level)}: ", style), plain(data.get("message", "")), (f"  {logger}" if logger else "", "dim")
    )
