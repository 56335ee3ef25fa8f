"""The crawl itself: which URL is asked for next, and what becomes of the answer."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

import httpx
import msgspec

from headway import Job
from headway_kinds.crawl.arrival import Arrival, arrive
from headway_kinds.crawl.page import MAX_PAGE_BYTES, Page, is_html, read_page
from headway_kinds.crawl.report import CrawlReport, Findings, Visited
from headway_kinds.crawl.robots import MAX_DELAY_SECONDS, Pace, Robots
from headway_kinds.http.fetch import MAX_REDIRECTS, Answer, UnreachableError, fetch
from headway_kinds.http.guard import ForbiddenAddressError
from headway_kinds.http.urls import path, site

WORKERS = 8
INLINE_BYTES = 32 * 1024
"""A page up to this size is read on the event loop (a few ms); a larger one in a thread."""
LINKS_PER_TURN = 20
MAX_LOGGED = 50


class Visit(msgspec.Struct, frozen=True):
    """A URL to ask for."""

    url: str
    depth: int = 0
    found_on: str = ""
    hops: int = 0
    """Redirects that led here."""


class Crawler:
    """One crawl. It goes level by level, so that a page's depth does not depend on which answer came first.

    Args:
        client: follows no redirects by itself, see `guard.open_client`.
        max_pages: at most so many URLs are asked for.
        max_depth: links on pages this far from the start are not followed.
    """

    def __init__(
        self,
        job: Job,
        client: httpx.AsyncClient,
        *,
        max_pages: int,
        max_depth: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._job = job
        self._client = client
        self._max_pages = max_pages
        self._max_depth = max_depth
        self._clock = clock
        self._findings = Findings()
        self._site = ""
        self._robots = Robots()
        self._pace = Pace(0.0)
        self._seen: dict[str, str] = {}
        self._level: deque[Visit] = deque()
        self._next: deque[Visit] = deque()
        self._done = 0

    async def run(self, start: str) -> CrawlReport:
        """Crawl and report. Raises TaskError when the start cannot be read."""
        began = self._clock()
        self._job.step("Fetching", unit="pages", upto=90)
        arrival = await arrive(self._client, start)
        await self._enter(arrival)
        while self._next:
            self._level, self._next = self._next, deque()
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(WORKERS, len(self._level))):
                    workers.create_task(self._work())
        self._job.step("Analysing")
        self._findings.add_loops(self._seen)
        return self._findings.report(arrival.url, len(self._seen), self._clock() - began)

    async def _enter(self, arrival: Arrival) -> None:
        self._site = site(arrival.url)
        self._robots = arrival.robots
        delay = arrival.robots.delay_seconds
        self._pace = Pace(delay)
        if delay:
            self._job.log(
                f"robots.txt asks for pauses: {delay:g} s before each request (at most {MAX_DELAY_SECONDS:g} s)"
            )
        self._seen[arrival.url] = ""
        await self._take_in(Visit(arrival.url), arrival.answer)
        self._show(arrival.url)

    async def _work(self) -> None:
        while self._level:
            visit = self._level.popleft()
            try:
                await self._take_in(visit, await self._ask(visit.url))
            except (UnreachableError, ForbiddenAddressError) as error:
                self._findings.statuses["none"] += 1
                self._broken(visit, error.reason if isinstance(error, UnreachableError) else "no public address")
            self._show(visit.url)

    async def _ask(self, url: str) -> Answer:
        wait_seconds = self._pace.turn(self._clock())
        if wait_seconds > 0:
            await asyncio.sleep(wait_seconds)
        return await fetch(self._client, url, max_bytes=MAX_PAGE_BYTES, wants=is_html)

    async def _take_in(self, visit: Visit, answer: Answer) -> None:
        self._findings.statuses[str(answer.status)] += 1
        self._findings.bytes += answer.size_bytes
        if answer.redirected:
            self._redirect(visit, answer.target)
        elif answer.status >= 400:
            self._broken(visit, answer.reason)
        elif is_html(answer.content_type):
            page = await _read(answer)
            self._findings.add_page(Visited.of(answer, page.title, visit.depth), page)
            await self._follow(page.links, visit)

    async def _follow(self, links: list[str], visit: Visit) -> None:
        for number, link in enumerate(links, 1):
            if site(link) == self._site:
                self._offer(link, visit)
            else:
                self._findings.add_host(site(link))
            if number % LINKS_PER_TURN == 0:  # a long robots.txt takes milliseconds for each link
                await asyncio.sleep(0)

    def _redirect(self, visit: Visit, target: str | None) -> None:
        if target is None:
            self._broken(visit, "redirects to nowhere")
        elif site(target) != self._site:
            self._findings.redirects_off_site += 1
        elif visit.hops == MAX_REDIRECTS:
            self._broken(visit, f"more than {MAX_REDIRECTS} redirects")
        else:
            self._findings.redirects[visit.url] = target
            if target not in self._seen and self._admits(target):
                self._add(Visit(target, visit.depth, visit.found_on, visit.hops + 1), self._level)

    def _offer(self, link: str, visit: Visit) -> None:
        if link not in self._seen:
            if visit.depth >= self._max_depth:
                self._findings.complete = False
                return
            if not self._admits(link):
                return
            self._add(Visit(link, visit.depth + 1, visit.url), self._next)
        if link != visit.url:
            self._findings.inbound[link] += 1

    def _admits(self, url: str) -> bool:
        if url in self._findings.skipped:
            return False
        if not self._robots.allows(url):
            if len(self._findings.skipped) < self._max_pages:
                self._findings.skipped.add(url)
            return False
        if len(self._seen) >= self._max_pages:
            self._findings.complete = False
            return False
        return True

    def _add(self, visit: Visit, queue: deque[Visit]) -> None:
        self._seen[visit.url] = visit.found_on
        queue.append(visit)

    def _broken(self, visit: Visit, reason: str) -> None:
        self._findings.add_broken(visit.url, visit.found_on, reason)
        if self._findings.broken_count <= MAX_LOGGED:
            self._job.log(f"{path(visit.url)}: {reason} (linked from {path(visit.found_on)})", "warning")

    def _show(self, url: str) -> None:
        self._done += 1
        self._job.update(done=self._done, total=len(self._seen), message=path(url))


async def _read(answer: Answer) -> Page:
    if len(answer.body) <= INLINE_BYTES:
        return read_page(answer.body, answer.url, answer.charset)
    return await asyncio.to_thread(read_page, answer.body, answer.url, answer.charset)
