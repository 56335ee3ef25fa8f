"""The comparison of idle tails with the log."""

import asyncio
import math
from contextlib import suppress

import pytest

from headway.eventlog.deletion import mark_deleted
from headway_streamer.tail import probe as module
from headway_streamer.tail.probe import ProbedTail
from tests.unit.streamer.conftest import completed, ticks

pytestmark = pytest.mark.looptime


async def probing(parts, seconds):
    """Let the probe run for so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await parts.tails.probe.run()


async def test_an_event_that_was_stored_and_not_received_is_found(parts, log):
    await parts.write("t1", *ticks(1, 1))
    tail = await parts.tails.join("t1")
    log.mute = True
    await parts.write("t1", *ticks(2, 2), completed())
    await probing(parts, 3)
    assert (tail.ring.last_n, tail.ended, parts.metrics.probe_repairs) == (3, True, 1)


async def test_a_deletion_that_was_not_received_is_found(parts, log):
    await parts.write("t1", *ticks(1, 1), completed())
    tail = await parts.tails.join("t1")
    log.mute = True
    await mark_deleted(log, "t1")
    await probing(parts, 3)
    assert (tail.deleted, tail.ring.all()) == (True, [])


async def test_many_tails_are_probed_in_several_requests_and_deleted_ones_never(parts, log, monkeypatch):
    monkeypatch.setattr(module, "PROBE_TAILS", 2)
    asked, lasts = [], log.lasts
    monkeypatch.setattr(log, "lasts", lambda tasks, floor: asked.append(list(tasks)) or lasts(tasks, floor))
    await parts.write("deleted", completed())
    await mark_deleted(log, "deleted")
    for task in ("deleted", "a", "b", "c"):
        await parts.tails.join(task)
    await probing(parts, 2.9)
    assert sorted(len(tasks) for tasks in asked) == [1, 2]
    assert not any("deleted" in tasks for tasks in asked)


async def test_a_probe_that_fails_is_repeated_later(parts, log, caplog):
    caplog.set_level("INFO")
    tail = await parts.tails.join("t1")
    log.mute = True
    await parts.write("t1", *ticks(1, 1))
    log.away = True
    await probing(parts, 3)
    assert [record.action for record in caplog.records] == ["probe_failed"]
    log.away = False
    parts.tails.probe.run_soon()
    await probing(parts, 2)
    assert tail.ring.last_n == 1


async def test_a_tail_that_is_not_open_is_not_probed_soon(parts):
    tail = await parts.tails.join("t1")
    entry = ProbedTail(tail)
    parts.tails._entries["t1"].at = math.inf
    parts.tails.probe.run_soon()
    assert (entry.at, parts.tails._entries["t1"].at) == (math.inf, math.inf)


async def test_a_floor_of_its_own_is_kept_for_each_tail(parts, log):
    await parts.write("t1", *ticks(1, 1))
    await parts.tails.join("t1")
    await parts.write("other", *ticks(1, 9))
    await probing(parts, 3)
    assert parts.tails._entries["t1"].known_seq == 10
