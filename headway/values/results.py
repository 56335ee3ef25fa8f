"""Results as JSON. No I/O.

msgspec encodes what it can. When a part of a result has no JSON form there, the result is walked: first the forms of
known types (pydantic, `__json__`, numpy, paths), then the encoders of the task and of the process are tried, and what
is left is kept as the text of its `repr`, with its place.
"""

from __future__ import annotations

import enum
import re
import reprlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import msgspec

from headway import codec
from headway.values.json_forms import NATIVE, WAYS, native, scalar

Encoder: TypeAlias = Callable[[Any], Any]
"""Takes a value without a JSON form and returns one that has one, or NotImplemented for an unknown type."""

MAX_RESULT_BYTES = 128 * 1024
"""Largest result that an event holds. Processors store a larger one apart, and the event links to it."""
MAX_REPR = 500
MAX_PLACES = 20
"""Maximum number of places that are named; the rest is counted."""

_CONTAINERS = (list, tuple, set, frozenset, deque)
_POINTER = re.compile(r" at 0x[0-9A-Fa-f]+")

_default: list[Encoder] = []


class Place(NamedTuple):
    """The place of a part of a result that is kept as text."""

    pointer: str
    """JSON pointer; empty for the whole result."""
    type: str


class Encoded(NamedTuple):
    """A result as JSON."""

    raw: bytes
    places: tuple[Place, ...] = ()
    """The first places that hold the text of a value instead of the value."""
    left_out: int = 0
    """The number of further such places."""

    @property
    def warning(self) -> str:
        """A message that names the places; empty when there are none."""
        if not self.places:
            return ""
        named = ", ".join(f"{place.pointer or 'all of it'} ({place.type})" for place in self.places)
        return f"parts of the result have no JSON form and are kept as text: {named}" + (
            f" and {self.left_out} more" if self.left_out else ""
        )


def default_encoder(encoder: Encoder) -> Encoder:
    """Set the encoder of this process, tried after that of the task; it replaces an earlier one. Works as a decorator.

    >>> @default_encoder
    ... def encode(value):
    ...     return str(value) if isinstance(value, complex) else NotImplemented
    >>> encode_result({"z": 1j}).raw
    b'{"z":"1j"}'
    >>> reset_default_encoder()
    """
    _default[:] = [encoder]
    return encoder


def reset_default_encoder() -> None:
    """Remove the encoder of this process."""
    _default.clear()


def encode_result(value: Any, encoder: Encoder | None = None) -> Encoded:
    """`value` as one line of JSON, whatever it is. Never raises.

    NaN and the infinities become null, as JavaScript writes them; keys that are not strings become strings.
    """
    try:
        raw = codec.encode_json(value)
        _check_sound(raw)
    except Exception:  # noqa: BLE001, S110 - whatever a value's own code raises; the walk finds the place
        pass
    else:
        return Encoded(raw)
    walk = _Walk([encoder, *_default] if encoder else _default)
    raw = codec.encode_json(walk.plain(value, (), 0))
    return Encoded(raw, tuple(walk.places), walk.left_out)


def _check_sound(raw: bytes) -> None:
    """Raise for JSON that a reader may not decode: that in a `msgspec.Raw` is not checked when it is encoded."""
    msgspec.json.decode(raw, type=msgspec.Raw)
    raw.decode()
    codec.check_depth(raw)


class _Walk:
    """Converts everything to plain values, and notes where only text is left."""

    def __init__(self, encoders: Iterable[Encoder]) -> None:
        self.places: list[Place] = []
        self.left_out = 0
        self._open: set[int] = set()
        self._ways: list[Encoder] = [*WAYS, *encoders]

    def plain(self, value: Any, path: tuple[object, ...], depth: int) -> Any:
        """`value` as None, bool, int, float, str, list or dict of such."""
        plain = scalar(value)
        if plain is not NotImplemented:
            return plain
        if depth >= codec.MAX_DEPTH or id(value) in self._open:
            return self._text(value, path)
        self._open.add(id(value))
        try:
            return self._composite(value, path, depth + 1)
        except Exception:  # noqa: BLE001 - whatever a third-party container raises
            return self._text(value, path)
        finally:
            self._open.discard(id(value))

    def _composite(self, value: Any, path: tuple[object, ...], depth: int) -> Any:
        if isinstance(value, Mapping):
            return {self._key(key, path): self.plain(item, (*path, key), depth) for key, item in value.items()}
        if isinstance(value, _CONTAINERS):
            return [self.plain(item, (*path, place), depth) for place, item in enumerate(value)]
        for way in self._ways:
            try:
                form = way(value)
            except Exception:  # noqa: BLE001, S112 - another form may fit
                continue
            if form is not NotImplemented and form is not value:
                return self.plain(form, path, depth)
        return self._text(value, path)

    def _key(self, key: Any, path: tuple[object, ...]) -> str:
        if isinstance(key, enum.Enum):
            key = key.value
        plain = native(key) if isinstance(key, NATIVE) else scalar(key)
        if isinstance(plain, str):
            return plain
        return self._text(key, (*path, key)) if plain is NotImplemented else codec.encode_json(plain).decode()

    def _text(self, value: Any, path: tuple[object, ...]) -> str:
        if len(self.places) < MAX_PLACES:
            pointer = "".join("/" + _clean(_step(step)).replace("~", "~0").replace("/", "~1") for step in path)
            self.places.append(Place(pointer, _clean(type(value).__qualname__)))
        else:
            self.left_out += 1
        return _clean(_repr(value))


def _step(step: object) -> str:
    return step if isinstance(step, str) else _repr(step)


class _Short(reprlib.Repr):
    """The repr of a value, bounded while it is built."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = MAX_REPR
        self.maxlong = 60


def _repr(value: object) -> str:
    try:
        return _POINTER.sub("", _Short().repr(value))
    except Exception:  # noqa: BLE001 - whatever a third-party __repr__ raises
        return f"<{type(value).__name__}>"


def _clean(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= MAX_REPR else text[: MAX_REPR - 1] + "…"
