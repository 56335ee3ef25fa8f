"""Tasks as the API shows them."""

import math

import pytest

from headway import codec
from headway.events import Chunk
from headway.testing import progress
from headway_streamer.tasks import listing
from headway_streamer.tasks.listing import links, summary
from headway_streamer.tasks.task_filter import Filter, Scope
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
    """All tasks that searches find, page by page, and how many pages that took."""
    found, after, pages = [], None, 0
    while after is not None or pages == 0:
        page = await listing.search(Filter(after=after, **fields))
        found += [item["task"] for item in page.tasks]
        after, pages = page.after, pages + 1
    return found, pages


@pytest.mark.parametrize("limit", [1, 7, 200, 500])
async def test_pages_hold_every_task_of_an_owner_once(parts, limit):
    for n in range(60):
        await parts.add_task(f"t{n}", owner="ann" if n % 3 else "bob", created=float(n // 2))
        await parts.write(f"t{n}", completed())
    wanted = sorted((f"t{n}" for n in range(60) if n % 3), key=lambda task: (int(task[1:]) // 2, task), reverse=True)
    found, pages = await everything(parts.listing, owner="ann", limit=limit)
    assert (found, pages) == (wanted, math.ceil(len(wanted) / limit))


async def test_a_search_that_takes_too_long_says_how_far_it_went(parts, monkeypatch):
    monkeypatch.setattr(listing, "SEARCH_SECONDS", -1.0)
    for n in range(450):
        await parts.add_task(f"t{n}", owner="ann" if n == 3 else "bob", created=float(n))
        parts.records.stored_at[f"t{n}"] = n + 0.5
    await parts.write("t3", completed())
    page = await parts.listing.search(Filter(owner="ann"))
    # A page of 64 was read. What is older may be created until 5 s after the first of them was stored.
    assert page == ([], 392.0, (392_000_000, ""))
    assert (await everything(parts.listing, owner="ann"))[0] == ["t3"]


@pytest.mark.parametrize(("status", "tasks"), [("processing", ["t1"]), ("completed", ["t2"]), ("queued", [])])
async def test_a_status_is_that_of_the_log_now(parts, status, tasks):
    for task in ("t1", "t2"):
        await parts.add_task(task)
        await parts.write(task, progress("queued"))
    assert len((await parts.listing.search(Filter(statuses=("queued",)))).tasks) == 2
    await parts.write("t1", *ticks(1, 1), Chunk(text="x", offset=0))
    await parts.write("t2", completed())
    assert [item["task"] for item in await parts.listing.recent(Filter(statuses=(status,)))] == tasks


async def test_a_caller_finds_the_tasks_in_its_scope(parts):
    for n, (tenant, owner) in enumerate((("a", "ann"), ("a", "bob"), ("b", "ann"))):
        await parts.add_task(f"t{n}", tenant=tenant, owner=owner)
        await parts.write(f"t{n}", completed())

    async def found(**fields):
        return [item["task"] for item in await parts.listing.recent(Filter(**fields))]

    assert await found(scope=Scope("a", "ann")) == ["t0"]
    assert await found(scope=Scope("a", None)) == ["t1", "t0"]
    assert await found(scope=Scope("a", "ann"), owner="bob") == []
    assert await found(scope=Scope("", "")) == []


async def test_a_deleted_task_is_not_listed(parts):
    for task in ("t1", "t2"):
        await parts.add_task(task)
        await parts.write(task, completed())
    assert len(await parts.listing.recent(Filter())) == 2
    await parts.task_store.delete("t1")
    assert [item["task"] for item in await parts.listing.recent(Filter())] == ["t2"]
    assert parts.index.count == 1


async def test_a_record_without_an_event_is_not_listed(parts):
    await parts.add_task("t1")
    assert await parts.listing.recent(Filter()) == []
    await parts.write("t1", progress("queued"))
    assert len(await parts.listing.recent(Filter())) == 1


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
