"""How long to wait before the next try. No I/O."""

from __future__ import annotations

import random
import time
from email.utils import parsedate_to_datetime

MIN_SECONDS = 0.5
MAX_SECONDS = 15.0
RETRIED = frozenset((408, 425, 429))
"""The 4xx that say "not now"; all others would be answered to the same request again."""
STORE_FULL = 507
"""Space takes minutes or an operator, not seconds."""


class Backoff:
    """Seconds until the next try: full jitter under a cap that doubles from 0.5 to 15, never below a floor."""

    def __init__(self) -> None:
        self.attempts = 0
        """Tries since the last success; whoever succeeds sets it to 0."""
        self.floor_seconds = 0.0
        """From `retry:`; holds until the server says otherwise."""

    def next(self, floor_seconds: float = 0.0) -> float:
        """The next pause. `floor_seconds` is a Retry-After, which holds once."""
        most = min(MAX_SECONDS, MIN_SECONDS * 2 ** min(self.attempts, 10))
        self.attempts += 1
        # Floors get a little jitter on top: all clients of a server that goes away may have heard the same number.
        floor = max(self.floor_seconds, floor_seconds) * random.uniform(1.0, 1.1)  # noqa: S311 - no secret
        return max(random.uniform(0.0, most), floor)  # noqa: S311


def is_fatal(status: int) -> bool:
    """Whether trying again soon is of no use: 400, 401, 403, 404, 405, 409, 410, 422 and their like, and 507."""
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
