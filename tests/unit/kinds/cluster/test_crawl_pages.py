"""The texts of a crawl's pages, and whose they are."""

import msgspec
import pytest

from headway import codec
from headway.errors import UnavailableError
from headway.records import TaskRecord
from headway.testing import MemoryBucket, MemoryLog, MemoryResults, start_job
from headway_kinds.cluster.crawl_pages import CrawlError, Crawls
from headway_kinds.cluster.texts import Texts

REPORT = {
    "start": "http://h/",
    "pages": 3,
    "texts": [
        {"url": "http://h/", "title": "Home", "text": "red door"},
        {"url": "http://h/shop", "title": "Shop", "text": ""},
        {"url": "http://h/sea", "title": "", "text": "sea"},
    ],
}


class Stores:
    """The stores of a processor with a task `t1` that clusters, and other tasks."""

    def __init__(self):
        self.log, self.records, self.results = MemoryLog(), MemoryBucket(), MemoryResults()

    async def add(self, task, *, kind="crawl", status="completed", data=None, **owner):
        """Add a task that has ended; one without a status has not begun."""
        record = TaskRecord(task=task, kind=kind, created=1.0, **owner)
        await self.records.create(task, codec.encode_json(record))
        if status:
            job = start_job(self.log, task)
            await job.finish(status, data=data)

    async def read(self, crawl="c1", texts=None):
        job = start_job(self.log, "t1")
        try:
            return await Crawls(self.log, self.records, self.results).read(job, crawl, texts or Texts())
        finally:
            await job.abort()


@pytest.fixture
async def stores():
    found = Stores()
    await found.add("t1", kind="cluster", status="", owner="ann", tenant="acme")
    return found


async def test_the_pages_of_an_own_crawl_are_read(stores):
    await stores.add("c1", data=REPORT, owner="ann", tenant="acme")
    texts, source, warnings = await stores.read()
    assert [texts[number] for number in range(len(texts))] == ["Home red door", "Shop", "sea"]
    assert (source, warnings) == ("the pages of http://h/", [])


async def test_a_large_result_is_read_from_where_it_is(stores):
    await stores.add("c1", data={"href": "/api/v1/tasks/c1/result", "bytes": 9}, owner="ann", tenant="acme")
    stores.results.results["c1"] = msgspec.json.encode(REPORT)
    assert len((await stores.read()).texts) == 3


async def test_reading_ends_when_the_texts_are_full(stores):
    await stores.add("c1", data=REPORT, owner="ann", tenant="acme")
    full = Texts(limit=1)
    full.add("one")
    assert (await stores.read(texts=full)).texts.full


@pytest.mark.security
@pytest.mark.parametrize(
    "other",
    [
        {},
        {"owner": "ann"},
        {"owner": "bob", "tenant": "acme"},
        {"owner": "ann", "tenant": "other"},
        {"owner": "ann", "tenant": "acme", "kind": "bulk"},
    ],
)
async def test_a_task_of_another_owner_looks_as_one_that_is_absent(stores, other):
    with pytest.raises(CrawlError) as absent:
        await stores.read()
    await stores.add("c1", data=REPORT, **other)
    with pytest.raises(CrawlError) as foreign:
        await stores.read()
    assert str(absent.value) == str(foreign.value) == "There is no crawl 'c1' of yours; perhaps it was removed."
    assert foreign.value.type == "NoCrawl"


@pytest.mark.security
async def test_a_task_whose_own_record_is_missing_reads_nothing_of_an_owner():
    stores = Stores()
    await stores.add("c1", data=REPORT, owner="ann")
    with pytest.raises(CrawlError, match="no crawl"):
        await stores.read()
    await stores.add("c2", data=REPORT)  # without access control nobody owns anything
    assert len((await stores.read("c2")).texts) == 3


@pytest.mark.parametrize(
    ("status", "data", "problem"),
    [
        ("", None, "has no result: it has not completed yet"),
        ("cancelled", None, "has no result: its status is cancelled"),
        ("completed", {"start": "http://h/", "pages": 3}, "has kept no texts. Start one with texts=true"),
        ("completed", {"start": "http://h/", "texts": 3}, "is not that of a crawl"),
        ("completed", {"href": "/r", "bytes": 9}, "is not that of a crawl"),  # removed since
    ],
)
async def test_a_crawl_without_texts_says_what_to_do(stores, status, data, problem):
    await stores.add("c1", status=status, data=data, owner="ann", tenant="acme")
    with pytest.raises(CrawlError, match=problem):
        await stores.read()


async def test_an_unreachable_store_is_not_taken_for_an_absent_crawl(stores):
    stores.records.away = True
    with pytest.raises(UnavailableError):
        await stores.read()
