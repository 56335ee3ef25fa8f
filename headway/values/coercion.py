"""Convert the arguments of handlers to numbers and texts that an event can hold. Nothing here raises."""

from __future__ import annotations

from typing import Any

MAX_TEXT = 4000


def number(value: Any) -> float | None:
    """`value` as a finite float; None for anything else.

    >>> number("2.5"), number(float("nan")), number("x")
    (2.5, None, None)
    """
    try:
        converted = float(value)
    except Exception:  # noqa: BLE001 - whatever a third-party __float__ raises
        return None
    return converted if converted - converted == 0.0 else None  # inf and nan give nan; faster than math.isfinite


def clean(value: Any) -> str:
    """`value` as a plain str that can be encoded as UTF-8; a lone surrogate becomes a question mark."""
    try:
        text = value if isinstance(value, str) else str(value)
    except Exception:  # noqa: BLE001 - whatever a third-party __str__ raises
        text = f"<{type(value).__name__}>"
    text = str.__str__(text)  # msgspec takes no subclass, such as markupsafe.Markup or numpy.str_
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text


def shorten(value: Any, limit: int = MAX_TEXT) -> str:
    """`clean(value)`, cut to at most `limit` characters."""
    text = clean(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
