"""Splits the output of a program into the lines that a person sees, without control sequences. No I/O."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

MAX_LINE_CHARS = 8 * 1024
"""What a line has beyond is dropped."""

_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]P^_][^\x07\x1b]{0,256})?$")
"""The beginning of a control sequence at the end of what was read."""
_MOVE = re.compile(r"\x1b(?:\[[0-9;]*[ABEFHfsu]|\[1?G|[78M])")
"""To another line, or to the beginning of this one: what follows is drawn over what was there."""
_RIGHT = re.compile(r"\x1b\[[0-9]*[CG]")
_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]P^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])|[\x00-\x08\x0e-\x1f]"
)


class Line(NamedTuple):
    """A line as it stood at one moment."""

    text: str
    redrawn: bool
    """Whether it is drawn over: by a carriage return or a move of the cursor, before it or after it."""
    ended: bool
    """Whether a line feed has ended it."""


class OutputLines:
    """The lines of one stream. A part of a character or of a control sequence waits for the rest."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._sequence = ""
        self._text = ""
        self._drawn = ""
        """What stood in the line before the latest carriage return."""
        self._redrawn = False

    def feed(self, data: bytes) -> list[Line]:
        """The lines that `data` ends or draws over."""
        text = self._sequence + self._decoder.decode(data)
        unfinished = _UNFINISHED.search(text)
        self._sequence = unfinished[0] if unfinished else ""
        text = text[: len(text) - len(self._sequence)]
        if "\x1b" in text:
            text = _RIGHT.sub(" ", _MOVE.sub("\r", text))
        lines = []
        for part in re.split("([\r\n])", _SEQUENCE.sub("", text)):
            if part == "\n":
                lines.append(self._end())
            elif part == "\r":
                lines += self._draw_over()
            else:
                self._text = (self._text + part)[:MAX_LINE_CHARS]
        return lines

    def unfinished(self) -> list[Line]:
        """The line that is being redrawn, if there is one, as it stands. A part of it may be missing."""
        return [Line(self._text, redrawn=True, ended=False)] if self._redrawn and self._text.strip() else []

    def flush(self) -> list[Line]:
        """The last line, if no line feed ended it."""
        return [self._end()] if (self._text or self._drawn).strip() else []

    def _end(self) -> Line:
        # What was drawn before a carriage return that precedes the line feed is what people see.
        line = Line(self._text if self._text.strip() else self._drawn, self._redrawn and bool(self._text), ended=True)
        self._text = self._drawn = ""
        self._redrawn = False
        return line

    def _draw_over(self) -> list[Line]:
        lines = [Line(self._text, redrawn=True, ended=False)] if self._text.strip() else []
        self._drawn = self._text if self._text.strip() else self._drawn
        self._text, self._redrawn = "", True
        return lines
