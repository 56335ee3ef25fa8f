"""The last events of many tasks are followed until each has ended."""

import asyncio

import pytest

from headway.children.ends import FIRST_PROBE_SECONDS, PROBE_SECONDS, Ends
from headway.eventlog.chain import Chain, read_head
from headway.eventlog.deletion import mark_deleted
from headway.events import Chunk
from headway.testing import MemoryLog, progress

pytestmark = pytest.mark.looptime


class Seen:
    def __init__(self):
        self.log = MemoryLog()
        self.noted = []
        self.ends = Ends(self.log, lambda task, event: self.noted.append((task, event.status, event.progress)))

    async def append(self, task, *events):
        for event in events:
            await Chain(self.log, task, await read_head(self.log, task), attempt=1).append(event)


@pytest.fixture
async def seen():
    made = Seen()
    yield made
    await made.ends.close()


async def test_progress_and_ends_are_noted_as_they_come(seen):
    await seen.ends.add("a")
    await seen.append("a", progress("processing", 40.0), Chunk(text="x", offset=0), progress("completed", 100.0))
    assert seen.noted == [("a", "processing", 40.0), ("a", "completed", 100.0)]
    await asyncio.sleep(0)
    assert seen.log.subscribers("a") == 0  # nothing follows


async def test_what_was_there_before_is_read(seen):
    await seen.append("a", progress("completed", 100.0))
    await seen.ends.add("a")
    await seen.ends.read(["a"])
    await seen.ends.read(["a"])
    assert seen.noted == [("a", "completed", 100.0)]


@pytest.mark.parametrize(("already", "seconds"), [(0, FIRST_PROBE_SECONDS), (10, PROBE_SECONDS)])
async def test_an_end_that_was_not_published_is_found_by_a_probe(seen, already, seconds):
    await seen.ends.add("a")
    await asyncio.sleep(already)
    seen.log.mute = True
    await seen.append("a", progress("error"))
    assert seen.noted == []
    await asyncio.sleep(seconds + 0.1)
    assert seen.noted == [("a", "error", 0.0)]


async def test_it_continues_when_nats_was_unreachable(seen):
    await seen.ends.add("a")
    seen.log.mute = True
    await seen.append("a", progress("completed", 100.0))
    seen.log.away = True
    await asyncio.sleep(60)
    seen.log.away = False
    await asyncio.sleep(PROBE_SECONDS)
    assert seen.noted == [("a", "completed", 100.0)]


async def test_a_deleted_task_has_ended(seen):
    await seen.append("a", progress("completed", 100.0))
    await mark_deleted(seen.log, "a")
    await seen.ends.add("a")
    await seen.ends.read(["a"])
    assert seen.noted == [("a", "cancelled", 0.0)]


async def test_what_is_not_an_event_is_skipped(seen, caplog):
    await seen.ends.add("a")
    await seen.log.put("a", b"?", expected=0, msg_id="x")
    assert (seen.noted, caplog.records[0].action) == ([], "event_malformed")


async def test_a_task_that_is_left_is_not_followed(seen):
    await seen.ends.add("a")
    seen.ends.leave("a")
    await asyncio.sleep(0)
    await seen.append("a", progress("completed", 100.0))
    assert (seen.noted, seen.log.subscribers("a")) == ([], 0)
