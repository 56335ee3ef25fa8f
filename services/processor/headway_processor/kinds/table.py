"""Rows of a CSV file, read in a stream: what is bad is set aside and named, never fatal."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec

from headway import TaskError

SAMPLE_BYTES = 64 * 1024
MAX_LINE_BYTES = 1024 * 1024
"""A longer line, and a longer field, is bad: memory does not depend on the file."""
MAX_BATCH_BYTES = 4 * 1024 * 1024
MAX_COLUMNS = 2000
MAX_BAD_SHOWN = 100
DELIMITERS = ",;\t|"
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class BadRow(msgspec.Struct, frozen=True):
    """A row or line that was left out."""

    line: int
    """Where it begins in the file, from 1."""
    reason: str


class Form(msgspec.Struct, frozen=True):
    """How the bytes of a table are to be read."""

    encoding: str
    """``utf-8`` or ``latin-1``."""
    delimiter: str


def form_of(sample: bytes, delimiter: str = "") -> Form:
    """Judge the first 64 kB of a file: UTF-8 if they are valid UTF-8, else Latin-1; the delimiter unless given.

    Raises TaskError for UTF-16 and for a file whose lines end with CR alone.
    """
    if sample.startswith(_UTF16):
        raise TaskError("The table is UTF-16. Save it as UTF-8 and try again.", type="BadTable", retryable=False)
    if b"\r" in sample and b"\n" not in sample:
        raise TaskError(
            "The table's lines end with a carriage return alone. Save it with the line ends of Unix or Windows.",
            type="BadTable",
            retryable=False,
        )
    encoding = "utf-8" if _is_utf8(sample) else "latin-1"
    text = sample.removeprefix(_BOM).decode(encoding, "ignore")
    return Form(encoding, delimiter or sniff(text))


def sniff(text: str) -> str:
    """The delimiter with which the most lines of `text` have the same number of fields; a comma if none stands out."""
    lines = list(io.StringIO(text, newline=""))
    if len(lines) > 1 and not text.endswith(("\n", "\r")):
        lines.pop()  # the sample ends within it
    best, choice = (0, 1), ","
    for delimiter in DELIMITERS:
        try:
            widths = Counter(len(row) for row in csv.reader(lines[:200], delimiter=delimiter) if row)
        except csv.Error:
            continue
        width, rows = max(widths.items(), key=lambda item: item[::-1], default=(1, 0))
        if width > 1 and (rows, width) > best:
            best, choice = (rows, width), delimiter
    return choice


class Table:
    """The table in a stream of bytes, at its beginning.

    Args:
        header: whether the first row names the columns; else they are named ``column 1`` …
        check: called now and then while a long line is skipped; what it raises ends the reading.

    Raises TaskError when there is no first row, or more than 2,000 columns.
    """

    def __init__(
        self, stream: BinaryIO, form: Form, *, header: bool = True, check: Callable[[], None] = lambda: None
    ) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE_BYTES))  # of the whole process: never lowered
        self.bad: list[BadRow] = []
        self.bad_count = 0
        self.rows = 0
        """Good rows read so far."""
        self._stream = stream
        self._check = check
        self._encoding = form.encoding
        self._line = 0
        self._bytes = 0
        self._reader = csv.reader(self._lines(), delimiter=form.delimiter)
        self._kept: list[list[str]] = []
        first = self._first()
        if len(first) > MAX_COLUMNS:
            raise TaskError(
                f"The table has {len(first)} columns; at most {MAX_COLUMNS} are profiled.",
                type="BadTable",
                retryable=False,
            )
        self.names = _names(first if header else [""] * len(first))
        if not header:
            self._kept.append(first)

    def batches(self, size: int) -> Iterator[list[list[str]]]:
        """Good rows, up to `size` at a time; fewer, or none, after 4 MB of the file."""
        batch, self._kept = self._kept, []
        width, start, began = len(self.names), self._line + 1, self._bytes
        while True:
            try:
                for row in self._reader:
                    if len(row) == width:
                        batch.append(row)
                    elif row:
                        self._set_aside(start, f"{len(row)} fields instead of {width}")
                    start = self._line + 1
                    if len(batch) >= size or self._bytes - began > MAX_BATCH_BYTES:
                        self.rows += len(batch)
                        yield batch
                        batch, began = [], self._bytes
                break
            except csv.Error as error:
                self._set_aside(start, str(error))
                start = self._line + 1
        self.rows += len(batch)
        yield batch

    def _first(self) -> list[str]:
        while True:
            start = self._line + 1
            try:
                row = next(self._reader, None)
            except csv.Error as error:
                self._set_aside(start, str(error))
                continue
            if row is None:
                raise TaskError("The table is empty: it has no first row.", type="BadTable", retryable=False)
            if row:
                return row

    def _lines(self) -> Iterator[str]:
        stream, encoding = self._stream, self._encoding
        while raw := stream.readline(MAX_LINE_BYTES):
            self._line += 1
            self._bytes += len(raw)
            if self._line == 1:
                raw = raw.removeprefix(_BOM)
            if len(raw) >= MAX_LINE_BYTES and not raw.endswith(b"\n"):
                self._set_aside(self._line, f"longer than {MAX_LINE_BYTES} bytes")
                self._skip_line()
            elif b"\0" in raw:
                self._set_aside(self._line, "contains NUL")
            else:
                try:
                    text = raw.decode(encoding)
                except UnicodeDecodeError:
                    self._set_aside(self._line, f"not {encoding}")
                    continue
                yield text

    def _skip_line(self) -> None:
        while (rest := self._stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
            self._check()

    def _set_aside(self, line: int, reason: str) -> None:
        self.bad_count += 1
        if len(self.bad) < MAX_BAD_SHOWN:
            self.bad.append(BadRow(line, reason))


def _is_utf8(sample: bytes) -> bool:
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        return (
            len(sample) >= SAMPLE_BYTES and error.start >= len(sample) - 3 and error.reason == "unexpected end of data"
        )
    return True


def _names(first: list[str]) -> list[str]:
    names: list[str] = []
    taken: Counter[str] = Counter()
    for number, text in enumerate(first, 1):
        name = " ".join(text.split())[:100] or f"column {number}"
        taken[name] += 1
        names.append(name if taken[name] == 1 else f"{name} ({taken[name]})")
    return names
