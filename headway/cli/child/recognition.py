"""Progress in a line of output: `42 %` and `420/1000`, as programs print them. No I/O.

A number alone proves nothing: `df` prints percentages, texts have dates, paths and fractions. So a number counts only
with a sign of progress beside it:

* a percentage, when its line is redrawn, or when it is `[ 42%]` at an end of the line, beside a bar (`42%|██`,
  `42%[==>`, `[##  ] 42%`), beside a count of the same share, after dots (`Reading… 42%`), followed by a size
  (`42% of 10 MiB`), or all of the line but a word such as `Progress:` or `done`;
* a count `n/m` with n ≤ m, when it is `[n/m]` or `(n/m)` at the beginning of the line, beside a bar, beside a
  percentage of the same share, after a word such as `Step` at the beginning, or the only one of a redrawn line.

A line is redrawn that a carriage return or a move of the cursor overwrites: nobody writes prose so. Next to another
slash, a letter, a colon or a dash a number belongs to a date, a path, a version or an address.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_LINE_CHARS = 1000
"""Longer lines are not searched: a bar is as wide as a terminal."""
SAME_SHARE = 1.01
"""A percentage and a count of one bar differ by rounding alone."""

_NUMBER = r"\d[\d,]*(?:\.\d+)?"
_SCALE = r"[kKMGTP]?i?B|bytes|[kKMGTP]"
_COUNT = re.compile(
    rf"(?<![\w/.:,=+%-])({_NUMBER})\s?({_SCALE})?\s?/\s?({_NUMBER})(?:\s?({_SCALE})(?![\w/]))?(?![\w/]|[.:,-]\d)"
)
_PERCENT = re.compile(r"(?<![\w/.:,=+-])(\d{1,3}(?:\.\d+)?)\s?%(?![\w/])")
_BAR = r"(?:[█▉▊▋▌▍▎▏▓▒░━╸╺■□⣿]{2,}|[|\[<(][=#>*. \-]*[=#>*\-][=#>*. \-]*[|\])>]|[|\[][=#>]+[ .\-]*|\|\s{2,}\|)"
_BAR_BEFORE = re.compile(rf"{_BAR}[|\]\s]*$")
_BAR_AFTER = re.compile(rf"^\s*\|?{_BAR}")
_BARS = re.compile(rf"{_BAR}|[#=]{{3,}}|[|\[][=#>█ .\-]*$")
_LEADING = re.compile(r"^(?:#\d+ )?[\[(]\s*$")
_BRACKET = re.compile(r"^\s*[\])]")
_WORDS_BEFORE = re.compile(
    r"^(?:#\d+ )?(?:step|epoch|batch|stage|phase|iteration|task|chunk|item|progress|process(?:ing|ed))\s*[:#]?\s*$",
    re.I,
)
_ALONE_BEFORE = re.compile(r"^(?:[\w ]{0,20}\bprogress\W{0,3})?$", re.I)
_ALONE_AFTER = re.compile(r"^\W*(?:done|completed?|finished)?\W*$", re.I)
_DOTS_BEFORE = re.compile(r"(?:\.{3,}|…)\s*$")
_SIZE_AFTER = re.compile(r"^ of ~?\s*\d[\d.,]*\s?[KMGTk]?i?B\b")
_COUNTED = re.compile(r"^(?:(.*?): )?(\d[\d.]*[kMGT]?)(\w+?) \[\d+:\d\d(?::\d\d)?, ")
_RATE_UNIT = re.compile(r", *[\d.?]+[kMGT]?([A-Za-z]+)/s(?:, [^\]]*)?\]|, *[\d.?]+s/([A-Za-z]+)(?:, [^\]]*)?\]")
_COPIED = re.compile(r"^(\d+) bytes (?:\(.*\) )?copied, ")
_CURL = re.compile(r"^(\d{1,3})\s+\d[\d.]*[kMGTP]?\s+(?:\d{1,3}\s+\d[\d.]*[kMGTP]?\s+){2}.*(?:--|\d\d):(?:--|\d\d)\s")
_EXPONENTS = {letter: power for power, letter in enumerate("kmgtp", 1)}


class Seen(NamedTuple):
    """A bar as a line shows it."""

    bar: str
    """What distinguishes it from other bars: its label without digits, empty for one in brackets."""
    label: str
    """What it is called, or the text of its line."""
    done: float
    total: float | None
    unit: str
    """`B` for sizes, `%` for a percentage without a count."""

    @property
    def share(self) -> float:
        """0 to 1; 0 when there is no total."""
        return self.done / self.total if self.total else 0.0


def recognise(line: str, *, redrawn: bool = False) -> Seen | None:
    """The progress that a line without control sequences shows, or None.

    >>> recognise("[ 42/100] Compiling bar.c")
    Seen(bar='', label='Compiling bar.c', done=42.0, total=100.0, unit='')
    >>> recognise("Receiving objects:  42% (420/1000), 1.2 MiB | 3 MiB/s").label
    'Receiving objects'
    >>> recognise("/dev/vda  252G   16G   76G  17% /"), recognise("on 26/11/2026 at 3/4 of the way")
    (None, None)
    """
    text = line.strip()
    if not text or len(text) > MAX_LINE_CHARS or not any(map(str.isdigit, text)):
        return None
    return _count(text, redrawn) or _percentage(text, redrawn) or _without_total(text, redrawn)


def _count(text: str, redrawn: bool) -> Seen | None:
    found = [match for match in _COUNT.finditer(text) if _is_share(match)]
    percent = _PERCENT.search(text)
    for match in found:
        before, after = text[: match.start()], text[match.end() :]
        leading = _LEADING.match(before) is not None and _BRACKET.match(after) is not None
        if (
            leading
            or _beside_bar(before, after)
            or (percent is not None and abs(_share(match) * 100 - float(percent[1])) < SAME_SHARE)
            or _WORDS_BEFORE.match(before)
            or (redrawn and len(found) == 1 and not re.match(r"\s+\d\d:\d\d", after))
        ):
            done, total, unit = _values(match)
            label = _BRACKET.sub("", after) if leading else before
            return _seen(label, done, total, unit or _rate_unit(after), bracketed=leading)
    return None


def _percentage(text: str, redrawn: bool) -> Seen | None:
    for match in _PERCENT.finditer(text):
        before, after = text[: match.start()], text[match.end() :]
        bracketed = before.endswith(("[", "[ ", "[  ")) and _BRACKET.match(after) is not None
        leading = bracketed and before.lstrip("[ ") == ""
        trailing = bracketed and _BRACKET.sub("", after).strip() == ""
        if float(match[1]) <= 100 and (
            redrawn
            or leading
            or trailing
            or _beside_bar(before, after)
            or _DOTS_BEFORE.search(before)
            or _SIZE_AFTER.match(after)
            or (_ALONE_BEFORE.match(before) and _ALONE_AFTER.match(after))
        ):
            label = _BRACKET.sub("", after) if leading else before
            return _seen(label, float(match[1]), 100.0, "%", bracketed=leading or trailing)
    return None


def _without_total(text: str, redrawn: bool) -> Seen | None:
    if match := _COUNTED.match(text):  # tqdm
        done = _scaled(*_split(match[2]))
        return _seen(match[1] or "", done, None, match[3])
    if redrawn and (match := _COPIED.match(text)):  # dd
        return _seen("", float(match[1]), None, "B")
    if redrawn and (match := _CURL.match(text)) and int(match[1]) <= 100:
        return _seen("", float(match[1]), 100.0, "%")
    return None


def _seen(label: str, done: float, total: float | None, unit: str, *, bracketed: bool = False) -> Seen:
    name = _BARS.sub("", _PERCENT.sub("", label)).lstrip("[(:) \t").rstrip(".…:|[]()% \t")
    key = "" if bracketed else re.sub(r"[\d,.]+", "", name).casefold().strip()
    return Seen(key, name if re.search(r"[^\W\d_]{2}", name) else "", done, total, unit)


def _beside_bar(before: str, after: str) -> bool:
    return _BAR_BEFORE.search(before) is not None or _BAR_AFTER.match(after) is not None


def _is_share(match: re.Match[str]) -> bool:
    done, total, _ = _values(match)
    return total > 0 and done <= total


def _share(match: re.Match[str]) -> float:
    done, total, _ = _values(match)
    return done / total


def _values(match: re.Match[str]) -> tuple[float, float, str]:
    """Done, total and unit. A scale that stands at the total alone is that of both."""
    scale, whole = match[2] or match[4] or "", match[4] or match[2] or ""
    return _scaled(match[1], scale), _scaled(match[3], whole), "B" if whole.endswith(("B", "bytes")) else ""


def _scaled(number: str, scale: str) -> float:
    base = 1024 if "i" in scale else 1000
    return float(number.replace(",", "")) * float(base ** _EXPONENTS.get(scale[:1].lower(), 0))


def _split(number: str) -> tuple[str, str]:
    return (number[:-1], number[-1]) if number[-1:].isalpha() else (number, "")


def _rate_unit(text: str) -> str:
    match = _RATE_UNIT.search(text)
    return (match[1] or match[2] or "") if match else ""
