"""Count distinct and frequent values in bounded memory: exactly while they fit, then approximately. No I/O."""

from __future__ import annotations

import heapq
import secrets
from collections.abc import Iterable, Mapping
from zlib import adler32, crc32

import msgspec

_SPACE = 2.0**64


class DistinctState(msgspec.Struct, frozen=True, array_like=True):
    """A `Distinct` as it is stored."""

    salt: int
    hashes: set[int]
    ceiling: int | None


class FrequentState(msgspec.Struct, frozen=True, array_like=True):
    """A `Frequent` as it is stored."""

    counts: dict[str, int]
    error: int


class Distinct:
    """The number of distinct strings, from their smallest hashes ("k minimum values").

    Exact up to `limit`; beyond, the standard error is 1 / sqrt(limit): 0.5 % for 40,000.
    """

    def __init__(self, limit: int, state: DistinctState | None = None) -> None:
        self._limit = limit
        self._slack = max(limit // 4, 1024)
        self._salt = state.salt if state else secrets.randbits(60)
        self._hashes: set[int] = state.hashes if state else set()
        self._ceiling: int | None = state.ceiling if state else None

    @property
    def state(self) -> DistinctState:
        """What is stored of it."""
        return DistinctState(self._salt, self._hashes, self._ceiling)

    @property
    def exact(self) -> bool:
        """Whether `estimate` is exact."""
        return self._ceiling is None and len(self._hashes) <= self._limit

    def add(self, values: Iterable[str]) -> None:
        """Add strings."""
        ceiling = self._ceiling
        if ceiling is None:
            self._hashes.update(self._hashed(values))
        else:
            self._hashes.update(filter(ceiling.__gt__, self._hashed(values)))
        if len(self._hashes) > self._limit + self._slack:
            self._prune()

    def estimate(self) -> int:
        """Return the number of distinct strings so far."""
        if self.exact:
            return len(self._hashes)
        self._prune()
        assert self._ceiling is not None
        share = (self._ceiling + _SPACE / 2) / _SPACE  # hashes are signed
        return round((self._limit - 1) / share)

    def _hashed(self, values: Iterable[str]) -> list[int]:
        # Python's hashes of strings differ from process to process, and another one may continue. With the salt nobody
        # can choose strings whose hashes fall together in the set.
        salt = self._salt
        return [hash((salt, crc32(raw), adler32(raw))) for raw in map(str.encode, values)]

    def _prune(self) -> None:
        kept = heapq.nsmallest(self._limit, self._hashes) if self._limit < 64 else sorted(self._hashes)[: self._limit]
        self._hashes = set(kept)
        self._ceiling = kept[-1]


class Frequent:
    """The most frequent strings (Misra and Gries, merged batch by batch).

    Counts are exact for up to twice `limit` different strings. Beyond, a count may be too low, by at most
    `error`, and a string that occurs more than `error` times is never missing; of N strings `error` is at most
    N / (limit + 1).
    """

    def __init__(self, limit: int, state: FrequentState | None = None) -> None:
        self._limit = limit
        self._counts: dict[str, int] = state.counts if state else {}
        self.error = state.error if state else 0

    @property
    def state(self) -> FrequentState:
        """What is stored of it."""
        return FrequentState(self._counts, self.error)

    def add(self, counts: Mapping[str, int]) -> None:
        """Add strings with their numbers of occurrences."""
        own = self._counts
        for value, count in counts.items():
            own[value] = own.get(value, 0) + count
        if len(own) > 2 * self._limit:  # reduce to half: doing so after each batch would be most of the work
            cut = sorted(own.values(), reverse=True)[self._limit]
            self.error += cut
            self._counts = {value: count - cut for value, count in own.items() if count > cut}

    def top(self, number: int) -> list[tuple[str, int]]:
        """Return the `number` most frequent strings and their counts, in descending order; equal counts by text."""
        return heapq.nsmallest(number, self._counts.items(), key=lambda item: (-item[1], item[0]))
