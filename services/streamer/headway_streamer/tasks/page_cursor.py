"""The cursor of a list of tasks: where its next page begins. Clients pass it back as it is.

It names a task by the time of its creation and its id, so that a page stays where it is while tasks are added, and it
holds nothing that its owner has not been shown.
"""

from __future__ import annotations

import base64
import struct
from typing import NamedTuple

from headway.records import MAX_SECONDS
from headway.subjects import is_name
from headway_streamer.problems import Problem

MAX_CHARS = 100
_CREATED = struct.Struct(">Q")


class Place(NamedTuple):
    """A place in the list, which is in descending order of both."""

    created: int
    """Microseconds since 1970."""
    task: str
    """Empty for a place behind all tasks of that time."""


def encode_place(place: Place) -> str:
    """The cursor of the page that begins after `place`."""
    raw = _CREATED.pack(place.created) + place.task.encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_place(cursor: str) -> Place:
    """The place after which the page begins. Raises a Problem for what is not a cursor."""
    try:
        raw = base64.b64decode(cursor[:MAX_CHARS] + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        (created,) = _CREATED.unpack(raw[: _CREATED.size])
        place = Place(created, raw[_CREATED.size :].decode("ascii"))
    except (ValueError, struct.error) as error:  # a malformed base64 is a ValueError, too
        raise _bad_cursor() from error
    if place.created > MAX_SECONDS * 1e6 or not (place.task == "" or is_name(place.task)):
        raise _bad_cursor()
    return place


def _bad_cursor() -> Problem:
    return Problem(422, "Bad cursor", "Pass the `cursor` of a list as it was answered, or none for the first page.")
