"""The event that every peer delivers: a valid Headway progress event with a mark and the time of publishing.

The mark is one byte that occurs nowhere else in a stream. Counting a single byte is cheap and exact however the
stream is cut into pieces; the digits behind it are the publisher's monotonic clock in microseconds, which all
processes of one machine share.
"""

from __future__ import annotations

import re
import time

MARK = ord("~")
STAMP = re.compile(rb"~(\d{16})")
NUMBER = re.compile(rb'"n":(\d+),')

_EVENT = (
    b'{"type":"progress","task":"%b","n":%d,"attempt":1,"at":%.3f,"first":%d,"status":"processing","progress":42.0,'
    b'"message":"~%016d%b","step":""}'
)
_FIRST = (
    b'{"type":"progress","task":"%b","n":1,"attempt":1,"at":%.3f,"status":"processing","progress":0.0,'
    b'"message":"","step":""}'
)


def event(task: bytes, n: int, first: int, pad: bytes = b"") -> bytes:
    """The n-th event of a task whose first event has the sequence `first`, with the current time."""
    return _EVENT % (task, n, time.time(), first, time.monotonic_ns() // 1000, pad)


def first_event(task: bytes) -> bytes:
    """The event that creates a task. It has no mark, since watchers may or may not get it."""
    return _FIRST % (task, time.time())


def size_bytes() -> int:
    """Size of an event."""
    return len(event(b"t0000", 100, 1000))
