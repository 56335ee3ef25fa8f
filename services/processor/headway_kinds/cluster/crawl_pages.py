"""The texts of the pages that a crawl of the same owner has read."""

from __future__ import annotations

from typing import Protocol

import msgspec

from headway import Job, TaskError
from headway.eventlog.chain import read_head
from headway.eventlog.log import Log
from headway.events import Progress, is_terminal
from headway.ownership import UNKNOWN, Ownership
from headway.records import TaskRecord, decode_task
from headway_kinds.cluster.texts import Material, Texts
from headway_kinds.crawl.crawl_report import PageText

KIND = "crawl"


class Records(Protocol):
    """The records of tasks."""

    async def get(self, key: str) -> bytes | None:
        """The record of a task; None if there is none. Raises UnavailableError."""


class Results(Protocol):
    """The results that are too large for an event."""

    async def get(self, task: str) -> bytes | None:
        """The JSON of the result of a task; None if it is not kept here. Raises UnavailableError."""


class CrawledTexts(msgspec.Struct):
    """What is used of the report of a crawl."""

    start: str
    texts: list[PageText] = []


class CrawlError(TaskError):
    """The crawl cannot be used; not retryable."""

    def __init__(self, message: str, type: str) -> None:
        super().__init__(message, type=type, retryable=False)


class Crawls:
    """Reads the results of crawls, for tasks of the same owner and tenant alone."""

    def __init__(self, log: Log, records: Records, results: Results) -> None:
        self._log = log
        self._records = records
        self._results = results

    async def read(self, job: Job, crawl: str, texts: Texts) -> Material:
        """Add the title and the text of each page of `crawl` to `texts`, until they are full.

        Raises CrawlError when there is no such crawl of the owner of the job, or it kept no texts; UnavailableError.
        """
        job.step("Reading", unit="pages", upto=20)
        record = await _record(crawl, self._records)
        # Absent and foreign look the same.
        if record is None or record.kind != KIND or record.ownership != await ownership_of(job.task, self._records):
            raise CrawlError(f"There is no crawl {crawl!r} of yours; perhaps it was removed.", "NoCrawl")
        report = await self._report(crawl)
        if not report.texts:
            raise CrawlError(f"The crawl {crawl} has kept no texts. Start one with texts=true.", "NoTexts")
        for page in job.track(report.texts):
            if not texts.add(f"{page.title}\n{page.text}"):
                break
        return Material(texts, f"the pages of {report.start}", [])

    async def _report(self, crawl: str) -> CrawledTexts:
        head = await read_head(self._log, crawl)
        last = head.event
        if not isinstance(last, Progress) or last.status != "completed":
            ended = last is not None and is_terminal(last)
            reason = f"its status is {getattr(last, 'status', 'deleted')}" if ended else "it has not completed yet"
            raise CrawlError(f"The crawl {crawl} has no result: {reason}.", "NoResult")
        large = await self._results.get(crawl)  # the event holds a link to it
        try:
            return msgspec.convert(last.data if large is None else msgspec.json.decode(large), CrawledTexts)
        except msgspec.ValidationError as error:
            raise CrawlError(f"The result of {crawl} is not that of a crawl: {error}.", "NoResult") from error


async def ownership_of(task: str, records: Records) -> Ownership:
    """Whose a task is; nobody's if it has no record. Raises UnavailableError."""
    record = await _record(task, records)
    return UNKNOWN if record is None else record.ownership


async def _record(task: str, records: Records) -> TaskRecord | None:
    raw = await records.get(task)
    return None if raw is None else decode_task(raw, task)
