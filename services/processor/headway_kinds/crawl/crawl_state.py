"""A crawl as it is stored, from which another attempt continues. URLs of the site are stored once. No I/O."""

from __future__ import annotations

from collections import Counter

import msgspec

from headway_kinds.crawl.crawl_report import BrokenLink, Findings, VisitedPage
from headway_kinds.crawl.frontier import FrontierState


class FindingsState(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """Findings as they are stored. URLs of the site are positions in `FrontierState.urls`."""

    complete: bool
    visited: list[tuple[int, str, int, float, int, bool, str]]
    """URL, title, bytes, seconds, depth, cut, text."""
    bytes: int
    words: int
    statuses: dict[str, int]
    broken_count: int
    broken: list[BrokenLink]
    inbound: dict[int, int]
    redirects: dict[str, str]
    redirects_off_site: int
    skipped: set[str]
    hosts: dict[str, int]
    counts: dict[str, int]


class CrawlState(msgspec.Struct, frozen=True, array_like=True):
    """A crawl between two responses."""

    start: str
    """URL of the first page, after redirects."""
    robots: str | None
    seconds: float
    """How long the crawl has taken so far, in all attempts."""
    done: int
    frontier: FrontierState
    findings: FindingsState


def store_findings(findings: Findings, places: dict[str, int]) -> FindingsState:
    """What is stored of `findings`; `places` are the positions of the URLs of the site."""
    return FindingsState(
        complete=findings.complete,
        visited=[
            (places[page.url], page.title, page.size_bytes, page.seconds, page.depth, page.cut, page.text)
            for page in findings.visited
        ],
        bytes=findings.bytes,
        words=findings.words,
        statuses=findings.statuses,
        broken_count=findings.broken_count,
        broken=findings.broken,
        inbound={places[url]: count for url, count in findings.inbound.items()},
        redirects=findings.redirects,
        redirects_off_site=findings.redirects_off_site,
        skipped=findings.skipped,
        hosts=findings.hosts,
        counts=findings.counts,
    )


def restore_findings(state: FindingsState, urls: list[str]) -> Findings:
    """The findings that were stored; `urls` are the URLs of the site."""
    findings = Findings()
    findings.complete, findings.bytes, findings.words = state.complete, state.bytes, state.words
    findings.visited = [
        VisitedPage(url=urls[url], title=title, size_bytes=size_bytes, seconds=seconds, depth=depth, cut=cut, text=text)
        for url, title, size_bytes, seconds, depth, cut, text in state.visited
    ]
    findings.text_chars = sum(len(page.text) for page in findings.visited)
    findings.statuses, findings.hosts, findings.counts = map(Counter, (state.statuses, state.hosts, state.counts))
    findings.broken_count, findings.broken = state.broken_count, state.broken
    findings.inbound = Counter({urls[place]: count for place, count in state.inbound.items()})
    findings.redirects, findings.redirects_off_site = state.redirects, state.redirects_off_site
    findings.skipped = state.skipped
    return findings
