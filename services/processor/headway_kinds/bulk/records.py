"""The records of a CSV file, one by one. An unclosed quote loses its own line, not the rest of the file."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import msgspec

MAX_RECORD_CHARS = 1024 * 1024
"""A longer line, and a longer record, is bad, so that memory does not depend on the file."""
MIN_SPANNED_ROWS = 3
MAX_EXAMINED = 20
OPEN_QUOTE = "a quote is opened and never closed"

OnSkipped = Callable[[int, str], None]
NumberedLine = tuple[int, str]


class RecordsState(msgspec.Struct, frozen=True, array_like=True):
    """`Records` between two records, as they are stored."""

    again: list[NumberedLine]
    """Lines that were read and are to be read again."""
    suspicious: int
    first_suspicious: int


class _Feed:
    """The lines for `csv.reader`; those of the current record are kept, so that they can be read again."""

    def __init__(self, lines: Iterator[NumberedLine], again: Iterable[NumberedLine]) -> None:
        self.record: list[NumberedLine] = []
        self._lines = lines
        self.again = deque(again)
        self._chars = 0
        self.chars_taken = 0

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        numbered = self.again.popleft() if self.again else next(self._lines)
        self.record.append(numbered)
        self._chars += len(numbered[1])
        if self._chars > MAX_RECORD_CHARS and len(self.record) > 1:
            raise csv.Error("unexpected end of data")
        return numbered[1]

    def take(self) -> list[NumberedLine]:
        """Return the lines of the record that was read, and begin the next one."""
        record, self.record = self.record, []
        self.chars_taken += self._chars
        self._chars = 0
        return record

    def push_back(self, lines: list[NumberedLine]) -> None:
        self.again.extendleft(reversed(lines))


class Records:
    """Records with the numbers of their first lines.

    Args:
        lines: numbered lines with their line ends.
        report: called with the number and the reason of each line that is skipped.

    `width` is how many fields a record should have, 0 while that is unknown. `suspicious` counts the records that may
    hold rows in a quoted field; the first begins in line `first_suspicious`.
    """

    def __init__(
        self,
        lines: Iterator[NumberedLine],
        delimiter: str,
        report: OnSkipped,
        state: RecordsState = RecordsState([], 0, 0),  # noqa: B008 - frozen
    ) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_RECORD_CHARS))  # of the whole process: never lowered
        self.width = 0
        self.suspicious = state.suspicious
        self.first_suspicious = state.first_suspicious
        self._feed = _Feed(lines, state.again)
        self._delimiter = delimiter
        # A space before a quote is common, and cells are stripped anyway; as the delimiter it is not part of the field.
        self._blanks = delimiter != " "
        self._report = report

    @property
    def chars(self) -> int:
        """Number of characters read so far."""
        return self._feed.chars_taken

    @property
    def state(self) -> RecordsState:
        """What is stored of them, between two records."""
        return RecordsState(list(self._feed.again), self.suspicious, self.first_suspicious)

    def header(self) -> tuple[int, list[str], bool] | None:
        """Return line and fields of the first non-empty record, and whether its quotes are closed; None for none."""
        reader = self._reader(self._feed)
        try:
            for fields in reader:
                number = self._feed.take()[0][0]
                if fields:
                    return number, fields, True
        except csv.Error:
            (number, text), *rest = self._feed.take()
            self._feed.push_back(rest)
            bare = next(csv.reader([text], delimiter=self._delimiter, quoting=csv.QUOTE_NONE))
            return number, [field.strip('"') for field in bare], False
        return None

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        feed = self._feed
        while True:
            reader = self._reader(feed)
            try:
                for fields in reader:
                    if len(feed.record) > 1 and self._spans_rows(len(fields)):
                        self._drop_first(OPEN_QUOTE)
                    else:
                        yield feed.take()[0][0], fields
            except csv.Error as error:
                opened = len(feed.record) > 1 or "unexpected end" in str(error)
                self._drop_first(OPEN_QUOTE if opened else "text behind a closing quote")
            else:
                return

    def _reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self._delimiter, skipinitialspace=self._blanks, strict=True)

    def _drop_first(self, reason: str) -> None:
        """Skip the first line of the record, and read the others again as records of their own."""
        (number, _), *rest = self._feed.take()
        self._report(number, reason)
        self._feed.push_back(rest)

    def _spans_rows(self, fields: int) -> bool:
        """Return whether the lines within a quoted field are rows: then an opening quote of another field closed it.

        A few lines, or the end of the field alone, may be text by chance: they are counted in `suspicious`.
        """
        record = self._feed.record
        inner = [text for _, text in record[1:-1]]
        if self.width < 2 or not all(map(self._is_row, inner[:MAX_EXAMINED])):
            return False
        if inner and len(inner) >= (MIN_SPANNED_ROWS if fields == self.width else 1):
            return True
        if inner or (self.width > 2 and self._is_row(record[-1][1])):
            self.suspicious += 1
            self.first_suspicious = self.first_suspicious or record[0][0]
        return False

    def _is_row(self, text: str) -> bool:
        return text.count(self._delimiter) >= self.width - 1 and self.width in (
            len(next(csv.reader([text], delimiter=self._delimiter, quoting=quoting), ()))
            for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE)
        )
