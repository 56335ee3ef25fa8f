"""What is known of the states of tasks."""

import asyncio

import pytest

from headway.events import Chunk
from headway.testing import progress
from headway_streamer.tasks import task_states
from headway_streamer.tasks.task_filter import Filter
from tests.unit.streamer.conftest import completed, ticks

pytestmark = pytest.mark.looptime


async def rows_of(parts):
    await parts.index.refresh()
    return [row async for batch in parts.index.search(Filter()) for row in batch.rows]


async def statuses(parts):
    return {row.task: (row.status, row.settled) for row in await parts.task_states.settle(await rows_of(parts))}


async def test_states_are_those_of_the_log(parts):
    for task in ("a", "b", "c", "d"):
        await parts.add_task(task)
    await parts.write("a", progress("queued"))
    await parts.write("b", *ticks(1, 3), Chunk(text="x", offset=0))
    await parts.write("c", completed())
    assert await statuses(parts) == {"a": ("queued", 0), "b": ("processing", 0), "c": ("completed", 1), "d": ("", 0)}
    await parts.write("a", *ticks(1, 1))
    await parts.write("b", Chunk(text="y", offset=1))
    await parts.write("d", progress("queued"))
    assert await statuses(parts) == {
        "a": ("processing", 0), "b": ("processing", 0), "c": ("completed", 1), "d": ("queued", 0)
    }  # fmt: skip


async def test_only_what_has_changed_is_read(parts, monkeypatch):
    for n in range(300):
        await parts.add_task(f"t{n}")
        await parts.write(f"t{n}", *(ticks(1, 1) if n < 3 else [completed()]))
    asked = []
    lasts = parts.log.lasts

    async def counted(tasks, after=0):
        found = await lasts(tasks, after)
        asked.append((len(tasks), len(found[0])))
        return found

    monkeypatch.setattr(parts.log, "lasts", counted)
    await statuses(parts)
    assert asked == [(64, 64)] * 4 + [(44, 44)]
    asked.clear()
    await parts.write("t1", completed())
    assert (await statuses(parts))["t1"] == ("completed", 1)
    assert asked == [(3, 1)]


async def test_a_deleted_task_leaves_the_index(parts):
    for task in ("a", "b"):
        await parts.add_task(task)
        await parts.write(task, completed())
    await parts.task_store.delete("a")
    assert await statuses(parts) == {"b": ("completed", 1)}
    assert parts.index.count == 1


async def test_the_index_is_filled_and_followed_in_the_background(parts, monkeypatch):
    for n in range(450):
        await parts.add_task(f"t{n}", created=float(n))
        await parts.write(f"t{n}", *ticks(1, 1))
    parts.records.away = True
    root = asyncio.ensure_future(parts.task_states.keep_known())
    await asyncio.sleep(5.0)
    assert parts.index.count == 0
    parts.records.away = False
    await asyncio.sleep(2.0)
    assert parts.index.complete
    await parts.write("t7", completed())
    await asyncio.sleep(task_states.PAUSE_SECONDS)
    reads = []
    monkeypatch.setattr(parts.log, "lasts", lambda *_: reads.append(1))
    row = next(row for row in await rows_of(parts) if row.task == "t7")
    assert (row.status, row.settled, reads) == ("completed", 1, [])
    for n in range(20):
        del parts.records._entries[f"t{n}"]
    monkeypatch.undo()
    await asyncio.sleep(task_states.SWEEP_SECONDS + task_states.PAUSE_SECONDS)
    assert parts.index.count == 430
    root.cancel()
