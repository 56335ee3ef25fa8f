"""Events to bytes and back: compact JSON that can be spliced into an SSE `data:` line as it is."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from headway.errors import EventTooLargeError, MalformedEventError, NestedTooDeepError
from headway.events import Beat, Event, Progress

MAX_EVENT_BYTES = 240 * 1024
"""Largest payload of one event. The stream takes 256 KiB with headers; nats-py drops the whole
connection on a message over the server's limit, so the check stands before the send."""

MAX_DEPTH = 100
"""Maximum levels of arrays and objects in parameters and results. Each parser has a limit of its own (msgspec about
1,000): what is stored must stay below all of them, in every answer that holds it."""
STORED_DEPTH = MAX_DEPTH + 4
"""`MAX_DEPTH` and the levels that Headway adds."""

_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

_MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not the JSON asked for."""

_encoder = msgspec.json.Encoder()
_sorting_encoder = msgspec.json.Encoder(order="sorted")
_events: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_decode = _events.decode
_beats: msgspec.json.Decoder[Beat] = msgspec.json.Decoder(Beat)


_LINE_ENDS = tuple((end.encode(), b"\\u%04x" % ord(end)) for end in "\x85\u2028\u2029")
"""Line ends besides CR, LF and control characters, which JSON escapes, and their escapes.

SSE knows only CR and LF, but clients that read lines (str.splitlines, httpx's iter_lines) split at these too.
"""


def _one_line(raw: bytes) -> bytes:
    # Line ends stand only inside strings of JSON. Most events are ASCII, which is checked in a tenth of the time.
    if raw.isascii():
        return raw
    for end, escape in _LINE_ENDS:
        if end[0] in raw:  # as a number: looking for one byte is quick
            raw = raw.replace(end, escape)
    return raw


def encode_json(value: Any) -> bytes:
    """Any JSON-able value (dict, Struct, dataclass, datetime …) as one line of compact JSON.

    Raises TypeError when a part of it has no JSON form.
    """
    return _one_line(_encoder.encode(value))


def check_depth(raw: bytes, limit: int = MAX_DEPTH) -> None:
    """Raise NestedTooDeepError for JSON of more than `limit` levels. Other faults are left to the decoder.

    >>> check_depth(b"[[[]]]", limit=3)
    """
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return
    brackets = _STRINGS.sub(b"", raw).translate(_SQUARE, _NO_BRACKETS)
    for _ in range(limit):  # each round takes the innermost level away
        brackets = brackets.replace(b"[]", b"")
    if b"[]" in brackets:
        raise NestedTooDeepError(limit)


def encode_params(params: Any) -> bytes:
    """Parameters as they are stored: keys sorted, so that equal ones are equal bytes."""
    return _one_line(_sorting_encoder.encode(params))


def decode_json(raw: bytes) -> Any:
    """Any JSON, of at most 104 levels. Raises MalformedEventError for anything else."""
    check_depth(raw, STORED_DEPTH)
    try:
        return msgspec.json.decode(raw)
    except _MALFORMED as error:
        raise MalformedEventError(f"not JSON: {error}") from error


def raw(encoded: bytes) -> msgspec.Raw:
    """JSON that is already encoded, for a field of a record."""
    return msgspec.Raw(encoded)


def encode(event: Event) -> bytes:
    """One line of compact JSON, by all definitions of a line that clients use. Raises EventTooLargeError, TypeError."""
    raw = encode_json(event)
    if len(raw) > MAX_EVENT_BYTES:
        raise EventTooLargeError(len(raw), MAX_EVENT_BYTES)
    return raw


def decode(raw: bytes, task: str = "") -> Event:
    """The event in `raw`, of `task` if that is given. Raises MalformedEventError for anything else."""
    try:
        event = _decode(raw)
    except _MALFORMED as error:
        raise MalformedEventError(f"not an event: {error}") from error
    if isinstance(event, Progress) and event.data is not msgspec.UNSET:  # nothing else can be nested
        check_depth(raw, STORED_DEPTH)
    if event.n < 1 or event.attempt < 0:
        raise MalformedEventError(f"not an event: n={event.n}, attempt={event.attempt}")
    if task and event.task != task:
        raise MalformedEventError(f"not an event of this task: {event.task!r}")
    return event


def decode_beat(raw: bytes) -> Beat:
    """The beat in `raw`. Raises MalformedEventError for anything else."""
    try:
        return _beats.decode(raw)
    except _MALFORMED as error:
        raise MalformedEventError(f"not a beat: {error}") from error


def splice(raw: bytes) -> bytes:
    """`raw` as it can stand in a `data:` line: unchanged, or as the same JSON on one line.

    Headway's writers always send one line; third-party writers may send JSON with line ends, or bytes that are not
    UTF-8 in fields that no decoder checks. Raises MalformedEventError when it is not JSON.
    """
    _check_utf8(raw)
    if 10 not in raw and 13 not in raw:  # as numbers: CPython takes several times as long to look for b"\n"
        return _one_line(raw)
    try:
        return _one_line(msgspec.json.format(raw, indent=-1))
    except _MALFORMED as error:
        raise MalformedEventError(f"not JSON: {error}") from error


def _check_utf8(raw: bytes) -> None:
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            raise MalformedEventError(f"not UTF-8: {error}") from error
