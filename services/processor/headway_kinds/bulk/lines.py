"""The numbered lines of a text file, in bounded memory. Lines that cannot be read are reported and skipped."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec

from headway_kinds.bulk.charset import ERRORS, UNDECODABLE
from headway_kinds.bulk.records import MAX_RECORD_CHARS, NumberedLine, OnSkipped


class Position(msgspec.Struct, frozen=True, array_like=True):
    """A place between two lines."""

    number: int
    """Lines before it."""
    cookie: str
    """Where the file continues, as `io.TextIOWrapper.tell` says it; empty if the file can only be read in order."""


CHECKED_EVERY = 10_000
START = Position(0, "")


class Lines:
    """The lines, from 1, with their line ends: CR, LF or both; not undecodable or too long ones, or ones with NUL.

    Args:
        stream: at its beginning. One that can seek continues at `start` at once, others are read up to there.
        report: called with the number and the reason of each line that is skipped.
        check: called regularly while lines are skipped; what it raises ends the reading.
    """

    def __init__(
        self,
        stream: BinaryIO,
        encoding: str,
        report: OnSkipped,
        check: Callable[[], None] = lambda: None,
        start: Position = START,
    ) -> None:
        self._stream = stream
        self._encoding = encoding
        self._report = report
        self._check = check
        self._number = 0
        self._text = io.TextIOWrapper(stream, encoding=encoding, errors=ERRORS, newline="")
        self._lines = self._read()
        if start.number:
            self._continue(start)

    @property
    def position(self) -> Position:
        """Where the next line begins."""
        return Position(self._number, str(self._text.tell()) if self._stream.seekable() else "")

    def __iter__(self) -> Iterator[NumberedLine]:
        return self._lines

    def _read(self) -> Iterator[NumberedLine]:
        try:
            while text := self._next():
                if reason := self._fault(text):
                    self._report(self._number, reason)
                else:
                    yield self._number, text
        finally:
            if not self._stream.closed:
                self._text.detach()  # the caller closes the stream

    def _next(self) -> str:
        text = self._text.readline(MAX_RECORD_CHARS)
        if text:
            self._number += 1
        return text.removeprefix("\ufeff") if self._number == 1 else text

    def _fault(self, text: str) -> str:
        """Why the line is skipped; of one that is too long the rest is read."""
        if len(text) >= MAX_RECORD_CHARS and not text.endswith(("\n", "\r")):
            self._skip_rest()
            return f"longer than {MAX_RECORD_CHARS:,} characters"
        if "\0" in text:
            return "contains NUL"
        return f"not {self._encoding}" if UNDECODABLE in text else ""

    def _skip_rest(self) -> None:
        while (rest := self._text.readline(MAX_RECORD_CHARS)) and not rest.endswith(("\n", "\r")):
            self._check()

    def _continue(self, start: Position) -> None:
        if start.cookie and self._stream.seekable():
            self._text.seek(int(start.cookie))
            self._number = start.number
            return
        while self._number < start.number and (text := self._next()):
            self._fault(text)
            if self._number % CHECKED_EVERY == 0:
                self._check()
