"""The texts to be clustered, kept in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

MAX_TEXTS = 200_000
MAX_TEXT_CHARS = 4_000
"""What follows in a longer text is not read."""
MAX_BYTES = 64 * 1024 * 1024
"""Of all texts, as UTF-8."""
BATCH_TEXTS = 1_000
BATCH_BYTES = 128 * 1024


class Texts:
    """Texts with single spaces between words, by number; empty ones are left out.

    Args:
        limit: number of texts that are kept at most.
        max_bytes: size of all of them at most.
    """

    def __init__(self, limit: int = MAX_TEXTS, max_bytes: int = MAX_BYTES) -> None:
        self.empty = 0
        """Number of texts without a character that is not white space."""
        self.cut = 0
        """Number of texts of which the beginning is kept."""
        self.full = False
        """Whether a text was left out because of the limits."""
        self.distinct: set[int] = set()
        self._limit = limit
        self._left = max_bytes
        self._kept: list[bytes] = []  # half the memory of strings, or a quarter, where they hold an emoji

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, number: int) -> str:
        return self._kept[number].decode()

    def add(self, text: str) -> bool:
        """Keep a text; return False when the limits are reached and it is left out."""
        cut = len(text) > MAX_TEXT_CHARS
        words = " ".join(text[:MAX_TEXT_CHARS].split())
        if not words:
            self.empty += 1
            return True
        kept = words.encode(errors="replace")
        if len(self._kept) >= self._limit or len(kept) > self._left:
            self.full = True
            return False
        self.cut += cut
        self._left -= len(kept)
        self._kept.append(kept)
        self.distinct.add(hash(kept))
        return True

    def batches(self) -> Iterator[list[str]]:
        """Yield the texts in their order, in batches of about 0.1 s of work."""
        batch: list[str] = []
        size = 0
        for kept in self._kept:
            batch.append(kept.decode())
            size += len(kept)
            if len(batch) >= BATCH_TEXTS or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch


class Material(NamedTuple):
    """Texts, where they are from, and reasons to doubt them."""

    texts: Texts
    source: str
    warnings: list[str]
