"""Detect the delimiter of a table from its beginning. No I/O."""

from __future__ import annotations

import io
import re
from collections import Counter

from headway_kinds.bulk.records import Records

DELIMITERS = ",;\t|"
MAX_SNIFFED_LINES = 1000
_SEP = re.compile(r'"?sep=([^"\r\n])"?[\r\n]+', re.IGNORECASE)


def sep_line(text: str) -> str:
    """Return the delimiter that a first line such as ``sep=;`` names, as in Excel; empty without such a line."""
    match = _SEP.match(text)
    return match[1] if match else ""


def sniff(text: str, *, cut: bool = False) -> str:
    """Return the delimiter with which most lines of `text` belong to records of one width; by default a comma.

    Quotes are respected, so a record of ten lines counts as ten.

    Args:
        cut: whether the text may end within a line.
    """
    lines = list(io.StringIO(text, newline=""))[:MAX_SNIFFED_LINES]
    if cut and len(lines) > 1:
        lines.pop()
    best, choice = (0, 0, 1), ","
    for delimiter in DELIMITERS:
        if (score := _score(lines, delimiter)) > best:
            best, choice = score, delimiter
    return choice


def _score(lines: list[str], delimiter: str) -> tuple[int, int, int]:
    """Return the number of lines in records of one width, whether the first is one, and the width; 0 for one column."""
    records = list(Records(iter(enumerate(lines)), delimiter, lambda number, reason: None))
    starts = [number for number, _ in records[1:]] + [len(lines)]
    covered: Counter[int] = Counter()
    for (number, fields), end in zip(records, starts, strict=False):
        if len(fields) > 1:
            covered[len(fields)] += end - number
    width, count = max(covered.items(), key=lambda item: item[::-1], default=(1, 0))
    first = next((len(fields) for _, fields in records if fields), 0)
    return count, first == width, width
