"""Formatting of numbers and of untrusted text for a terminal. No I/O."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from decimal import Decimal

BYTES = frozenset(("B", "byte", "bytes"))
SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "milliseconds"), 0.001),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
}
"""Units of time in seconds. A rate of such a unit is a factor."""
MAX_PLAIN = 2.0**53
"""From here a float no longer represents every integer."""
MAX_BITS = 400
MAX_SECONDS = 10**12

_UNSAFE = re.compile(
    # Line and paragraph separators and lone surrogates, which no encoding has.
    "[\u2028\u2029\ud800-\udfff"
    # C0 except line feed and tab, DEL, C1: control characters of terminals.
    "\x00-\x08\x0b-\x1f\x7f-\x9f"
    # Format characters: bidirectional overrides and isolates, zero widths, annotations, musical and shorthand signs.
    "\xad\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    # Tags and variation selectors of the supplementary plane: invisible.
    "\U000e0000-\U000e0fff"
    # Invisible letters: joiners, fillers, inherent vowels.
    "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]"
)


def plain(text: object) -> str:
    """Remove control and invisible characters. Applied to all text that is printed.

    Lone surrogates become U+FFFD, line and paragraph separators spaces; the other characters of `_UNSAFE` are removed.
    Line feeds and tabs are kept.

    >>> plain("a\\x1b[2Jb\\u202ec\\ud83d")
    'a[2Jbc\ufffd'
    """
    return _UNSAFE.sub(_replacement, str(text))


def one_line(text: object) -> str:
    """Like `plain`, with runs of white space replaced by single spaces."""
    return " ".join(plain(text).split())


def json_text(text: str, *, ascii_only: bool = False) -> str:
    """Return JSON text in one line, with the characters that `plain` would remove escaped, so that nothing is lost.

    `ascii_only` escapes all non-ASCII characters. Numbers are unchanged.

    >>> json_text('{"n": 1e400,\\n"s": "\\u202e"}')
    '{"n": 1e400,"s": "\\\\u202e"}'
    """
    line = re.sub(r"[\r\n\t]+", "", text)  # valid JSON has them only between tokens
    return (_BEYOND_ASCII if ascii_only else _UNSAFE).sub(_escape, line)


_BEYOND_ASCII = re.compile("[\x00-\x1f\x7f-\U0010ffff]")


def _replacement(found: re.Match[str]) -> str:
    character = found[0]
    if character in "\u2028\u2029":
        return " "
    return "\ufffd" if "\ud800" <= character <= "\udfff" else ""


def _escape(found: re.Match[str]) -> str:
    pairs = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{pairs[at : at + 4]}" for at in range(0, len(pairs), 4))


def count(value: float | Decimal) -> str:
    """Format a number with thousands separators: integers exactly, others with one decimal place.

    >>> count(12345), count(3.14159), count(2**53 + 1)
    ('12,345', '3.1', '9,007,199,254,740,993')
    """
    if isinstance(value, int):
        return f"{value:,}" if value.bit_length() <= MAX_BITS else f"{Decimal(value):.6e}"
    if isinstance(value, Decimal) or abs(value) >= MAX_PLAIN:
        return digits(value)
    return f"{value:,.0f}" if value.is_integer() else f"{value:,.1f}"


def digits(value: float | Decimal) -> str:
    """Format a non-integer with all of its digits.

    >>> digits(Decimal("0.12345678901234567890")), digits(Decimal("1E+400"))
    ('0.12345678901234567890', '1E+400')
    """
    number = Decimal(repr(value)) if isinstance(value, float) else value
    whole = number.is_finite() and 0 <= number.adjusted() < 21
    return f"{number:,f}" if whole else str(number)


def percent(value: float) -> str:
    """Format a percentage, rounded down: 100 % is shown only at the end.

    >>> percent(99.9)
    '99 %'
    """
    return f"{int(min(max(value, 0), 100))} %"


def duration(seconds: float) -> str:
    """Format a duration; the longer it is, the coarser.

    >>> duration(7.4), duration(83), duration(3725), duration(200_000)
    ('7 s', '1 min 20 s', '1 h 2 min', '2 d 7 h')
    """
    whole = int(min(max(seconds, 0), MAX_SECONDS))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        rest -= rest % (10 if minutes < 10 else 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def speed(rate: float, unit: str = "") -> str:
    """Format a rate per second, or per minute if it is below one per second.

    The rate of a unit of time is a factor; bytes use their multiples.

    >>> speed(3.14, "pages"), speed(0.2, "pages"), speed(1234.5)
    ('3.1 pages/s', '12 pages/min', '1,234/s')
    >>> speed(1.02, "s"), speed(3_140_000, "bytes")
    ('1.0×', '3.1 MB/s')
    """
    if unit in SECONDS:
        factor = float(rate) * SECONDS[unit]
        return f"{factor:,.0f}×" if factor >= 10 else f"{factor:.1f}×"
    if unit in BYTES:
        return f"{size(rate)}/s"
    value, per = (rate, "s") if rate >= 1 else (rate * 60, "min")
    shown = f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
    return f"{shown} {one_line(unit)}/{per}" if unit else f"{shown}/{per}"


def amount(done: float, total: float | None, unit: str = "") -> str:
    """Format done and total with their unit.

    >>> amount(42, 100, "pages"), amount(7, None), amount(90, 300, "s"), amount(1_200_000, 34_000_000, "B")
    ('42/100 pages', '7', '1 min 30 s/5 min', '1.2 MB/34 MB')
    """
    show, name = count, one_line(unit)
    if unit in BYTES:
        show, name = size, ""
    elif unit in SECONDS:
        show, name = (lambda value: duration(float(value) * SECONDS[unit])), ""
    shown = show(done) if total is None else f"{show(done)}/{show(total)}"
    return f"{shown} {name}" if name else shown


def size(value: float | Decimal) -> str:
    """Format a number of bytes with a decimal prefix.

    >>> size(999), size(1000), size(3_140_000), size(34_000_000_000)
    ('999 B', '1.0 kB', '3.1 MB', '34 GB')
    """
    number, unit = float(min(value, 10**30)), "B"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if abs(number) < 999.5:
            break
        number, unit = number / 1000, larger
    return f"{number:,.0f} {unit}" if unit == "B" or number >= 9.95 else f"{number:.1f} {unit}"


def short_id(task: str) -> str:
    """Shorten an id to its end: ids created at the same time have the same beginning.

    >>> short_id("06e5b8k1a2b3c4d5e6f7g8h9i0")
    '…e6f7g8h9i0'
    """
    return task if len(task) <= 12 else "…" + task[-10:]


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return a hint for a name that is not among `known`.

    >>> suggestion("crwal", ["bulk", "crawl"]), suggestion("x", ["bulk", "crawl"]), suggestion("x", [])
    ('did you mean crawl?', 'known: bulk, crawl', 'none are known')
    """
    names = sorted(map(one_line, known))
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"known: {', '.join(names)}" if names else "none are known"
