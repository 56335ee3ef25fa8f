"""Numbers and foreign text as people read them in a terminal. No I/O."""

from __future__ import annotations

_CONTROLS = {code: None for code in (*range(32), 127, *range(128, 160)) if chr(code) not in "\n\t"}


def plain(text: object) -> str:
    """`text` without control characters: what a task prints must not steer the terminal.

    >>> plain("a\\x1b[2Jb")
    'a[2Jb'
    """
    return str(text).translate(_CONTROLS)


def one_line(text: object) -> str:
    """The same, with line ends and tabs as blanks."""
    return " ".join(plain(text).split())


def count(value: float) -> str:
    """A number with separators, and one digit after the point where it has a fraction.

    >>> count(12345), count(3.14159)
    ('12,345', '3.1')
    """
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def percent(value: float) -> str:
    """Rounded down: 100 % is the end and nothing before.

    >>> percent(99.9)
    '99 %'
    """
    return f"{int(value)} %"


def duration(seconds: float) -> str:
    """Coarse: nobody plans by the second for an hour ahead.

    >>> duration(7.4), duration(83), duration(3725), duration(200_000)
    ('7 s', '1 min 20 s', '1 h 2 min', '2 d 7 h')
    """
    whole = max(int(seconds), 0)
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
    """Units a second, or a minute for slow work.

    >>> speed(3.14, "pages"), speed(0.2, "pages"), speed(1234.5)
    ('3.1 pages/s', '12 pages/min', '1,234/s')
    """
    value, per = (rate, "s") if rate >= 1 else (rate * 60, "min")
    shown = f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
    return f"{shown} {unit}/{per}" if unit else f"{shown}/{per}"


def amount(done: float, total: float | None, unit: str = "") -> str:
    """How much of how much.

    >>> amount(42, 100, "pages"), amount(7, None)
    ('42/100 pages', '7')
    """
    shown = count(done) if total is None else f"{count(done)}/{count(total)}"
    return f"{shown} {one_line(unit)}" if unit else shown


def short(task: str) -> str:
    """Enough of an id to tell tasks on a screen apart: the end, since ids of one moment begin alike.

    >>> short("06e5b8k1a2b3c4d5e6f7g8h9i0")
    '…e6f7g8h9i0'
    """
    return task if len(task) <= 12 else "…" + task[-10:]
