"""The end of a log: its last event and its last progress."""

import pytest

from headway.errors import UnavailableError
from headway.eventlog.chain import Chain, read_head
from headway.eventlog.log_end import read_log_end
from headway.events import Chunk
from headway.testing import MemoryLog, progress


@pytest.fixture
def log():
    return MemoryLog()


async def append(log, *events):
    chain = Chain(log, "t1", await read_head(log, "t1"), attempt=1)
    for event in events:
        await chain.append(event)


async def test_an_empty_log_has_no_end(log):
    end = await read_log_end(log, "t1")
    assert (end.head.event, end.latest) == (None, None)


async def test_the_last_event_may_be_the_progress(log):
    await append(log, progress(percent=10.0), progress(percent=20.0))
    assert (await read_log_end(log, "t1")).latest.progress == 20.0


async def test_the_last_progress_is_found_behind_output(log):
    await append(log, progress(percent=10.0), Chunk(offset=0, text="x"))
    end = await read_log_end(log, "t1")
    assert (type(end.head.event), end.latest.progress) == (Chunk, 10.0)


async def test_a_replica_that_is_behind_is_unavailable(log, monkeypatch):
    await append(log, progress(percent=10.0), Chunk(offset=0, text="x"))

    async def read(task, first, limit):
        return []

    monkeypatch.setattr(log, "read", read)
    with pytest.raises(UnavailableError, match="behind"):
        await read_log_end(log, "t1")
