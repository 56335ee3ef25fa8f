"""Rows of a CSV file, read in a stream: what is bad is left out and named, and what is doubtful is a warning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec

from headway import TaskError
from headway_kinds.bulk.charset import decode, encoding_of
from headway_kinds.bulk.content import refuse_binary, refuse_other_text
from headway_kinds.bulk.delimiter import sep_line, sniff
from headway_kinds.bulk.lines import numbered
from headway_kinds.bulk.records import OPEN_QUOTE, Records

SAMPLE_BYTES = 64 * 1024
MAX_BATCH_LINES = 20_000
MAX_BATCH_CHARS = 4 * 1024 * 1024
MAX_COLUMNS = 2000
MAX_BAD_SHOWN = 100
MAX_NAMED = 3
CHECKED_EVERY = 1000


class BadRow(msgspec.Struct, frozen=True):
    """A row or line that was left out."""

    line: int
    """Where it begins in the file, from 1."""
    reason: str


class Form(msgspec.Struct, frozen=True):
    """How the bytes of a table are to be read."""

    encoding: str
    delimiter: str
    sep_line: bool = False
    """The first line says ``sep=;`` or the like and is not part of the table."""
    warnings: tuple[str, ...] = ()


class TableError(TaskError):
    """The table cannot be read as it is: trying again will not help."""

    def __init__(self, message: str) -> None:
        super().__init__(message, type="BadTable", retryable=False)


def form_of(sample: bytes, delimiter: str = "", encoding: str = "") -> Form:
    """Judge the first 64 kB of a file; what is given is not judged. Raises ContentError for what is not a table."""
    refuse_binary(sample)
    found, guessed = (encoding, False) if encoding else encoding_of(sample)
    text = decode(sample, found)
    refuse_other_text(text)
    named = sep_line(text)
    table = text.split("\n", 1)[-1] if named else text
    warnings = (_guess(found),) if guessed else ()
    chosen = delimiter or named or sniff(table, cut=len(sample) >= SAMPLE_BYTES)
    return Form(found, chosen, bool(named), warnings)


def _guess(encoding: str) -> str:
    return (
        f"The file does not say how its letters are stored. It is read as {encoding}, which is a guess: "
        "if letters look wrong, give the encoding."
    )


class Table:
    """The table in a stream of bytes, at its beginning.

    Args:
        header: whether the first row names the columns; else they are named ``column 1`` …
        check: called now and then while bad lines are skipped; what it raises ends the reading.

    Raises TableError when there is no first row, or more than 2,000 columns.
    """

    def __init__(
        self, stream: BinaryIO, form: Form, *, header: bool = True, check: Callable[[], None] = lambda: None
    ) -> None:
        self.bad: list[BadRow] = []
        self.bad_count = 0
        self.rows = 0
        """Good rows read so far."""
        self._reasons: Counter[str] = Counter()
        self._warnings = list(form.warnings)
        self._check = check
        lines = numbered(stream, form.encoding, self._leave_out, check)
        if form.sep_line:
            next(lines, None)
        self._records = Records(lines, form.delimiter, self._leave_out)
        self._iterator = iter(self._records)
        self._kept: list[list[str]] = []
        first = self._header() if header else self._first_row()
        if len(first) > MAX_COLUMNS:
            raise TableError(f"The table has {len(first)} columns; at most {MAX_COLUMNS} are profiled.")
        self._records.width = len(first)
        self.names = self._names(first if header else [""] * len(first), warn=header)
        if not header:
            self._kept.append(first)

    def batches(self, size: int) -> Iterator[list[list[str]]]:
        """Good rows, up to `size` at a time; fewer, or none, after 20,000 bad ones or 4 million characters."""
        batch, self._kept = self._kept, []
        records, width, seen, began = self._records, len(self.names), 0, self._records.chars
        for line, row in self._iterator:
            seen += 1
            if len(row) == width:
                batch.append(row)
            elif row and row != ["\x1a"]:  # the end mark of DOS
                self._leave_out(line, _fields(len(row), width))
            if len(batch) >= size or records.chars - began > MAX_BATCH_CHARS or seen >= MAX_BATCH_LINES:
                self.rows += len(batch)
                yield batch
                batch, seen, began = [], 0, records.chars
        self.rows += len(batch)
        yield batch

    @property
    def warnings(self) -> list[str]:
        """What a person should know before trusting the profile; complete when all rows were read."""
        found = list(self._warnings)
        if self.bad_count:
            total = self.rows + self.bad_count
            found.append(f"{self.bad_count:,} of {total:,} rows left out as bad: {self.complaint()}")
        if self._records.doubtful:
            count, line = self._records.doubtful, self._records.first_doubtful
            fields = "field holds" if count == 1 else "fields hold"
            found.append(
                f"{count:,} quoted {fields} lines that look like rows, from line {line}: is a quote left open?"
            )
        if not self.rows and not self.bad_count:
            found.append("The table has a header and no rows.")
        return found

    def complaint(self) -> str:
        """The most frequent reasons for leaving rows out, each with its first line, and what can be done."""
        shown = []
        for reason, count in self._reasons.most_common(MAX_NAMED):
            first = next((entry.line for entry in self.bad if entry.reason == reason), 0)
            where = f"line {first}" if first else "further on"
            shown.append(f"{reason} ({where}{f' and {count - 1:,} more' if count > 1 else ''})")
        return "; ".join(shown) + "." + self._advice()

    def _advice(self) -> str:
        reason = self._reasons.most_common(1)[0][0]
        if "fields instead of" in reason and self.bad_count > self.rows:
            return " Perhaps lines stand above the header, or the delimiter is another: remove them, or give it."
        if reason == OPEN_QUOTE and self.rows:
            return " The lines behind it were read."
        if reason.startswith("not "):
            return " Perhaps the encoding is another: give it."
        return ""

    def _header(self) -> list[str]:
        header = self._records.header()
        if header is None:
            raise TableError(self._without_rows())
        line, fields, sound = header
        if not sound:
            self._warnings.append(
                f"Line {line}: a quote in the header is never closed; the names are read without quotes."
            )
        return fields

    def _first_row(self) -> list[str]:
        row = next((row for _, row in self._iterator if row), None)
        if row is None:
            raise TableError(self._without_rows())
        return row

    def _without_rows(self) -> str:
        if not self.bad_count:
            return "The table is empty: it has no first row."
        return f"The table is empty: none of its {self.bad_count:,} lines can be read: {self.complaint()}"

    def _leave_out(self, line: int, reason: str) -> None:
        self.bad_count += 1
        if self.bad_count % CHECKED_EVERY == 0:
            self._check()
        if len(self._reasons) < MAX_COLUMNS or reason in self._reasons:
            self._reasons[reason] += 1
        if len(self.bad) < MAX_BAD_SHOWN:
            self.bad.append(BadRow(line, reason))

    def _names(self, first: list[str], *, warn: bool) -> list[str]:
        names: list[str] = []
        taken: Counter[str] = Counter()
        used: set[str] = set()
        for number, text in enumerate(first, 1):
            name = " ".join(text.split())[:100] or f"column {number}"
            taken[name] += 1
            while (unique := name if taken[name] == 1 else f"{name} ({taken[name]})") in used:
                taken[name] += 1
            used.add(unique)
            names.append(unique)
        if warn and (changed := [name for name, text in zip(names, first, strict=True) if text.strip() == ""]):
            self._warnings.append(f"Columns without a name are called {_listed(changed)}.")
        if repeated := [name for name, count in taken.items() if count > 1]:
            self._warnings.append(f"The header names several columns {_listed(repeated)}; they are numbered.")
        return names


def _fields(found: int, width: int) -> str:
    return f"{found} {'field' if found == 1 else 'fields'} instead of {width}"


def _listed(names: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in names[:MAX_NAMED]) + (" …" if len(names) > MAX_NAMED else "")
