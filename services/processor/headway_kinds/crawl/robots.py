"""The rules of a site's robots.txt, and the delay between requests. No I/O."""

from __future__ import annotations

from protego import Protego

AGENT = "Headway-crawl"
MAX_ROBOTS_BYTES = 512 * 1024
MAX_DELAY_SECONDS = 10.0
"""A longer Crawl-delay is shortened to this: with an hour between two pages a crawl would not be seen to progress."""


class Robots:
    """The rules of one origin.

    Args:
        text: the robots.txt; None for no rules, which allow everything.
    """

    def __init__(self, text: str | None = None) -> None:
        self.text = text
        self._rules = Protego.parse(text or "")

    def allows(self, url: str) -> bool:
        """Return whether the crawler may fetch `url`."""
        return bool(self._rules.can_fetch(url, AGENT))

    @property
    def delay_seconds(self) -> float:
        """Seconds between the starts of two requests; 0 when the site sets none."""
        delay = self._rules.crawl_delay(AGENT)
        return 0.0 if delay is None or delay < 0 else min(delay, MAX_DELAY_SECONDS)


class CrawlDelay:
    """Keeps the starts of requests `delay_seconds` apart."""

    def __init__(self, delay_seconds: float) -> None:
        self._delay_seconds = delay_seconds
        self._free = float("-inf")

    def reserve(self, now: float) -> float:
        """Reserve the next start, and return the seconds until then."""
        start = max(now, self._free)
        self._free = start + self._delay_seconds
        return start - now
