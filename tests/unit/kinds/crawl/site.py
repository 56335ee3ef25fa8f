"""Sites in memory, and crawls of them."""

import httpx
import pytest

from headway import TaskError
from headway.events import LogLine, Progress
from headway.testing import MemoryLog, start_job
from headway_kinds.crawl.crawler import Crawler
from headway_kinds.crawl.kind import USER_AGENT
from headway_kinds.http.fetch import open_client

START = "http://site.test/"
HTML = {"Content-Type": "text/html; charset=utf-8"}


def page(*links, title="Title", text=""):
    return f"<title>{title}</title><p>{text}</p>" + "".join(f'<a href="{link}">x</a>' for link in links)


def redirect(location, status=302):
    return httpx.Response(status, headers={"Location": location})


class Web:
    """Sites without sockets: a page is HTML text, a response, an error, or a function of the request."""

    def __init__(self, pages):
        self.pages = {url if "://" in url else f"http://site.test{url}": page for url, page in pages.items()}
        self.asked = []

    async def answer(self, request):
        url = str(request.url)
        self.asked.append(url)
        found = self.pages.get(url, httpx.Response(404))
        if callable(found):
            found = await found(request)
        if isinstance(found, Exception):
            raise found
        return httpx.Response(200, headers=HTML, text=found) if isinstance(found, str) else found

    @property
    def pages_asked(self):
        return [url for url in self.asked if not url.endswith("/robots.txt")]


class Crawled:
    """A crawl that has ended."""

    def __init__(self, report, web, updates, events):
        self.report = report
        self.updates = updates
        self.web = web
        self.progress = [event for event in events if isinstance(event, Progress)]
        self.lines = [event.message for event in events if isinstance(event, LogLine)]


async def crawled(pages, start=START, *, max_pages=300, max_depth=10, transport=None, **options):
    web = Web(pages)
    log = MemoryLog()
    job = start_job(log, interval_seconds=0)
    updates, update = [], job.update
    job.update = lambda **given: (updates.append(given), update(**given))
    try:
        inner = transport or httpx.MockTransport(web.answer)
        async with open_client((), user_agent=USER_AGENT, transport=inner) as client:
            report = await Crawler(job, client, max_pages=max_pages, max_depth=max_depth, **options).run(start)
        await job.finish("completed", data=report)
    finally:
        await job.abort()
    return Crawled(report, web, updates, log.events("t1"))


async def failure(pages, start=START):
    with pytest.raises(TaskError) as raised:
        await crawled(pages, start)
    return raised.value
