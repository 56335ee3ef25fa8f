"""The crawl: which URL is requested next, and what is done with the response."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx

from headway import Job
from headway.executor import ContextThreadPoolExecutor
from headway_kinds.crawl.crawl_report import CrawlReport, Findings, VisitedPage
from headway_kinds.crawl.crawl_state import CrawlState, restore_findings, store_findings
from headway_kinds.crawl.frontier import Frontier, Visit
from headway_kinds.crawl.page import MAX_PAGE_BYTES, Page, is_html, read_page
from headway_kinds.crawl.robots import MAX_DELAY_SECONDS, CrawlDelay, Robots
from headway_kinds.crawl.start_page import StartPage, fetch_start_page
from headway_kinds.http.fetch import MAX_REDIRECTS, REQUEST_SECONDS, FetchedResponse, UnreachableError, fetch
from headway_kinds.http.guard import ForbiddenAddressError
from headway_kinds.http.urls import path, site

WORKERS = 8
INLINE_BYTES = 32 * 1024
"""A page up to this size is parsed on the event loop (a few ms); a larger one in a thread."""
LINKS_PER_TURN = 20
MAX_LOGGED = 50
_PARSERS = ContextThreadPoolExecutor(2, thread_name_prefix="crawl")
"""Large pages of all crawls are parsed two at a time: the words of a page take many times its size in memory."""


class Crawler:
    """One crawl. Its state is stored every second: after a crash few pages are requested again.

    Args:
        client: does not follow redirects, see `fetch.open_client`.
        max_pages: maximum number of URLs to request.
        max_depth: links on pages this far from the start are not followed.
        texts: whether the texts of pages are kept for the report.
        page_seconds: limit of each request.
        max_seconds: time after which the crawl ends, with a report on the pages read so far; None for no limit.
        clock: returns seconds.
    """

    def __init__(
        self,
        job: Job,
        client: httpx.AsyncClient,
        *,
        max_pages: int,
        max_depth: int,
        texts: bool = False,
        page_seconds: float = REQUEST_SECONDS,
        max_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._job = job
        self._client = client
        self._max_pages = max_pages
        self._max_depth = max_depth
        self._texts = texts
        self._page_seconds = page_seconds
        self._max_seconds = max_seconds
        self._clock = clock
        self._findings = Findings()
        self._frontier = Frontier()
        self._start = self._site = ""
        self._robots = Robots()
        self._delay = CrawlDelay(0.0)
        self._done = 0
        self._began = 0.0
        self._recording = asyncio.Lock()
        self._whole = False
        """Whether findings and frontier hold the same responses."""

    async def run(self, start: str) -> CrawlReport:
        """Crawl and return the report. Raises TaskError when the start page cannot be read."""
        self._began = self._clock()
        state = self._job.restore(CrawlState)
        self._job.step("Fetching", unit="pages", upto=90)
        if state is not None:
            self._resume(state)
        try:
            async with asyncio.timeout(None if self._max_seconds is None else self._max_seconds - self._seconds):
                if state is None:
                    await self._begin(await fetch_start_page(self._client, start, page_seconds=self._page_seconds))
                await self._crawl_levels()
        except asyncio.CancelledError:
            self._keep(hurry=True)  # the processor may shut down
            raise
        except TimeoutError as error:
            if not self._start:
                raise UnreachableError(start, "timed out") from error
            self._findings.complete = False
            self._job.log(f"The crawl ends after {self._max_seconds:g} s, its limit.", "warning")
        self._job.step("Analysing")
        self._findings.add_loops(self._frontier.seen)
        return self._findings.report(self._start, len(self._frontier.seen), self._seconds, texts=self._texts)

    @property
    def _seconds(self) -> float:
        """Seconds since the crawl began, those of earlier attempts included."""
        return self._clock() - self._began

    def _keep(self, *, hurry: bool = False) -> None:
        if self._whole:
            self._job.checkpoint(self._state() if hurry else self._state)

    def _state(self) -> CrawlState:
        places = self._frontier.places()
        frontier, findings = self._frontier.state(places), store_findings(self._findings, places)
        return CrawlState(self._start, self._robots.text, self._seconds, self._done, frontier, findings)

    def _resume(self, state: CrawlState) -> None:
        self._frontier = Frontier.of(state.frontier)
        self._findings = restore_findings(state.findings, state.frontier.urls)
        self._done, self._began = state.done, self._began - state.seconds
        self._follow_rules(state.start, Robots(state.robots))
        self._whole = True
        self._job.log(f"The crawl continues after {state.done:,} pages.")

    async def _crawl_levels(self) -> None:
        while self._frontier.begin_level():
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(WORKERS, len(self._frontier))):
                    workers.create_task(self._run_worker())

    async def _begin(self, start_page: StartPage) -> None:
        self._follow_rules(start_page.url, start_page.robots)
        visit = Visit(start_page.url)
        self._frontier.seen[visit.url] = ""
        await self._process(visit, start_page.response)

    def _follow_rules(self, start: str, robots: Robots) -> None:
        self._start, self._site, self._robots = start, site(start), robots
        delay = robots.delay_seconds
        self._delay = CrawlDelay(delay)
        if delay:
            self._job.log(
                f"robots.txt sets a crawl delay: {delay:g} s between requests (at most {MAX_DELAY_SECONDS:g} s)"
            )

    async def _run_worker(self) -> None:
        while (visit := self._frontier.take()) is not None:
            try:
                response = await self._fetch(visit.url)
            except (UnreachableError, ForbiddenAddressError) as error:
                self._findings.statuses["none"] += 1
                self._note_broken(visit, error.reason if isinstance(error, UnreachableError) else "no public address")
                self._finish(visit)
            else:
                await self._process(visit, response)

    async def _fetch(self, url: str) -> FetchedResponse:
        wait_seconds = self._delay.reserve(self._clock())
        if wait_seconds > 0:
            await asyncio.sleep(wait_seconds)
        return await fetch(
            self._client, url, max_bytes=MAX_PAGE_BYTES, wants=is_html, timeout_seconds=self._page_seconds
        )

    async def _process(self, visit: Visit, response: FetchedResponse) -> None:
        has_page = response.status < 400 and not response.redirected and is_html(response.content_type)
        page = await _read_page(response) if has_page else None
        async with self._recording:  # one response at a time: in between the state is whole
            self._whole = False
            await self._record(visit, response, page)
            self._finish(visit)
            self._whole = True
            self._keep()

    async def _record(self, visit: Visit, response: FetchedResponse, page: Page | None) -> None:
        self._findings.statuses[str(response.status)] += 1
        self._findings.bytes += response.size_bytes
        if response.redirected:
            self._redirect(visit, response.target)
        elif response.status >= 400:
            self._note_broken(visit, response.reason)
        elif page is not None:
            visited = VisitedPage.of(response, page.title, visit.depth)
            self._findings.add_page(visited, page, keep_text=self._texts)
            await self._follow_links(page.links, visit)

    async def _follow_links(self, links: list[str], visit: Visit) -> None:
        for number, link in enumerate(links, 1):
            if site(link) == self._site:
                self._queue_link(link, visit)
            else:
                self._findings.add_host(site(link))
            if number % LINKS_PER_TURN == 0:  # a long robots.txt takes milliseconds per link
                await asyncio.sleep(0)

    def _redirect(self, visit: Visit, target: str | None) -> None:
        if target is None:
            self._note_broken(visit, "redirects to an invalid address")
        elif site(target) != self._site:
            self._findings.redirects_off_site += 1
        elif visit.hops == MAX_REDIRECTS:
            self._note_broken(visit, f"more than {MAX_REDIRECTS} redirects")
        else:
            self._findings.redirects[visit.url] = target
            if target not in self._frontier.seen and self._may_fetch(target):
                self._frontier.add(Visit(target, visit.depth, visit.found_on, visit.hops + 1), now=True)

    def _queue_link(self, link: str, visit: Visit) -> None:
        if link not in self._frontier.seen:
            if visit.depth >= self._max_depth:
                self._findings.complete = False
                return
            if not self._may_fetch(link):
                return
            self._frontier.add(Visit(link, visit.depth + 1, visit.url))
        if link != visit.url:
            self._findings.inbound[link] += 1

    def _may_fetch(self, url: str) -> bool:
        if url in self._findings.skipped:
            return False
        if not self._robots.allows(url):
            if len(self._findings.skipped) < self._max_pages:
                self._findings.skipped.add(url)
            return False
        if len(self._frontier.seen) >= self._max_pages:
            self._findings.complete = False
            return False
        return True

    def _note_broken(self, visit: Visit, reason: str) -> None:
        self._findings.add_broken(visit.url, visit.found_on, reason)
        if self._findings.broken_count <= MAX_LOGGED:
            self._job.log(f"{path(visit.url)}: {reason} (linked from {path(visit.found_on)})", "warning")

    def _finish(self, visit: Visit) -> None:
        self._frontier.done(visit)
        self._done += 1
        self._job.update(done=self._done, total=len(self._frontier.seen), message=path(visit.url))


async def _read_page(response: FetchedResponse) -> Page:
    if len(response.body) <= INLINE_BYTES:
        return read_page(response.body, response.url, response.charset)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_PARSERS, read_page, response.body, response.url, response.charset)
