"""The findings of a crawl, and its report. No I/O."""

from __future__ import annotations

import heapq
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec

from headway_kinds.crawl.page import Page
from headway_kinds.http.fetch import FetchedResponse

MAX_BROKEN = 50
MAX_RANKED = 10
MAX_TOP_WORDS = 30
MAX_DUPLICATES = 10
MAX_DUPLICATE_URLS = 5
MAX_SHOWN_CHARS = 300
MAX_SHORT_CHARS = 120
"""Limit of titles and reasons. With these limits a report stays below 100 kB."""
MAX_KEPT_WORDS = 50_000
MAX_KEPT_HOSTS = 10_000
MAX_KEPT_BROKEN = 5_000
MAX_KEPT_CHARS = 8_000_000
"""Of all texts, which come on top of the 100 kB."""


class BrokenLink(msgspec.Struct, frozen=True):
    """A link whose target cannot be read."""

    url: str
    found_on: str
    """The first page found with this link."""
    reason: str
    """``404 Not Found``, ``timed out`` …"""
    links: int = 1
    """Number of pages with this link."""


class RankedPage(msgspec.Struct, frozen=True):
    """A page and the value by which it is ranked: bytes, seconds or links."""

    url: str
    title: str
    value: float


class WordCount(msgspec.Struct, frozen=True):
    """A word, or a host, and how often it occurs."""

    word: str
    count: int


class Duplicate(msgspec.Struct, frozen=True):
    """Pages that have the same title."""

    title: str
    count: int
    urls: list[str]


class PageText(msgspec.Struct, frozen=True):
    """What a page says."""

    url: str
    title: str
    text: str


class CrawlReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a crawl. Lists hold the first entries by rank; counts are of all."""

    start: str
    """URL of the first page, after redirects."""
    complete: bool
    """False when links were not followed because of max_pages or max_depth."""
    pages: int
    """Number of HTML pages read."""
    requests: int
    """Number of URLs requested: pages, files, redirects and broken links."""
    bytes: int
    seconds: float
    pages_per_second: float
    words: int
    median_page_bytes: int
    median_page_seconds: float
    statuses: dict[str, int]
    """Number of responses by status; ``none`` where there was no response."""
    broken_count: int
    broken: list[BrokenLink]
    largest: list[RankedPage]
    slowest: list[RankedPage]
    most_linked: list[RankedPage]
    top_words: list[WordCount]
    duplicate_titles_count: int
    duplicate_titles: list[Duplicate]
    untitled: int
    cut: int
    """Number of pages over 5 MiB, of which the beginning was read."""
    depths: dict[str, int]
    """Number of pages by the number of links between them and the start."""
    redirects: int
    redirects_off_site: int
    skipped_by_robots: int
    external_hosts: int
    """Number of other hosts that are linked to."""
    most_linked_hosts: list[WordCount]
    texts: list[PageText] | msgspec.UnsetType = msgspec.UNSET
    """The beginning of each page in their order, as far as they are kept; left out of the JSON unless asked for."""


class VisitedPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page that was read."""

    url: str
    title: str
    size_bytes: int
    seconds: float
    depth: int
    cut: bool = False
    text: str = ""
    """Its beginning, if texts are kept."""

    @classmethod
    def of(cls, response: FetchedResponse, title: str, depth: int) -> VisitedPage:
        size_bytes, seconds = response.size_bytes, response.seconds
        return cls(url=response.url, title=title, size_bytes=size_bytes, seconds=seconds, depth=depth, cut=response.cut)


