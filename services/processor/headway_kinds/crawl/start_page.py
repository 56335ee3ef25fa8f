"""The first page of a crawl: its redirects, the robots.txt of its site, and the reasons not to crawl it."""

from __future__ import annotations

import httpx
import msgspec

from headway import TaskError
from headway_kinds.crawl.page import MAX_PAGE_BYTES, is_html
from headway_kinds.crawl.robots import MAX_ROBOTS_BYTES, Robots
from headway_kinds.http.fetch import MAX_REDIRECTS, REQUEST_SECONDS, FetchedResponse, fetch
from headway_kinds.http.urls import normalise, origin, path, site


class StartPage(msgspec.Struct, frozen=True):
    """The first page of a crawl, and the rules of the site it is on."""

    response: FetchedResponse
    robots: Robots

    @property
    def url(self) -> str:
        return self.response.url


async def fetch_start_page(
    client: httpx.AsyncClient, start: str, *, page_seconds: float = REQUEST_SECONDS
) -> StartPage:
    """Fetch `start` and follow its redirects, to other hosts too: mostly to ``www.`` or https.

    Each request may take `page_seconds`.

    Raises TaskError, with what to do about it, when they do not lead to a page that may be crawled.
    """
    url = normalise(start, "")
    if url is None:
        raise TaskError(
            f"{start!r} is not a web address. Give one such as https://example.org/.", type="BadUrl", retryable=False
        )
    robots, robots_of = Robots(), ""
    for _ in range(MAX_REDIRECTS + 1):
        if origin(url) != robots_of:
            robots, robots_of = await read_robots(client, url, page_seconds=page_seconds), origin(url)
        _check_allowed(robots, url)
        response = await fetch(client, url, max_bytes=MAX_PAGE_BYTES, wants=is_html, timeout_seconds=page_seconds)
        if response.target is None:
            _check_page(response)
            return StartPage(response, robots)
        url = response.target
    raise TaskError(
        f"{start} redirects more than {MAX_REDIRECTS} times. Give the address that it should lead to.",
        type="TooManyRedirects",
        retryable=False,
    )


async def read_robots(client: httpx.AsyncClient, url: str, *, page_seconds: float = REQUEST_SECONDS) -> Robots:
    """Fetch the rules for the origin of `url`. By RFC 9309 a 4xx means no rules, a 5xx no crawling for now.

    Raises TaskError for 5xx, UnreachableError.
    """
    target: str | None = f"{origin(url)}/robots.txt"
    for _ in range(MAX_REDIRECTS + 1):
        if target is None:
            break
        response = await fetch(client, target, max_bytes=MAX_ROBOTS_BYTES, timeout_seconds=page_seconds)
        if response.status >= 500:
            raise TaskError(
                f"{target} responds with {response.reason}, which forbids crawling for now. Try again later.",
                type="RobotsUnavailable",
            )
        if not response.redirected:
            return Robots(response.body.decode("utf-8", "replace") if response.status < 300 else None)
        target = response.target
    return Robots()


def _check_allowed(robots: Robots, url: str) -> None:
    if not robots.allows(url):
        raise TaskError(
            f"The robots.txt of {site(url)} does not allow {path(url)}. Ask the site, or start at another page.",
            type="RobotsDisallowed",
            retryable=False,
        )


def _check_page(response: FetchedResponse) -> None:
    if response.status >= 400 or response.redirected:
        raise TaskError(
            f"{response.url} responds with {response.reason}. Check the address, and try it in a browser.",
            type="BadAnswer",
            retryable=response.status >= 500 or response.status == 429,
        )
    if not is_html(response.content_type):
        raise TaskError(
            f"{response.url} is {response.content_type}, not an HTML page. Give the address of a page with links.",
            type="NotHtml",
            retryable=False,
        )
