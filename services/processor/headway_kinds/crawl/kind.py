"""The kind `crawl`: reads the pages of a web site and reports on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from headway import Job, __version__, task
from headway_kinds.crawl.crawl_report import CrawlReport
from headway_kinds.crawl.crawler import Crawler
from headway_kinds.crawl.robots import AGENT
from headway_kinds.http.fetch import open_client
from headway_kinds.settings import Settings, read

USER_AGENT = f"{AGENT}/{__version__}"


class CrawlParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameters of `crawl`."""

    url: Annotated[
        str,
        msgspec.Meta(
            title="Start URL",
            description="First page of the crawl, which stays on this host and port and obeys robots.txt.",
            pattern="^https?://",
            max_length=2048,
            examples=["https://example.org/"],
        ),
    ]
    max_pages: Annotated[
        int,
        msgspec.Meta(title="Maximum pages", description="Maximum number of URLs to request.", ge=1, le=100_000),
    ] = 300
    max_depth: Annotated[
        int,
        msgspec.Meta(
            title="Maximum depth",
            description="Maximum number of links between the start and a page; 0 for the start alone.",
            ge=0,
            le=1000,
        ),
    ] = 10
    texts: Annotated[
        bool,
        msgspec.Meta(
            title="Keep texts",
            description="Whether the result has the beginning of each page, so that the kind cluster can use it.",
        ),
    ] = False


def register(environ: Mapping[str, str]) -> None:
    """Register the kind with the settings in `environ`. Raises SettingsError."""
    settings = read(environ)

    @task("crawl", retries=2, log_level="WARNING")  # httpx logs each request
    async def handler(job: Job, params: CrawlParams) -> CrawlReport:
        """Crawl a web site: broken links, sizes, speed, titles and words of its pages."""
        return await crawl(job, params, settings)


async def crawl(job: Job, params: CrawlParams, settings: Settings) -> CrawlReport:
    """Crawl a web site and return the report. Raises TaskError when the start page cannot be read."""
    async with open_client(settings.crawl_allow, user_agent=USER_AGENT) as client:
        crawler = Crawler(
            job,
            client,
            max_pages=params.max_pages,
            max_depth=params.max_depth,
            texts=params.texts,
            page_seconds=settings.page_seconds,
            max_seconds=settings.crawl_seconds,
        )
        return await crawler.run(params.url)
