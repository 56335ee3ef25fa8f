"""What a site's robots.txt asks of a crawler, and the pace it sets. No I/O."""

from __future__ import annotations

from protego import Protego

AGENT = "Headway-crawl"
MAX_ROBOTS_BYTES = 512 * 1024
MAX_DELAY_SECONDS = 10.0
"""A longer Crawl-delay is shortened to this: with an hour between two pages nobody would see a crawl move."""


class Robots:
    """The rules of one origin. `text` None stands for "no rules": everything is allowed."""

    def __init__(self, text: str | None = None) -> None:
        self._rules = Protego.parse(text or "")

    def allows(self, url: str) -> bool:
        return bool(self._rules.can_fetch(url, AGENT))

    @property
    def delay_seconds(self) -> float:
        """Seconds between the starts of two requests; 0 when the site does not ask for any."""
        delay = self._rules.crawl_delay(AGENT)
        return 0.0 if delay is None or delay < 0 else min(delay, MAX_DELAY_SECONDS)


class Pace:
    """Hands out turns, `delay_seconds` apart."""

    def __init__(self, delay_seconds: float) -> None:
        self._delay = delay_seconds
        self._free = float("-inf")

    def turn(self, now: float) -> float:
        """How many seconds the caller waits for its turn."""
        start = max(now, self._free)
        self._free = start + self._delay
        return start - now
