"""The memory that the rings of all tails share."""

from __future__ import annotations


class RingBudget:
    """What the rings of all tails may take together."""

    def __init__(self, limit_bytes: int) -> None:
        self.used = 0
        self.limit = limit_bytes
        """Above it rings shrink; each keeps its last frame all the same."""

    def allows(self, size_bytes: int) -> bool:
        """Whether so much more fits."""
        return self.used + size_bytes <= self.limit