class Findings:
    """The findings while a crawl runs. Their size is bounded by max_pages and the limits above."""

    def __init__(self) -> None:
        self.complete = True
        self.visited: list[VisitedPage] = []
        self.bytes = 0
        self.words = 0
        self.statuses: Counter[str] = Counter()
        self.broken_count = 0
        self.broken: list[BrokenLink] = []
        self.inbound: Counter[str] = Counter()
        self.redirects: dict[str, str] = {}
        self.redirects_off_site = 0
        self.skipped: set[str] = set()
        self.hosts: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.text_chars = 0

    def add_page(self, visited: VisitedPage, page: Page, *, keep_text: bool = False) -> None:
        """Add a page that was read, with its text if that is to be kept and there is room for it."""
        if keep_text and self.text_chars + len(page.text) <= MAX_KEPT_CHARS:
            self.text_chars += len(page.text)
            visited = msgspec.structs.replace(visited, text=page.text)
        self.visited.append(visited)
        self.words += page.words
        self.counts.update(page.counts)
        if len(self.counts) > MAX_KEPT_WORDS:  # words that are rare so far are not among the most frequent
            self.counts = Counter(dict(self.counts.most_common(MAX_KEPT_WORDS // 2)))

    def add_broken(self, url: str, found_on: str, reason: str) -> None:
        """Add a broken link; the first MAX_KEPT_BROKEN are kept, and all are counted."""
        self.broken_count += 1
        if len(self.broken) < MAX_KEPT_BROKEN:
            self.broken.append(BrokenLink(url, found_on, reason))

    def add_host(self, host: str) -> None:
        """Count a link to another host; the first MAX_KEPT_HOSTS hosts are kept."""
        if host in self.hosts or len(self.hosts) < MAX_KEPT_HOSTS:
            self.hosts[host] += 1

    def add_loops(self, sources: dict[str, str]) -> None:
        """Add the redirect loops.

        Args:
            sources: the page on which each URL was found.
        """
        settled: set[str] = set()
        for first in self.redirects:
            walk: dict[str, None] = {}
            url = first
            while url in self.redirects and url not in settled and url not in walk:
                walk[url] = None
                url = self.redirects[url]
            if url in walk:
                self.add_broken(url, sources.get(url, ""), "redirects in a circle")
            settled.update(walk)

    def report(self, start: str, requests: int, seconds: float, *, texts: bool = False) -> CrawlReport:
        """Return the report of a crawl that began at `start` and took `seconds`; with texts if they were kept."""
        titles = {page.url: page.title for page in self.visited}
        duplicates = _duplicates(self.visited)
        return CrawlReport(
            start=_short(start),
            complete=self.complete,
            pages=len(self.visited),
            requests=requests,
            bytes=self.bytes,
            seconds=round(seconds, 3),
            pages_per_second=round(len(self.visited) / seconds, 2) if seconds > 0 else 0.0,
            words=self.words,
            median_page_bytes=round(_median(page.size_bytes for page in self.visited)),
            median_page_seconds=round(_median(page.seconds for page in self.visited), 3),
            statuses=dict(sorted(self.statuses.items())),
            broken_count=self.broken_count,
            broken=self._most_linked_broken(),
            largest=_rank({page.url: page.size_bytes for page in self.visited}, titles),
            slowest=_rank({page.url: round(page.seconds, 3) for page in self.visited}, titles),
            most_linked=_rank({url: self.inbound[url] for url in titles if self.inbound[url]}, titles),
            top_words=[WordCount(word, count) for word, count in _top(self.counts, MAX_TOP_WORDS)],
            duplicate_titles_count=len(duplicates),
            duplicate_titles=duplicates[:MAX_DUPLICATES],
            untitled=sum(not page.title for page in self.visited),
            cut=sum(page.cut for page in self.visited),
            depths={str(depth): count for depth, count in sorted(Counter(page.depth for page in self.visited).items())},
            redirects=len(self.redirects),
            redirects_off_site=self.redirects_off_site,
            skipped_by_robots=len(self.skipped),
            external_hosts=len(self.hosts),
            texts=[PageText(page.url, page.title, page.text) for page in self.visited if page.text]
            if texts
            else msgspec.UNSET,
            most_linked_hosts=[WordCount(_short(host), count) for host, count in _top(self.hosts, MAX_RANKED)],
        )

    def _most_linked_broken(self) -> list[BrokenLink]:
        counted = [(max(self.inbound[link.url], 1), link) for link in self.broken]
        top = heapq.nsmallest(MAX_BROKEN, counted, key=lambda pair: (-pair[0], pair[1].url))
        return [
            BrokenLink(_short(link.url), _short(link.found_on), _short(link.reason, MAX_SHORT_CHARS), links)
            for links, link in top
        ]


def _rank(values: dict[str, float] | dict[str, int], titles: dict[str, str]) -> list[RankedPage]:
    top = heapq.nsmallest(MAX_RANKED, values.items(), key=lambda item: (-item[1], item[0]))
    return [RankedPage(_short(url), _short(titles.get(url, ""), MAX_SHORT_CHARS), value) for url, value in top]


def _top(counts: Counter[str], limit: int) -> list[tuple[str, int]]:
    return heapq.nsmallest(limit, counts.items(), key=lambda item: (-item[1], item[0]))


def _duplicates(visited: list[VisitedPage]) -> list[Duplicate]:
    by_title: defaultdict[str, list[str]] = defaultdict(list)
    for page in visited:
        if page.title:
            by_title[page.title].append(page.url)
    groups = [(title, sorted(urls)) for title, urls in by_title.items() if len(urls) > 1]
    groups.sort(key=lambda group: (-len(group[1]), group[0]))
    return [
        Duplicate(_short(title, MAX_SHORT_CHARS), len(urls), [_short(url) for url in urls[:MAX_DUPLICATE_URLS]])
        for title, urls in groups
    ]


def _median(values: Iterable[float]) -> float:
    listed = list(values)
    return statistics.median(listed) if listed else 0.0


def _short(text: str, limit: int = MAX_SHOWN_CHARS) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
