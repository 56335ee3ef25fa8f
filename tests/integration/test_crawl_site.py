"""A crawl of a real site over real sockets: an http.server on a free port of this machine."""

import gzip
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from headway import TaskError
from headway.testing import MemoryLog, start_job
from headway_kinds.bulk.kind import BulkParams, bulk
from headway_kinds.crawl.kind import USER_AGENT, CrawlParams, crawl
from headway_kinds.settings import Settings

PAGES = 60


class Site(ThreadingHTTPServer):
    """Pages by path: status, headers, body."""

    daemon_threads = True

    def __init__(self, pages):
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages = pages
        self.asked = []

    @property
    def netloc(self):
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def url(self):
        return f"http://{self.netloc}/"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Host"], self.headers["User-Agent"]))
        status, headers, body = self.server.pages.get(self.path, (404, {}, b"nothing here"))
        if status is None:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextmanager
def serving(pages):
    with Site(pages) as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()


def html(*links, title="Page", text="", headers=None):
    body = f"<!doctype html><title>{title}</title><p>{text}</p>" + "".join(f'<a href="{link}">l</a>' for link in links)
    return 200, {"Content-Type": "text/html; charset=utf-8"} | (headers or {}), body.encode()


def redirect(location):
    return 302, {"Location": location}, b""


@pytest.fixture
def inside():
    """A server that nobody allowed."""
    with serving({"/": html(text="secret"), "/secret.csv": (200, {}, b"a\n1\n")}) as site:
        yield site


@pytest.fixture
def site(inside):
    """Sixty pages, and everything that is wrong with sites."""
    packed = gzip.compress(html("/page/1", title="Packed", text="compressed words")[2])
    pages = {
        "/robots.txt": (200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /private"),
        "/": html("/page/0", "/loop/a", "/gone", "/cut", "/away", "/private/x", "/packed", "/old", title="Home"),
        "/loop/a": redirect("/loop/b"),
        "/loop/b": redirect("/loop/a"),
        "/cut": (None, {}, b""),
        "/away": redirect(inside.url),
        "/packed": (200, {"Content-Type": "text/html", "Content-Encoding": "gzip"}, packed),
        "/old": redirect("/page/1"),
        "/start": redirect("/"),
        "/start/inside": redirect(inside.url),
        "/table.csv.gz": (200, {"Content-Type": "application/gzip"}, gzip.compress(b"id,name\n1,x\n2,y\n")),
        "/table": redirect("/table.csv.gz"),
        "/table/inside": redirect(f"{inside.url}secret.csv"),
    }
    for number in range(PAGES):
        links = [f"/page/{near}" for near in (number * 2 + 1, number * 2 + 2) if near < PAGES]
        pages[f"/page/{number}"] = html("/", *links, title=f"Page {number}", text="railway " * number)
    with serving(pages) as site:
        yield site


@pytest.fixture
async def job():
    job = start_job(MemoryLog(), interval_seconds=0.01)
    yield job
    await job.abort()


def allowing(*entries):
    """The settings that let these hosts be reached."""
    return Settings(crawl_allow=entries)


async def test_a_site_is_crawled_and_all_that_is_wrong_with_it_found(site, inside, job):
    settings = allowing(site.netloc)
    report = await crawl(job, CrawlParams(url=f"{site.url}start"), settings)
    assert report.start == site.url
    assert report.pages == PAGES + 2
    assert report.complete
    reasons = {link.url.removeprefix(site.url): link.reason for link in report.broken}
    assert reasons.pop("gone") == "404 Not Found"
    assert reasons.pop("cut").startswith("the response was cut off")
    assert list(reasons.values()) == ["redirects in a circle"]
    assert (report.skipped_by_robots, report.redirects_off_site) == (1, 1)
    assert report.most_linked[0].url == site.url
    assert report.top_words[0].word == "railway"
    assert inside.asked == []
    asked = [path for path, _, _ in site.asked if path != "/cut"]
    assert len(asked) == len(set(asked))
    assert "/private/x" not in asked
    assert {(host, agent) for _, host, agent in site.asked} == {(site.netloc, USER_AGENT)}


@pytest.mark.security
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]"])
async def test_a_start_on_this_machine_is_refused_unless_allowed(host, site, job):
    settings = allowing()
    with pytest.raises(TaskError, match="HEADWAY_PROCESSOR_CRAWL_ALLOW") as raised:
        await crawl(job, CrawlParams(url=site.url.replace("127.0.0.1", host)), settings)
    assert (raised.value.type, raised.value.retryable) == ("ForbiddenAddress", False)
    assert site.asked == []


@pytest.mark.security
async def test_a_redirect_of_the_start_to_what_is_not_allowed_is_refused(site, inside, job):
    settings = allowing(site.netloc)
    with pytest.raises(TaskError, match=inside.netloc) as raised:
        await crawl(job, CrawlParams(url=f"{site.url}start/inside"), settings)
    assert raised.value.type == "ForbiddenAddress"
    assert inside.asked == []


async def test_a_start_where_nothing_listens_is_told(job):
    with serving({}) as gone:
        netloc = gone.netloc
    settings = allowing(netloc)
    with pytest.raises(TaskError, match="cannot be reached") as raised:
        await crawl(job, CrawlParams(url=f"http://{netloc}/"), settings)
    assert raised.value.retryable


async def test_proxies_of_the_environment_are_not_used(site, job, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    settings = allowing(site.netloc)
    assert (await crawl(job, CrawlParams(url=f"{site.url}page/0", max_pages=3), settings)).statuses == {"200": 3}


async def test_a_table_behind_a_url_and_a_redirect_is_profiled(site, job):
    settings = allowing(site.netloc)
    report = await bulk(job, BulkParams(source=f"{site.url}table"), settings)
    assert (report.rows, [column.name for column in report.columns]) == (2, ["id", "name"])


@pytest.mark.security
async def test_a_table_whose_url_redirects_to_what_is_not_allowed_is_refused(site, inside, job):
    settings = allowing(site.netloc)
    with pytest.raises(TaskError, match=inside.netloc) as raised:
        await bulk(job, BulkParams(source=f"{site.url}table/inside"), settings)
    assert raised.value.type == "ForbiddenAddress"
    assert inside.asked == []
