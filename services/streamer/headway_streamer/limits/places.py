"""How many things of one key may be open at once, here and at other streamers together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from heapq import nlargest

MAX_SENT = 2_000
"""Keys in one report to other streamers, those with most places."""
FEW = 64
"""A key that has fewer places here than one in this many of its limit is left out of reports."""
PARTS = 16
"""A key whose places have changed by one part in this many of its limit is reported early."""


def _nothing() -> None:
    pass


class Places:
    """Places for each key. Here they are exact; those at other streamers are as these reported them last.

    Memory is bounded by what is open here, and by `MAX_SENT` for each other streamer.
    """

    def __init__(self, most: int) -> None:
        self.on_much: Callable[[], None] = _nothing
        """Called when the places of a key have changed so much that the other streamers should know."""
        self._most = most
        self._few = most // FEW
        self._much = max(1, most // PARTS)
        self._here: dict[str, int] = {}
        self._large: dict[str, int] = {}
        """Those of `_here` that are reported."""
        self._reported: dict[str, int] = {}
        self._elsewhere: Counter[str] = Counter()
        self._heard: dict[str, dict[str, int]] = {}
        """What each other streamer has reported last."""

    def full(self, key: str) -> bool:
        """Whether `key` has as many places as it may."""
        return self._here.get(key, 0) + self._elsewhere.get(key, 0) >= self._most

    def enter(self, key: str) -> None:
        """Take a place; `leave` follows."""
        self._set(key, self._here.get(key, 0) + 1)

    def leave(self, key: str) -> None:
        """Give a place back."""
        self._set(key, self._here[key] - 1)

    def report(self) -> dict[str, int]:
        """The keys with many places here, for the other streamers."""
        large = self._large
        if len(large) > MAX_SENT:
            large = dict(nlargest(MAX_SENT, large.items(), key=lambda item: item[1]))
        self._reported = dict(large)
        return self._reported

    def hear(self, streamer: str, places: dict[str, int]) -> None:
        """Take note of what another streamer reports; empty when it has not been heard for a while."""
        for key, count in self._heard.pop(streamer, {}).items():
            self._elsewhere[key] -= count
            if self._elsewhere[key] <= 0:
                del self._elsewhere[key]
        if places:
            self._heard[streamer] = places
            self._elsewhere.update(places)

    def _set(self, key: str, count: int) -> None:
        if count:
            self._here[key] = count
        else:
            del self._here[key]
        if count > self._few:
            self._large[key] = count
        else:
            self._large.pop(key, None)
        if abs(count - self._reported.get(key, 0)) >= self._much:
            self.on_much()
