"""The one way to a terminal: everything written to it passes `text.plain`, and no encoding is too narrow for it."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from headway.cli.render.text import json_text, plain
from headway.values import exact_json

NARROW = "headway.narrow"
_LOOKALIKES = {"…": "~", "│": "|", "·": "-", "×": "x", "━": "-", "─": "-", "’": "'", "–": "-", "—": "-"}


def _narrow(error: UnicodeError) -> tuple[str, int]:
    # As many cells as before, so that no line grows longer than the terminal.
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_LOOKALIKES.get(character, "?" * cell_len(character)) for character in lost), error.end


codecs.register_error(NARROW, _narrow)


class SafeStream:
    """Stands in for `sys.stdout` or `sys.stderr`: what is written is made plain. Has no buffer to get around it by."""

    def __init__(self, raw: TextIO) -> None:
        self.raw = raw
        """For `SafeConsole` alone, whose own control sequences must reach the terminal."""

    @property
    def encoding(self) -> str:
        """Of the stream below."""
        return getattr(self.raw, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:
        """What becomes of characters that the encoding lacks."""
        return NARROW

    def write(self, text: str | bytes) -> int:
        """Write `text`, made plain. Raises TypeError for no bytes: that is how click finds out what it writes to."""
        if isinstance(text, bytes):
            if not text:
                raise TypeError("write() argument must be str, not bytes")
            text = text.decode("utf-8", "replace")
        self.raw.write(plain(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Send what is buffered."""
        self.raw.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self.raw.isatty()

    def fileno(self) -> int:
        """Of the stream below."""
        return self.raw.fileno()

    def writable(self) -> bool:
        """Always."""
        return True


class SafeConsole(Console):
    """A console whose texts are made plain after layout, whoever made them; only its own control codes pass."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of `renderable`, their texts made plain."""
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else plain(segment.text)
            yield segment if text == segment.text else Segment(text, segment.style)


def console(file: TextIO | None = None) -> Console:
    """Where people read: no highlighting, no markup in foreign text; a line is not broken where nobody looks."""
    made = SafeConsole(file=_raw(file or sys.stdout), highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = 10_000
    return made


def protect() -> None:
    """Make `sys.stdout` and `sys.stderr` safe to the end of the process: the traceback of a bug quotes foreign text."""
    sys.stdout, sys.stderr = _safe(sys.stdout), _safe(sys.stderr)


@contextmanager
def safe_streams() -> Iterator[None]:
    """While it is open `sys.stdout` and `sys.stderr` are safe, for `print`, click, warnings and tracebacks alike."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_safe(stream) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def print_json(text: str) -> None:
    """A JSON value in one line, lossless: numbers as they are, unsafe and unencodable characters escaped."""
    sys.stdout.write(json_text(text, ascii_only=not encodes_all(sys.stdout)) + "\n")
    sys.stdout.flush()


def print_json_lines(values: Iterable[Any]) -> None:
    """Each value as JSON, one per line."""
    for value in values:
        print_json(exact_json.encode(value).decode())


def encodes_all(stream: TextIO) -> bool:
    """Whether the encoding of `stream` has all characters."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("_", "-").startswith("utf")


def _safe(stream: TextIO) -> TextIO:
    if isinstance(stream, SafeStream):
        return stream
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors=NARROW)
    made: TextIO = SafeStream(stream)  # type: ignore[assignment]  # the part of TextIO that anybody uses
    return made


def _raw(stream: TextIO) -> TextIO:
    return stream.raw if isinstance(stream, SafeStream) else stream
