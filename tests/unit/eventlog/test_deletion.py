"""The event that marks a task as deleted: after the end, once, and followed by nothing."""

import pytest

from headway import codec
from headway.errors import EndedError, NotEndedError
from headway.eventlog.chain import Chain, read_head
from headway.eventlog.deletion import mark_deleted
from headway.events import DELETED, Deleted, is_terminal
from headway.testing import MemoryLog, progress

pytestmark = pytest.mark.security


@pytest.fixture
def log():
    return MemoryLog()


async def append(log, *events, attempt=1):
    chain = Chain(log, "t1", await read_head(log, "t1"), attempt=attempt)
    for event in events:
        await chain.append(event)
    return chain


async def test_a_task_that_has_ended_is_marked_once_with_nothing_but_its_id(log):
    await append(log, progress(), progress("completed", 100.0, data="secret"))
    assert await mark_deleted(log, "t1") == await mark_deleted(log, "t1") == 3
    *_, deleted = log.events("t1")
    assert deleted == Deleted(task="t1", n=3, attempt=1, at=deleted.at)
    assert is_terminal(deleted)
    assert set(codec.decode_json(codec.encode(deleted))) == {"type", "task", "n", "attempt", "at"}


async def test_a_task_that_runs_is_not_marked(log):
    await append(log, progress())
    with pytest.raises(NotEndedError, match="t1 has not ended"):
        await mark_deleted(log, "t1")


async def test_a_log_that_has_expired_gets_an_end_as_well(log):
    assert await mark_deleted(log, "t1") == 1
    with pytest.raises(EndedError):
        await append(log, progress())


async def test_a_writer_that_ends_the_task_meanwhile_is_followed(log):
    chain = await append(log, progress("completed", 100.0))
    put = log.put

    async def slow(task, payload, **options):
        log.put = put
        await mark_deleted(log, "t1")
        return await put(task, payload, **options)

    log.put = slow
    assert await mark_deleted(log, "t1") == 2
    assert [event.n for event in log.events("t1")] == [1, 2]
    assert chain.head.n == 1


async def test_late_events_of_another_writer_begin_no_new_log(log, security_figures):
    refused = 0
    writers = [await append(log, progress()), await append(log, progress(), attempt=2)]
    await append(log, progress("completed", 100.0), attempt=2)
    log.remove("t1", before=await mark_deleted(log, "t1"))
    for chain in (*writers, Chain(log, "t1", attempt=3), Chain(log, "t1", attempt=0)):
        for event in (progress(), progress("completed", 100.0, data="again")):
            for write in (chain.append, chain.begin):
                with pytest.raises(EndedError) as caught:
                    await write(event)
                assert caught.value.status == DELETED
                refused += 1
    assert [type(event) for event in log.events("t1")] == [Deleted]
    security_figures(15, "late events after a deletion", tried=refused, stored=0)
