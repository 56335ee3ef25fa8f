"""What differs between the configuration of a stream and the wanted one, and whether the server can change it. Rules
only: `headway.jetstream.adapt` asks the server.

Configurations are as the JetStream API has them, so that fields that this release does not know are kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

FIXED: Mapping[str, object] = {"storage": "file", "retention": "limits"}
"""Fields that only a new stream can have otherwise, with the server's defaults."""
CHANGEABLE: Mapping[str, object] = {
    "description": "",
    "subjects": [],
    "num_replicas": 1,
    "max_age": 0,
    "max_bytes": -1,
    "max_msgs": -1,
    "max_msgs_per_subject": -1,
    "max_msg_size": -1,
    "discard": "old",
    "discard_new_per_subject": False,
    "duplicate_window": 0,
    "allow_direct": False,
    "allow_rollup_hdrs": False,
    "republish": None,
    "deny_delete": False,
    "allow_msg_ttl": False,
}
"""Fields that an update may change, with the server's defaults."""
PERMANENT = frozenset(("deny_delete", "allow_msg_ttl"))
"""What the server never takes back from a stream. It does no harm."""
ALWAYS_DELETING = frozenset(("max_age", "max_msgs_per_subject"))
DELETING = ALWAYS_DELETING | {"max_bytes", "max_msgs"}
"""Limits whose lowering deletes messages; those of the whole stream only where the oldest give way to new ones."""
NANOSECONDS = frozenset(("max_age", "duplicate_window"))


class Difference(NamedTuple):
    """A field that is to have another value."""

    field: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.field} {self._text(self.before)} → {self._text(self.after)}"

    def _text(self, value: object) -> str:
        if self.field in NANOSECONDS and isinstance(value, int):
            return f"{value / 1e9:.10g} s"
        return str(value)


class StreamChange(NamedTuple):
    """How a stream is to become what is wanted."""

    differences: tuple[Difference, ...]
    config: dict[str, Any]
    """The whole configuration to send; fields that are not named here keep their values."""
    refusal: str = ""
    """Why the stream is left as it is; empty where it can be changed."""


def change(wanted: Mapping[str, Any], existing: Mapping[str, Any], *, allow_deletion: bool = False) -> StreamChange:
    """Compare two configurations of one stream.

    Args:
        allow_deletion: whether limits may be lowered that delete what is stored.
    """
    fixed = _differences(FIXED, wanted, existing)
    found = _differences(CHANGEABLE, wanted, existing)
    config = {**existing, **{difference.field: difference.after for difference in found}}
    refusal = ""
    if fixed:
        refusal = f"{', '.join(map(str, fixed))}: NATS does not change this in a stream that exists"
    elif not allow_deletion and (deleting := [one for one in found if _deletes(one, config)]):
        refusal = f"{', '.join(map(str, deleting))}: this deletes stored messages"
    return StreamChange((*fixed, *found), config, refusal)


def _differences(
    fields: Mapping[str, object], wanted: Mapping[str, Any], existing: Mapping[str, Any]
) -> tuple[Difference, ...]:
    pairs = ((name, existing.get(name, default), wanted.get(name, default)) for name, default in fields.items())
    return tuple(Difference(*pair) for pair in pairs if pair[1] != pair[2] and not _is_permanent(*pair))


def _is_permanent(field: str, before: object, after: object) -> bool:
    return field in PERMANENT and bool(before)


def _deletes(difference: Difference, config: Mapping[str, Any]) -> bool:
    gives_way = config.get("discard", "old") == "old"
    limits = DELETING if gives_way else ALWAYS_DELETING
    return difference.field in limits and _limit(difference.after) < _limit(difference.before)


def _limit(value: Any) -> float:
    """A limit as a number: 0 and -1 mean that there is none."""
    return value if value and value > 0 else math.inf


def jobs_bytes(wanted: int, existing: int, spare: int | None) -> int:
    """The limit of bytes of the stream of jobs, which the server reserves.

    Args:
        wanted: what the settings ask for; -1 for no limit.
        existing: the limit that the stream has; it may have been lowered to what the store could spare.
        spare: the most that it may reserve now; None where that is unknown.
    """
    if spare is None or wanted < 0 or 0 <= wanted <= existing:
        return wanted
    return min(wanted, spare) if spare > max(existing, 0) else existing
