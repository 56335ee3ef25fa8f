"""Tasks as the API shows them."""

import math

import pytest

from headway import codec
from headway.events import Chunk
from headway.records import TaskRecord
from headway.testing import progress
from headway_streamer.tasks.listing import Filter, links, summary
from tests.unit.streamer.conftest import completed, ticks

pytestmark = pytest.mark.looptime


@pytest.fixture
async def listed(parts):
    """Three tasks, the newest last, and a record that cannot be read."""
    for task, kind, created in (("a", "k", 1.0), ("b", "other", 2.0), ("c", "k", 3.0)):
        record = await parts.add_task(task, kind)
        record.created = created
        parts.records.set(task, codec.encode_json(record))
    parts.records.set("bad", b"{")
    await parts.write("a", *ticks(1, 2))
    await parts.write("b", progress("queued"))
    await parts.write("c", completed())
    return parts.listing


@pytest.mark.parametrize(
    ("wanted", "tasks"),
    [
        (Filter(), ["c", "b", "a"]),
        (Filter(limit=2), ["c", "b"]),
        (Filter(kinds=("k",)), ["c", "a"]),
        (Filter(statuses=("queued",)), ["b"]),
        (Filter(since=2.5), ["c"]),
        (Filter(before=2.0), ["b", "a"]),
        (Filter(owner="ann"), []),
    ],
)
async def test_the_newest_tasks_that_match_are_listed(listed, wanted, tasks):
    assert [item["task"] for item in await listed.recent(wanted)] == tasks


async def everything(listing, **fields):
    """All tasks that searches find, one after another, and how many searches that took."""
    found, until, searches = [], math.inf, 0
    while until is not None:
        tasks, until, _ = await listing.search(Filter(before=until, **fields))
        found += [item["task"] for item in tasks]
        searches += 1
    return list(dict.fromkeys(found)), searches


@pytest.mark.parametrize("limit", [1, 7, 200, 500])
async def test_searches_in_a_row_find_every_task_of_an_owner(parts, limit):
    for n in range(60):
        record = await parts.add_task(f"t{n}", owner="ann" if n % 3 else "bob")
        record.created = float(n)
        parts.records.set(f"t{n}", codec.encode_json(record))
        parts.records.stored_at[f"t{n}"] = n + 0.5
        await parts.write(f"t{n}", completed())
    wanted = [f"t{n}" for n in reversed(range(60)) if n % 3]
    found, searches = await everything(parts.listing, owner="ann", limit=limit)
    assert found == wanted
    # One task of the last moment of a page comes again.
    assert searches <= math.ceil(len(wanted) / max(limit - 1, 1)) + 1 or limit == 1


async def test_a_search_says_how_far_it_went_when_it_finds_nothing(parts):
    for n in range(2500):
        record = TaskRecord(task=f"t{n}", kind="k", created=float(n), owner="ann" if n == 3 else "bob")
        parts.records.set(f"t{n}", codec.encode_json(record))
        parts.records.stored_at[f"t{n}"] = n + 0.5
    await parts.write("t3", completed())
    assert await parts.listing.search(Filter(owner="ann")) == ([], 500.0, (500.0, ""))
    assert [item["task"] for item in (await parts.listing.search(Filter(owner="ann", before=500.0))).tasks] == ["t3"]


async def test_a_record_without_an_event_is_not_listed(parts):
    await parts.add_task("t1")
    assert await parts.listing.recent(Filter()) == []


async def test_a_list_reads_page_by_page_until_it_is_long_enough(parts):
    for n in range(450):
        await parts.add_task(f"t{n}")
    await parts.write("t0", *ticks(1, 1))
    assert [item["task"] for item in await parts.listing.recent(Filter())] == ["t0"]
    assert parts.records.reads == 3


async def test_a_task_has_its_state_parameters_and_cursor(parts):
    record = await parts.add_task("t1", params=codec.raw(b'{"a":1}'), retry_of="t0")
    await parts.write("t1", *ticks(1, 2), Chunk(text="x", offset=0))
    shown, cursor = await parts.listing.task(record)
    assert (shown["state"]["progress"], shown["retry_of"], shown["cursor"]) == (2.0, "t0", cursor)
    assert cursor == "inc.3-3"
    assert shown["links"] == links("t1")


async def test_a_task_without_an_event_has_no_state(parts):
    record = await parts.add_task("t1")
    shown, cursor = await parts.listing.task(record)
    assert (shown["state"], cursor, summary(record, None)["state"]) == (None, "", None)
