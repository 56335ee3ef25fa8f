"""The URLs of a crawl: which were found, which wait, and which are being requested. No I/O."""

from __future__ import annotations

from collections import deque

import msgspec


class Visit(msgspec.Struct, frozen=True):
    """A URL to request."""

    url: str
    depth: int = 0
    found_on: str = ""
    hops: int = 0
    """Number of redirects that led to it."""


class WaitingUrl(msgspec.Struct, frozen=True, array_like=True):
    """A visit as it is stored."""

    url: int
    """Position in `FrontierState.urls`."""
    depth: int
    hops: int


class FrontierState(msgspec.Struct, frozen=True, array_like=True):
    """A frontier as it is stored."""

    urls: list[str]
    found_on: list[int]
    """Position in `urls` of the page on which each URL was found; -1 for none."""
    level: list[WaitingUrl]
    next: list[WaitingUrl]


class Frontier:
    """URLs level by level, so that the depth of a page does not depend on the order of responses."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}
        """The page on which each URL was found."""
        self._level: deque[Visit] = deque()
        self._next: deque[Visit] = deque()
        self._open: dict[str, Visit] = {}

    def __len__(self) -> int:
        """Number of visits that wait in the current level."""
        return len(self._level)

    def begin_level(self) -> bool:
        """Continue with the next level if the current one is done. Returns whether there is anything to request."""
        if not self._level:
            self._level, self._next = self._next, deque()
        return bool(self._level)

    def add(self, visit: Visit, *, now: bool = False) -> None:
        """Add a URL that was not seen before to the next level; with `now` to the current one."""
        self.seen[visit.url] = visit.found_on
        (self._level if now else self._next).append(visit)

    def take(self) -> Visit | None:
        """The next visit of the level, which is open until it is `done`; None when there is none."""
        if not self._level:
            return None
        visit = self._level.popleft()
        self._open[visit.url] = visit
        return visit

    def done(self, visit: Visit) -> None:
        """The response to a visit was read."""
        self._open.pop(visit.url, None)

    def places(self) -> dict[str, int]:
        """The position of each URL in the stored state."""
        return {url: place for place, url in enumerate(self.seen)}

    def state(self, places: dict[str, int]) -> FrontierState:
        """What is stored of it; visits that are open wait again."""

        def waiting(visits: list[Visit]) -> list[WaitingUrl]:
            return [WaitingUrl(places[visit.url], visit.depth, visit.hops) for visit in visits]

        found_on = [places.get(page, -1) for page in self.seen.values()]
        level = waiting([*self._open.values(), *self._level])
        return FrontierState(list(self.seen), found_on, level, waiting([*self._next]))

    @classmethod
    def of(cls, state: FrontierState) -> Frontier:
        """The frontier that was stored. Raises IndexError, ValueError when the state is not one."""
        frontier = cls()
        urls = state.urls
        frontier.seen = {url: urls[page] if page >= 0 else "" for url, page in zip(urls, state.found_on, strict=True)}
        for queue, waiting in ((frontier._level, state.level), (frontier._next, state.next)):
            for entry in waiting:
                url = urls[entry.url]
                queue.append(Visit(url, entry.depth, frontier.seen[url], entry.hops))
        return frontier
