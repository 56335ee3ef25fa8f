"""The first page of a crawl, and the reasons not to crawl."""

import httpx
import pytest

from headway_kinds.crawl.start_page import fetch_start_page
from headway_kinds.http.fetch import open_client
from tests.unit.kinds.crawl.site import START, Web, crawled, failure, page, redirect


async def start_page(pages):
    web = Web(pages)
    async with open_client((), user_agent="x", transport=httpx.MockTransport(web.answer)) as client:
        return await fetch_start_page(client, START)


async def test_redirects_are_followed_to_another_host_with_its_rules():
    rules = httpx.Response(200, text="User-agent: *\nDisallow: /private")
    found = await start_page(
        {
            "/": redirect("http://www.site.test/"),
            "http://www.site.test/robots.txt": rules,
            "http://www.site.test/": page(),
        }
    )
    assert found.url == "http://www.site.test/"
    assert not found.robots.allows("http://www.site.test/private")


@pytest.mark.parametrize(
    ("pages", "type", "retryable", "words"),
    [
        ({}, "BadAnswer", False, "responds with 404 Not Found"),
        ({"/": httpx.Response(503)}, "BadAnswer", True, "responds with 503"),
        ({"/": redirect("mailto:x")}, "BadAnswer", False, "responds with 302"),
        ({"/": redirect("/")}, "TooManyRedirects", False, "redirects more than 5 times"),
        ({"/": httpx.Response(200, text="x")}, "NotHtml", False, "text/plain, not an HTML page"),
        ({"/": httpx.ConnectError("refused")}, "Unreachable", True, "cannot be reached: no connection"),
        ({"/robots.txt": httpx.ReadTimeout("x")}, "Unreachable", True, "timed out"),
        ({"/robots.txt": httpx.Response(503)}, "RobotsUnavailable", True, "Try again later"),
        (
            {"/robots.txt": httpx.Response(200, text="User-agent: *\nDisallow: /")},
            "RobotsDisallowed",
            False,
            "robots.txt of site.test",
        ),
    ],
)
async def test_a_start_that_cannot_be_crawled_fails_with_what_to_do(pages, type, retryable, words):
    error = await failure(pages)
    assert (error.type, error.retryable) == (type, retryable)
    assert words in error.message


async def test_a_robots_txt_that_redirects_is_read_where_it_is():
    crawl = await crawled(
        {
            "/robots.txt": redirect("http://other.test/r"),
            "http://other.test/r": httpx.Response(200, text="User-agent: *\nDisallow: /a"),
            "/": page("/a"),
        }
    )
    assert crawl.report.skipped_by_robots == 1


@pytest.mark.parametrize("robots", [redirect("/robots.txt"), redirect("mailto:x"), httpx.Response(403)])
async def test_without_a_readable_robots_txt_there_are_no_rules(robots):
    assert (await crawled({"/robots.txt": robots, "/": page()})).report.pages == 1


@pytest.mark.parametrize("start", ["ftp://site.test/", "http://", "site.test", "http://user:pw@site.test/"])
async def test_what_is_no_web_address_is_refused(start):
    assert (await failure({}, start)).type == "BadUrl"
