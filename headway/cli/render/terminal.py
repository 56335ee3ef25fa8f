"""Safe output to a terminal: all text passes `text.plain`, and characters that its encoding lacks are replaced."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from headway.cli.render.text import json_text, plain
from headway.values import exact_json
from headway.values.redaction import redact

NARROW = "headway.narrow"
_LOOKALIKES = {"…": "~", "│": "|", "·": "-", "×": "x", "━": "-", "─": "-", "’": "'", "–": "-", "—": "-"}


def _narrow(error: UnicodeError) -> tuple[str, int]:
    # The replacement has the same width in cells, so that no line becomes wider than the terminal.
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_LOOKALIKES.get(character, "?" * cell_len(character)) for character in missing), error.end


codecs.register_error(NARROW, _narrow)


class SafeStream:
    """Replaces `sys.stdout` or `sys.stderr` and removes unsafe characters. Has no `buffer`, which would bypass that.

    `clean` is applied to all text that is written.
    """

    def __init__(self, raw: TextIO, clean: Callable[[str], str] = plain) -> None:
        self._clean = clean
        self.raw = raw
        """For `SafeConsole`, whose own control sequences must reach the terminal."""

    @property
    def encoding(self) -> str:
        """Encoding of the underlying stream."""
        return getattr(self.raw, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:
        """Error handler for characters that the encoding lacks."""
        return NARROW

    def write(self, text: str | bytes) -> int:
        """Write `text` without unsafe characters. Raises TypeError for empty bytes, which click tries."""
        if isinstance(text, bytes):
            if not text:
                raise TypeError("write() argument must be str, not bytes")
            text = text.decode("utf-8", "replace")
        self.raw.write(self._clean(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of `lines`."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the underlying stream."""
        self.raw.flush()

    def isatty(self) -> bool:
        """Return whether the underlying stream is a terminal."""
        return self.raw.isatty()

    def fileno(self) -> int:
        """File descriptor of the underlying stream."""
        return self.raw.fileno()

    def writable(self) -> bool:
        """Return True."""
        return True


class SafeConsole(Console):
    """A console that removes unsafe characters from all text after layout; only its own control codes pass."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of `renderable` without unsafe characters."""
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else plain(segment.text)
            yield segment if text == segment.text else Segment(text, segment.style)


def make_console(file: TextIO | None = None) -> Console:
    """Return a console for `file` or stdout, without highlighting or markup. Lines are wrapped only on a terminal."""
    console = SafeConsole(file=_raw(file or sys.stdout), highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 10_000
    return console


def install_safe_streams() -> None:
    """Replace `sys.stdout` and `sys.stderr` for the rest of the process: a traceback may quote untrusted text."""
    sys.stdout, sys.stderr = _safe(sys.stdout), _safe(sys.stderr, _plain_error)


@contextmanager
def safe_streams() -> Iterator[None]:
    """Replace `sys.stdout` and `sys.stderr` within the context, for `print`, click, warnings and tracebacks."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _safe(sys.stdout), _safe(sys.stderr, _plain_error)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def print_json(text: str) -> None:
    """Print JSON text in one line without loss: numbers unchanged, unsafe and unencodable characters escaped."""
    sys.stdout.write(json_text(text, ascii_only=not encodes_all(sys.stdout)) + "\n")
    sys.stdout.flush()


def print_json_value(value: Any) -> None:
    """Print a value as JSON in one line."""
    print_json(exact_json.encode(value).decode())


def print_json_lines(values: Iterable[Any]) -> None:
    """Print each value as JSON, one per line."""
    for value in values:
        print_json_value(value)


def encodes_all(stream: TextIO) -> bool:
    """Return whether the encoding of `stream` covers all of Unicode."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("_", "-").startswith("utf")


def _plain_error(text: str) -> str:
    # Errors of all libraries, usage errors with what was typed, and tracebacks end here.
    return redact(plain(text))


def _safe(stream: TextIO, clean: Callable[[str], str] = plain) -> TextIO:
    if isinstance(stream, SafeStream):
        return stream
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors=NARROW)
    safe: TextIO = SafeStream(stream, clean)  # type: ignore[assignment]  # it has the methods of TextIO that are used
    return safe


def _raw(stream: TextIO) -> TextIO:
    return stream.raw if isinstance(stream, SafeStream) else stream
