"""Bytes of a child's output to lines. Bounded, and no bytes are wrong. No I/O."""

from __future__ import annotations

MAX_LINE_BYTES = 256 * 1024


class LineSplitter:
    """Makes lines of pieces. Of a line over `max_bytes` the beginning is kept, with an ellipsis."""

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._rest = bytearray()
        self._cut = False
        """Whether bytes of the line in `_rest` were dropped."""

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes, without their ends."""
        *ended, rest = data.split(b"\n")
        lines = []
        for part in ended:
            self._add(part)
            lines.append(self._take())
        self._add(rest)
        return lines

    def flush(self) -> list[str]:
        """The last line, which no line end has completed."""
        return [self._take()] if self._rest else []

    def _add(self, part: bytes) -> None:
        room = self._max_bytes - len(self._rest)
        self._cut = self._cut or len(part) > room
        self._rest += part[:room]

    def _take(self) -> str:
        line = self._rest.decode("utf-8", "replace").rstrip() + ("…" if self._cut else "")
        self._rest.clear()
        self._cut = False
        return line
