"""Splits the output of a child process into lines of bounded length. No I/O."""

from __future__ import annotations

MAX_LINE_BYTES = 256 * 1024


class LineSplitter:
    """Splits bytes into lines of text; invalid UTF-8 is replaced.

    A line longer than `max_bytes` is truncated, with an ellipsis.
    """

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._truncated = False
        """Whether bytes of the line in `_buffer` were dropped."""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that `data` completes, without their line endings."""
        *parts, rest = data.split(b"\n")
        lines = []
        for part in parts:
            self._append(part)
            lines.append(self._take())
        self._append(rest)
        return lines

    def flush(self) -> list[str]:
        """Return the last line if it has no line ending."""
        return [self._take()] if self._buffer else []

    def _append(self, part: bytes) -> None:
        room = self._max_bytes - len(self._buffer)
        self._truncated = self._truncated or len(part) > room
        self._buffer += part[:room]

    def _take(self) -> str:
        line = self._buffer.decode("utf-8", "replace").rstrip() + ("…" if self._truncated else "")
        self._buffer.clear()
        self._truncated = False
        return line
