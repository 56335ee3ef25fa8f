"""The index of the tasks that are stored."""

import asyncio

import pytest

from headway import codec
from headway.errors import UnavailableError
from headway.records import TaskRecord
from headway_streamer.tasks.task_filter import Filter
from headway_streamer.tasks.task_index import TableThread, TaskIndex
from tests.unit.streamer.conftest import at_once

pytestmark = pytest.mark.looptime


def store(parts, first, end, **fields):
    """Tasks t<first>, …, each created in the second of its number."""
    for n in range(first, end):
        record = TaskRecord(task=f"t{n}", kind="k", created=float(n), **fields)
        parts.records.set(f"t{n}", codec.encode_json(record))
        parts.records.stored_at[f"t{n}"] = n + 0.5


def index_of(parts, **options):
    return TaskIndex(parts.records, parts.decoder.malformed, lambda: parts.decoder.incarnation, run=at_once, **options)


async def found(index, **fields):
    return [row.task async for batch in index.search(Filter(**fields)) for row in batch.rows]


def newest_first(first, end):
    return [f"t{n}" for n in reversed(range(first, end))]


async def test_a_search_reads_as_far_back_as_it_must(parts):
    store(parts, 0, 1000)
    index = index_of(parts)
    async for batch in index.search(Filter(limit=10)):
        assert [row.task for row in batch.rows] == newest_first(989, 1000)
        break
    assert (index.count, index.complete) == (64, False)
    assert await found(index, since=500.0) == newest_first(500, 1000)
    assert await found(index) == newest_first(0, 1000)
    assert (index.count, index.complete) == (1000, True)


async def test_new_tasks_are_found_at_once(parts):
    index = index_of(parts)
    assert await found(index) == []
    for n in range(3):
        store(parts, n, n + 1)
        assert await found(index) == newest_first(0, n + 1)
    store(parts, 3, 600)
    assert len(await found(index)) == 600


async def test_a_complete_index_reads_what_is_new_alone(parts):
    store(parts, 0, 600)
    index = index_of(parts)
    await found(index)
    reads = parts.records.reads
    await found(index)
    assert parts.records.reads == reads + 1


async def test_searches_at_the_same_time_share_a_read(parts):
    store(parts, 0, 10)
    index = index_of(parts)
    await found(index)
    reads = parts.records.reads
    assert await asyncio.gather(*(found(index) for _ in range(20))) == [newest_first(0, 10)] * 20
    assert parts.records.reads <= reads + 2


async def test_searches_at_the_same_time_share_a_failure(parts):
    index = index_of(parts)
    await found(index)
    parts.records.away = True
    results = await asyncio.gather(*(found(index) for _ in range(5)), return_exceptions=True)
    assert [type(result) for result in results] == [UnavailableError] * 5
    parts.records.away = False
    assert await found(index) == []


async def test_a_search_that_is_given_up_spoils_no_other(parts):
    store(parts, 0, 10)
    index = index_of(parts)
    first, second = asyncio.ensure_future(found(index)), asyncio.ensure_future(found(index))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == newest_first(0, 10)


async def test_another_store_is_indexed_from_the_start(parts):
    store(parts, 0, 10)
    index = index_of(parts)
    await found(index)
    parts.records.__init__()
    store(parts, 50, 55)
    assert await found(index) == newest_first(0, 10)
    parts.decoder.incarnation = "other"
    assert await found(index) == newest_first(50, 55)


async def test_malformed_records_are_counted_and_left_out(parts):
    store(parts, 0, 3)
    parts.records.set("bad", b"{")
    for n in range(300):
        parts.records.set(f"bad{n}", b"{")
    assert await found(index_of(parts)) == newest_first(0, 3)
    assert parts.counted("records_malformed_total", what="task") == 301


async def test_an_index_without_room_searches_the_records(parts):
    store(parts, 0, 1000)
    index = index_of(parts, most=300)
    assert await found(index) == newest_first(0, 1000)
    assert (index.count, index.complete) == (320, True)
    store(parts, 1000, 1400)
    assert await found(index) == newest_first(0, 1400)
    assert index.count == 300
    assert await found(index, since=700.0, before=900.0) == newest_first(700, 901)


async def test_a_batch_says_how_far_it_went_in_whole_seconds(parts):
    store(parts, 0, 1000, owner="bob")
    batches = [batch async for batch in index_of(parts).search(Filter(owner="ann"))]
    assert [batch.place for batch in batches][:2] == [(942_000_000, ""), (878_000_000, "")]
    assert [batch.last for batch in batches] == [False] * 15 + [True]


async def test_a_sweep_removes_tasks_whose_records_are_gone(parts):
    store(parts, 0, 600)
    index = index_of(parts)
    await found(index)
    for n in range(0, 600, 2):
        del parts.records._entries[f"t{n}"]
    parts.records.set("bad", b"{")
    await index.refresh()
    assert await index.outdated()
    below = await index.sweep()
    while below:
        below = await index.sweep(below)
    assert not await index.outdated()
    assert await found(index) == [f"t{n}" for n in reversed(range(1, 600, 2))]


async def test_the_thread_of_a_table_runs_one_function_after_another():
    thread = TableThread()
    assert await asyncio.gather(*(thread(pow, 2, n) for n in range(3))) == [1, 2, 4]
    with pytest.raises(ZeroDivisionError):
        await thread(divmod, 1, 0)
    thread.close()
