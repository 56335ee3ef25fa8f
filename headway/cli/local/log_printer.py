"""Prints the output of the local stack, with the name of the process before each line."""

from __future__ import annotations

import signal

from rich.console import Console
from rich.text import Text

from headway.cli.local.log_line import parse_log_line
from headway.cli.local.print_queue import PrintQueue
from headway.cli.local.process import SupervisedProcess
from headway.cli.local.stack import format_last_lines
from headway.cli.render.text import duration

FLUSH_SECONDS = 2.0
"""Time to print the queued lines at the end, on a terminal that may not accept them."""
COLOURS = {"nats": "magenta", "processor": "green"}
STREAMER_COLOURS = ("cyan", "blue", "bright_cyan", "bright_blue")
LEVEL_STYLES = {"error": "bold red", "warning": "yellow", "debug": "dim", "quiet": "dim"}


class LogPrinter:
    """Prints lines of the stack's processes and messages about them. Its methods return at once, from any thread."""

    def __init__(self, out: Console, *, verbose: bool) -> None:
        self._queue = PrintQueue(out)
        self._verbose = verbose

    def print_line(self, process: SupervisedProcess, raw: str) -> None:
        """Print a line of a process. Informational lines of nats-server are printed only if verbose."""
        level, text = parse_log_line(raw)
        if level == "quiet" and not self._verbose:
            return
        for line in text.splitlines():
            self._print(process, Text(line, LEVEL_STYLES.get(level, "")))

    def print_exit(self, process: SupervisedProcess, code: int, delay: float) -> None:
        """Print the unexpected exit of a process, with its last lines and the seconds until the restart."""
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        restart = f"restarting in {duration(max(delay, 1))}, or when code changes"
        self._print(process, Text(f"ended {how}; {restart}. Last lines:", "bold red"))
        for line in format_last_lines(process).splitlines():
            self._print(process, Text(line, "red"))

    def print_message(self, text: str) -> None:
        """Print a message of the command itself."""
        self._queue.put(Text(text, "bold"))

    def close(self) -> bool:
        """Print the queued lines. Return False when the terminal does not accept them in time."""
        return self._queue.flush(FLUSH_SECONDS)

    def _print(self, process: SupervisedProcess, text: Text) -> None:
        name = process.spec.name
        self._queue.put(text, Text(f"{name:<14} │ ", name_colour(name)))


def name_colour(name: str) -> str:
    """Return the colour for the name of a process."""
    _, _, port = name.partition("-")
    return STREAMER_COLOURS[int(port) % len(STREAMER_COLOURS)] if port.isdigit() else COLOURS.get(name, "white")
