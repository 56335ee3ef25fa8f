"""A crawl that is stored after any number of responses and continued has the same report."""

import asyncio
from collections import Counter

import httpx
import msgspec
import pytest

from headway.checkpoint import unpack
from headway.testing import MemoryCheckpoints, MemoryLog, start_job
from headway_kinds.crawl.crawl_report import BrokenLink, Findings, VisitedPage
from headway_kinds.crawl.crawl_state import FindingsState, restore_findings, store_findings
from headway_kinds.crawl.crawler import WORKERS, Crawler
from headway_kinds.http.fetch import open_client
from tests.fixtures.condition import until
from tests.unit.kinds.crawl.site import START, Web, page, redirect

PAGES = 60
TIMES = ("seconds", "pages_per_second", "median_page_seconds", "slowest")


class KilledError(Exception):
    """The processor is killed."""


def site(killed_after=10**9):
    """A site of 60 pages, of which one raises when that many were asked for."""
    count = 0

    async def answer(request):
        nonlocal count
        await asyncio.sleep(0.002)
        if (count := count + 1) > killed_after:
            raise KilledError
        number = int(request.url.path[1:] or 0)
        if number % 10 == 9:
            return redirect(f"/{number - 1}")
        if number % 7 == 6:
            return httpx.Response(404)
        links = [f"/{link}" for link in range(number * 2 + 1, number * 2 + 4) if link < PAGES]
        text = page("/0", *links, "http://other.test/", title=f"Page {number % 5}", text="railway " * number)
        return httpx.Response(200, headers={"Content-Type": "text/html"}, text=text)

    robots = httpx.Response(200, text="User-agent: *\nDisallow: /13")
    return Web({"/robots.txt": robots, "/": answer} | {f"/{number}": answer for number in range(PAGES)})


async def crawl(web, checkpoints, resumed=None, seconds=0.0):
    times = {"checkpoint_seconds": seconds, "interval_seconds": 0.0}
    job = start_job(MemoryLog(), checkpoints=checkpoints, resumed=resumed, **times)
    transport = httpx.MockTransport(web.answer)
    async with open_client((), user_agent="test", transport=transport) as client:
        try:
            return await Crawler(job, client, max_pages=50, max_depth=9, texts=True).run(START)
        finally:
            await job.flush()
            await job.abort()


def without_times(report):
    return {name: value for name, value in msgspec.to_builtins(report).items() if name not in TIMES}


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr("headway.saver.SHARE", 1.0)


@pytest.mark.parametrize("killed_after", [2, 9, 25, 40])
async def test_crawl_that_is_killed_has_the_report_of_one_that_is_not(killed_after):
    whole = await crawl(site(), MemoryCheckpoints())
    first, second, checkpoints = site(killed_after), site(), MemoryCheckpoints()
    with pytest.raises(ExceptionGroup):
        await crawl(first, checkpoints)
    seq = max(number for _, number in checkpoints.kept)
    resumed = await checkpoints.get("t1", seq)
    assert resumed.checkpoint.done == pytest.approx(killed_after, abs=2 * WORKERS)
    assert without_times(await crawl(second, checkpoints, resumed)) == without_times(whole)
    asked = Counter(first.asked + second.asked)
    assert (
        sum(asked.values()) - len(asked) <= 2 * WORKERS
    )  # those that were open, and what came while a state was stored
    assert not any(url.endswith("/robots.txt") for url in second.asked)


async def test_crawl_that_is_handed_back_requests_again_only_what_was_open():
    first, second, checkpoints = site(), site(), MemoryCheckpoints()
    crawling = asyncio.create_task(crawl(first, checkpoints, seconds=3600.0))
    await until(lambda: len(first.asked) >= 30)
    crawling.cancel()
    await asyncio.gather(crawling, return_exceptions=True)
    ((_, seq),) = checkpoints.kept
    await crawl(second, checkpoints, await checkpoints.get("t1", seq))
    asked = Counter(first.asked + second.asked)
    assert sum(asked.values()) - len(asked) <= WORKERS


def test_findings_are_the_same_after_they_were_stored():
    findings = Findings()
    findings.visited.append(VisitedPage(url="a", title="A", size_bytes=1, seconds=0.5, depth=2, cut=True, text="red"))
    findings.complete, findings.text_chars = False, 3
    findings.complete, findings.bytes, findings.words = False, 7, 8
    findings.statuses["200"] = findings.hosts["h"] = findings.counts["w"] = findings.inbound["b"] = 3
    findings.broken_count, findings.broken = 1, [BrokenLink("x", "a", "404")]
    findings.redirects, findings.redirects_off_site, findings.skipped = {"c": "d"}, 2, {"s"}
    raw = msgspec.msgpack.encode(store_findings(findings, {"a": 0, "b": 1}))
    assert vars(restore_findings(msgspec.msgpack.decode(raw, type=FindingsState), ["a", "b"])) == vars(findings)


async def test_state_is_small():
    checkpoints = MemoryCheckpoints()
    await crawl(site(), checkpoints)
    (packed,) = checkpoints.kept.values()
    assert len(packed) < 100 * PAGES
    assert unpack(packed).step == "Fetching"
