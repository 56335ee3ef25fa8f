"""The delay before the next try of a client. No I/O."""

from __future__ import annotations

import random
import time
from email.utils import parsedate_to_datetime

MIN_SECONDS = 0.5
MAX_SECONDS = 15.0
RETRIED = frozenset((408, 425, 429))
"""The 4xx statuses that are temporary; the same request would get any other one again."""
STORE_FULL = 507
"""Status of a full store, which takes minutes or an operator to change."""


class Backoff:
    """Seconds until the next try: full jitter under a cap that doubles from 0.5 to 15, never below a floor."""

    def __init__(self) -> None:
        self.attempts = 0
        """Tries since the last success; the caller sets it to 0 after a success."""
        self.floor_seconds = 0.0
        """From the stream's `retry:`; holds until the server sends another one."""

    def next(self, floor_seconds: float = 0.0) -> float:
        """The next pause. `floor_seconds` is a Retry-After, which holds once."""
        most = min(MAX_SECONDS, MIN_SECONDS * 2 ** min(self.attempts, 10))
        self.attempts += 1
        # A floor gets jitter on top: all clients of a server that shuts down may have received the same number.
        floor = max(self.floor_seconds, floor_seconds) * random.uniform(1.0, 1.1)  # noqa: S311 - no secret
        return max(random.uniform(0.0, most), floor)  # noqa: S311


def is_fatal(status: int) -> bool:
    """Whether a retry would fail too: all 4xx but 408, 425 and 429, and 507."""
    return (400 <= status < 500 and status not in RETRIED) or status == STORE_FULL


def retry_after(text: str) -> float:
    """Seconds that the value of a Retry-After header asks for, given as seconds or as a date; 0 for anything else.

    >>> retry_after("2")
    2.0
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return 0.0
