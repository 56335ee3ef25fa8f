"""The kind `crawl`: read the pages of a site and report on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from headway import Job, __version__, task
from headway_kinds.crawl.crawler import Crawler
from headway_kinds.crawl.report import CrawlReport
from headway_kinds.crawl.robots import AGENT
from headway_kinds.http.fetch import open_client
from headway_kinds.settings import Settings, read

USER_AGENT = f"{AGENT}/{__version__}"


class CrawlParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to crawl."""

    url: Annotated[
        str,
        msgspec.Meta(
            title="Start URL",
            description="Where the crawl begins. It stays on this host and port and obeys robots.txt.",
            pattern="^https?://",
            max_length=2048,
            examples=["https://example.org/"],
        ),
    ]
    max_pages: Annotated[
        int,
        msgspec.Meta(title="Most pages", description="At most so many URLs are asked for.", ge=1, le=100_000),
    ] = 300
    max_depth: Annotated[
        int,
        msgspec.Meta(
            title="Greatest depth",
            description="Pages at most so many links away from the start; 0 for the start alone.",
            ge=0,
            le=1000,
        ),
    ] = 10


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
        crawler = Crawler(job, client, max_pages=params.max_pages, max_depth=params.max_depth)
        return await crawler.run(params.url)
