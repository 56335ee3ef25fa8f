"""The rows of a CSV file, read as a stream. Bad rows are skipped and listed; suspicious content becomes a warning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec

from headway import TaskError
from headway_kinds.bulk.charset import decode, encoding_of
from headway_kinds.bulk.content import reject_binary, reject_other_text
from headway_kinds.bulk.delimiter import sep_line, sniff
from headway_kinds.bulk.lines import START, Lines, Position
from headway_kinds.bulk.records import OPEN_QUOTE, Records, RecordsState

SAMPLE_BYTES = 64 * 1024
MAX_BATCH_LINES = 20_000
MAX_BATCH_CHARS = 4 * 1024 * 1024
MAX_COLUMNS = 2000
MAX_BAD_ROWS = 100
MAX_NAMED = 3
CHECKED_EVERY = 1000


class BadRow(msgspec.Struct, frozen=True):
    """A row or line that was skipped."""

    line: int
    """Number of its first line in the file, from 1."""
    reason: str


class TableFormat(msgspec.Struct, frozen=True):
    """Encoding and delimiter of a table."""

    encoding: str
    delimiter: str
    sep_line: bool = False
    """Whether the first line is ``sep=;`` or similar, and not part of the table."""
    warnings: tuple[str, ...] = ()


class TableState(msgspec.Struct, frozen=True, array_like=True):
    """A `Table` between two batches, as it is stored."""

    position: Position
    records: RecordsState
    names: list[str]
    rows: int
    bad: list[BadRow]
    bad_count: int
    reasons: dict[str, int]
    warnings: list[str]


class TableError(TaskError):
    """The table cannot be read as it is; not retryable."""

    def __init__(self, message: str) -> None:
        super().__init__(message, type="BadTable", retryable=False)


def detect_format(sample: bytes, delimiter: str = "", encoding: str = "") -> TableFormat:
    """Detect what is not given from the first 64 KiB of a file. Raises ContentError for what is not a table."""
    reject_binary(sample)
    found, guessed = (encoding, False) if encoding else encoding_of(sample)
    text = decode(sample, found)
    reject_other_text(text)
    named = sep_line(text)
    table = text.split("\n", 1)[-1] if named else text
    warnings = (_guess_warning(found),) if guessed else ()
    chosen = delimiter or named or sniff(table, cut=len(sample) >= SAMPLE_BYTES)
    return TableFormat(found, chosen, bool(named), warnings)


def _guess_warning(encoding: str) -> str:
    return (
        f"The file does not say which encoding it has. It is read as {encoding}, which is a guess: "
        "if letters look wrong, set the encoding."
    )


class Table:
    """The table in a stream of bytes that is at its beginning.

    Args:
        header: whether the first row names the columns; else they are named ``column 1`` …
        check: called regularly while bad lines are skipped; what it raises ends the reading.
        state: where to continue, of the same file in the same format.

    Raises TableError when there is no first row, or more than 2,000 columns.
    """

    def __init__(
        self,
        stream: BinaryIO,
        format: TableFormat,
        *,
        header: bool = True,
        check: Callable[[], None] = lambda: None,
        state: TableState | None = None,
    ) -> None:
        self.bad: list[BadRow] = []
        self.bad_count = 0
        self.rows = 0
        """Good rows read so far."""
        self._reasons: Counter[str] = Counter()
        self._warnings = list(format.warnings)
        self._check = check
        self._kept: list[list[str]] = []
        self._lines = Lines(stream, format.encoding, self._skip_row, check, state.position if state else START)
        if state is not None:
            self._continue(state, format)
            return
        lines = iter(self._lines)
        if format.sep_line:
            next(lines, None)
        self._records = Records(lines, format.delimiter, self._skip_row)
        self._iterator = iter(self._records)
        first = self._header() if header else self._first_row()
        if len(first) > MAX_COLUMNS:
            raise TableError(f"The table has {len(first)} columns; at most {MAX_COLUMNS} are profiled.")
        self._records.width = len(first)
        self.names = self._names(first if header else [""] * len(first), warn=header)
        if not header:
            self._kept.append(first)

    @property
    def state(self) -> TableState:
        """What is stored of it, between two batches."""
        return TableState(
            self._lines.position,
            self._records.state,
            self.names,
            self.rows,
            self.bad,
            self.bad_count,
            self._reasons,
            self._warnings,
        )

    def _continue(self, state: TableState, format: TableFormat) -> None:
        self.names, self.rows = state.names, state.rows
        self.bad, self.bad_count, self._reasons = state.bad, state.bad_count, Counter(state.reasons)
        self._warnings = state.warnings
        self._records = Records(iter(self._lines), format.delimiter, self._skip_row, state.records)
        self._records.width = len(state.names)
        self._iterator = iter(self._records)

    def batches(self, size: int) -> Iterator[list[list[str]]]:
        """Yield good rows, up to `size` at a time; fewer, or none, after 20,000 lines or 4 million characters."""
        batch, self._kept = self._kept, []
        records, width, seen, began = self._records, len(self.names), 0, self._records.chars
        for line, row in self._iterator:
            seen += 1
            if len(row) == width:
                batch.append(row)
            elif row and row != ["\x1a"]:  # the end mark of DOS
                self._skip_row(line, _fields(len(row), width))
            if len(batch) >= size or records.chars - began > MAX_BATCH_CHARS or seen >= MAX_BATCH_LINES:
                self.rows += len(batch)
                yield batch
                batch, seen, began = [], 0, records.chars
        self.rows += len(batch)
        yield batch

    @property
    def warnings(self) -> list[str]:
        """Reasons to doubt the profile; complete when all rows were read."""
        found = list(self._warnings)
        if self.bad_count:
            total = self.rows + self.bad_count
            found.append(f"{self.bad_count:,} of {total:,} rows skipped as bad: {self.bad_row_summary()}")
        if self._records.suspicious:
            count, line = self._records.suspicious, self._records.first_suspicious
            fields = "field holds" if count == 1 else "fields hold"
            found.append(
                f"{count:,} quoted {fields} lines that look like rows, from line {line}: is a quote not closed?"
            )
        if not self.rows and not self.bad_count:
            found.append("The table has a header and no rows.")
        return found

    def bad_row_summary(self) -> str:
        """Return the most frequent reasons for skipping rows, each with its first line, and advice."""
        shown = []
        for reason, count in self._reasons.most_common(MAX_NAMED):
            first = next((entry.line for entry in self.bad if entry.reason == reason), 0)
            where = f"line {first}" if first else "further on"
            shown.append(f"{reason} ({where}{f' and {count - 1:,} more' if count > 1 else ''})")
        return "; ".join(shown) + "." + self._advice()

    def _advice(self) -> str:
        reason = self._reasons.most_common(1)[0][0]
        if "fields instead of" in reason and self.bad_count > self.rows:
            return " Perhaps there are lines above the header, or the delimiter is another: remove them, or set it."
        if reason == OPEN_QUOTE and self.rows:
            return " The lines after it were read."
        if reason.startswith("not "):
            return " Perhaps the encoding is another: set it."
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
        return f"The table is empty: none of its {self.bad_count:,} lines can be read: {self.bad_row_summary()}"

    def _skip_row(self, line: int, reason: str) -> None:
        self.bad_count += 1
        if self.bad_count % CHECKED_EVERY == 0:
            self._check()
        if len(self._reasons) < MAX_COLUMNS or reason in self._reasons:
            self._reasons[reason] += 1
        if len(self.bad) < MAX_BAD_ROWS:
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
