"""The state of a watched task, formatted for display."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from rich.text import Text

from headway.cli.render.text import BYTES, SECONDS, amount, duration, one_line, plain, short_id, speed
from headway.cli.render.traceback import failure_lines
from headway.client.event_stream import Watched
from headway.events import TERMINAL

STYLES = {"completed": "green", "error": "red", "cancelled": "yellow", "retrying": "yellow", "queued": "dim"}
RUNNING = ("processing", "retrying")


class Bar:
    """State of one watched task, updated by its events. Times are seconds of one clock, passed by the caller."""

    def __init__(self, task: str, kind: str = "", *, tracebacks: bool = False, depth: int = 0) -> None:
        self.task = task
        self.kind = kind
        self.depth = depth
        """How many tasks are above it, of which it is a part."""
        self.tracebacks = tracebacks
        """Whether to print the full traceback of a failed attempt, not only its last frame."""
        self.state: dict[str, Any] = {}
        self.updated_at = 0.0
        """When `state` or `stalled_seconds` was received."""
        self.stalled_seconds: float | None = None
        """Seconds without a task beat, as the server reported them; None when the task is not stalled."""
        self.cancelling = False
        self.partial_line = ""
        """Text after the last line ending: of the output, or of `channel`."""
        self.channel = ""
        """Whose line `partial_line` is; empty for the output."""

    @property
    def name(self) -> str:
        """Kind and shortened id."""
        return "  " * self.depth + one_line(f"{self.kind} {short_id(self.task)}")

    @property
    def status(self) -> str:
        """Status of the latest progress event; empty before the first."""
        return str(self.state.get("status", ""))

    @property
    def label(self) -> str:
        """The current step while the task is processing, otherwise its status."""
        if self.cancelling and not self.ended:
            return "cancelling"
        if self.status == "processing":
            return one_line(self.state.get("step", "")) or self.status
        return self.status or "waiting"

    @property
    def style(self) -> str:
        """Colour of `label`."""
        return STYLES.get(self.status, "cyan")

    @property
    def progress(self) -> float:
        """Percentage, 0 to 100."""
        return float(self.state.get("progress", 0))

    @property
    def ended(self) -> bool:
        """Whether the status is terminal."""
        return self.status in TERMINAL

    def apply(self, watched: Watched, now: float) -> list[Text]:
        """Update the state from an event. Return the lines to print above the bars."""
        data = watched.data
        self.stalled_seconds = None
        if watched.event == "progress":
            self.state, self.updated_at = data, now
            lines = [Text(line, "dim") for line in failure_lines(data, full=self.tracebacks)]
            return lines if self.status == "processing" else [*self.flush(), *lines]
        if watched.event in ("chunk", "aside"):
            return self._output(plain(data.get("text", "")), one_line(data.get("channel", "")))
        if watched.event == "log":
            return [log_line(data)]
        if watched.event == "stalled" and (seconds := float(data.get("seconds", 0))) > 0:
            self.stalled_seconds, self.updated_at = seconds, now
        self.cancelling = self.cancelling or watched.event == "cancel"
        if watched.event == "reset":
            self.state, self.partial_line = {}, ""
        return []

    def flush(self) -> list[Text]:
        """Return the last line of output if it has no line ending."""
        line, self.partial_line = self.partial_line, ""
        return [self._line(line)] if line else []

    def eta(self, now: float) -> str:
        """Format the remaining time, counted down between events; for a stalled task the time since its last beat."""
        if self.ended:
            return ""
        if self.stalled_seconds is not None:
            return f"stalled {duration(self.stalled_seconds + now - self.updated_at)}"
        left = self.state.get("eta")
        return "" if left is None else f"{duration(float(left) - (now - self.updated_at))} left"

    def stats(self, now: float, width: int | None = None) -> list[str]:
        """Format count, rate and remaining time, where known. Of what exceeds `width` cells the rate is dropped first,
        then the count.
        """
        count, rate, left = self.count(), self.rate(), self.eta(now)
        for parts in ([count, rate, left], [count, left], [left], [count]):
            present = [part for part in parts if part]
            if width is None or cell_len("  ".join(present)) <= width:
                return present
        return []

    def count(self) -> str:
        """Format done and total with the unit; empty if unknown."""
        done = self.state.get("done")
        return "" if done is None else amount(done, self.state.get("total"), self.unit)

    def rate(self) -> str:
        """Format the rate; empty if unknown or the task has ended."""
        rate, unit = self.state.get("rate"), self.unit
        # The count already shows the unit; only bytes and seconds have their own format of a rate.
        return "" if rate is None or self.ended else speed(rate, unit if unit in BYTES or unit in SECONDS else "")

    def sub(self) -> str:
        """Format the sub-progress: "a.pdf 4/10 pages"; empty if there is none."""
        sub = self.state.get("sub")
        if not isinstance(sub, dict) or self.ended:
            return ""
        return one_line(f"{sub.get('label', '')} {amount(sub['done'], sub.get('total'), str(sub.get('unit', '')))}")

    def message(self) -> str:
        """The message of the task, or its error."""
        error = self.state.get("error")
        if isinstance(error, dict):
            return one_line(f"{error.get('type', 'error')}: {error.get('message', '')}")
        return one_line(self.state.get("message", ""))

    @property
    def unit(self) -> str:
        """Unit of the count."""
        return str(self.state.get("unit", ""))

    def _output(self, text: str, channel: str) -> list[Text]:
        before = self.flush() if channel != self.channel else []
        self.channel = channel
        *lines, self.partial_line = (self.partial_line + text).split("\n")
        return [*before, *map(self._line, lines)]

    def _line(self, text: str) -> Text:
        return Text(f"{self.channel} │ {text}", "dim") if self.channel else Text(text)


def log_line(data: dict[str, Any]) -> Text:
    """Format a log event with its level."""
    level = str(data.get("level", "info"))
    style = {"error": "red", "warning": "yellow", "debug": "dim"}.get(level, "blue")
    logger = one_line(data.get("logger", ""))
    return Text.assemble(
        (f"{one_line(level)}: ", style), plain(data.get("message", "")), (f"  {logger}" if logger else "", "dim")
    )
