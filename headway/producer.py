"""How far a producer has reported a task over HTTP, as the headers of its events say it beside their payload.

Streamers keep nothing of a producer: each call reads the last event of the log, which says what is stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

PRODUCER_HEADER = "Headway-Producer"
_FORM = re.compile(
    r"sequence=(\d{1,15}) chars=(\d{1,15}) lease=(\d{1,6}) began=(\d{1,12}\.\d{3}) ended=([01]) key=([0-9a-f]{0,16})",
    re.ASCII,
)


class Producer(NamedTuple):
    """What is stored of the producer of one attempt."""

    sequence: int = 0
    """Number of its last event that the log holds; 0 before the first."""
    chars: int = 0
    """Characters of output in the log of this attempt."""
    lease_seconds: int = 60
    """The task is lost when nothing was heard of its producer for this long."""
    began: float = 0.0
    """When the attempt was opened, seconds since 1970."""
    ended: bool = False
    """Whether the producer itself has ended the task."""
    key: str = ""
    """Digest of the idempotency key with which the attempt was opened; empty without one."""

    @property
    def headers(self) -> dict[str, str]:
        """Headers for a message of NATS.

        >>> Producer(5, 120, 60, 1763690000.123).headers
        {'Headway-Producer': 'sequence=5 chars=120 lease=60 began=1763690000.123 ended=0 key='}
        """
        counts = f"sequence={self.sequence} chars={self.chars} lease={self.lease_seconds}"
        return {PRODUCER_HEADER: f"{counts} began={self.began:.3f} ended={self.ended:d} key={self.key}"}

    @classmethod
    def of_headers(cls, headers: Mapping[str, str]) -> Producer | None:
        """The producer that headers of a message name; None for those of a task that is not reported over HTTP."""
        found = _FORM.fullmatch(headers.get(PRODUCER_HEADER, ""))
        if found is None:
            return None
        sequence, chars, lease, began, ended, key = found.groups()
        return cls(int(sequence), int(chars), int(lease), float(began), ended == "1", key)
