"""Getting to a site: its robots.txt, the redirects of the start, and every reason not to crawl it."""

from __future__ import annotations

import httpx
import msgspec

from headway import TaskError
from headway_kinds.crawl.page import MAX_PAGE_BYTES, is_html
from headway_kinds.crawl.robots import MAX_ROBOTS_BYTES, Robots
from headway_kinds.http.fetch import MAX_REDIRECTS, Answer, fetch
from headway_kinds.http.urls import normalise, origin, path, site


class Arrival(msgspec.Struct, frozen=True):
    """The first page of a crawl, and the rules of the site it is on."""

    answer: Answer
    robots: Robots

    @property
    def url(self) -> str:
        return self.answer.url


async def arrive(client: httpx.AsyncClient, start: str) -> Arrival:
    """Ask for `start` and follow where it redirects to, off the host too: to ``www.`` or https mostly.

    Raises TaskError, with what to do about it, when there is no page at the end that may be crawled.
    """
    url = normalise(start, "")
    if url is None:
        raise TaskError(
            f"{start!r} is not a web address. Give one such as https://example.org/.", type="BadUrl", retryable=False
        )
    robots, robots_of = Robots(), ""
    for _ in range(MAX_REDIRECTS + 1):
        if origin(url) != robots_of:
            robots, robots_of = await read_robots(client, url), origin(url)
        _check_allowed(robots, url)
        answer = await fetch(client, url, max_bytes=MAX_PAGE_BYTES, wants=is_html)
        if answer.target is None:
            _check_page(answer)
            return Arrival(answer, robots)
        url = answer.target
    raise TaskError(
        f"{start} redirects more than {MAX_REDIRECTS} times. Give the address that it should lead to.",
        type="TooManyRedirects",
        retryable=False,
    )


async def read_robots(client: httpx.AsyncClient, url: str) -> Robots:
    """The rules for the origin of `url`. As RFC 9309 has it: 4xx means none, 5xx means keep out for now.

    Raises TaskError for 5xx, UnreachableError.
    """
    target: str | None = f"{origin(url)}/robots.txt"
    for _ in range(MAX_REDIRECTS + 1):
        if target is None:
            break
        answer = await fetch(client, target, max_bytes=MAX_ROBOTS_BYTES)
        if answer.status >= 500:
            raise TaskError(
                f"{target} answers {answer.reason}, which asks crawlers to keep out for now. Try again later.",
                type="RobotsUnavailable",
            )
        if not answer.redirected:
            return Robots(answer.body.decode("utf-8", "replace") if answer.status < 300 else None)
        target = answer.target
    return Robots()


def _check_allowed(robots: Robots, url: str) -> None:
    if not robots.allows(url):
        raise TaskError(
            f"The robots.txt of {site(url)} does not let crawlers read {path(url)}. Ask the site, or begin elsewhere.",
            type="RobotsDisallowed",
            retryable=False,
        )


def _check_page(answer: Answer) -> None:
    if answer.status >= 400 or answer.redirected:
        raise TaskError(
            f"{answer.url} answers {answer.reason}. Check the address, and try it in a browser.",
            type="BadAnswer",
            retryable=answer.status >= 500 or answer.status == 429,
        )
    if not is_html(answer.content_type):
        raise TaskError(
            f"{answer.url} is {answer.content_type}, not an HTML page. Give the address of a page with links.",
            type="NotHtml",
            retryable=False,
        )
