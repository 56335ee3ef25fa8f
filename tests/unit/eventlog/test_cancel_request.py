"""A task that no processor has started ends at once; a running one gets a request."""

import pytest

from headway.errors import EndedError, UnavailableError
from headway.eventlog.cancel_request import request_cancel
from headway.eventlog.chain import Chain, read_head
from headway.events import Cancel
from headway.testing import MemoryLog, progress


@pytest.fixture
def log():
    return MemoryLog()


async def append(log, event, attempt):
    await Chain(log, "t1", await read_head(log, "t1"), attempt=attempt).append(event)


async def test_one_that_was_not_started_ends(log):
    await append(log, progress("queued"), 0)
    await request_cancel(log, "t1", "enough")
    assert (log.events("t1")[-1].status, log.events("t1")[-1].message) == ("cancelled", "enough")


async def test_one_that_runs_gets_one_request(log):
    await append(log, progress("processing"), 1)
    for _ in range(2):
        await request_cancel(log, "t1", "enough")
    assert [event.reason for event in log.events("t1") if isinstance(event, Cancel)] == ["enough"]


async def test_one_that_starts_meanwhile_gets_a_request(log):
    await append(log, progress("queued"), 0)
    put = log.put

    async def faster(*arguments, **options):
        log.put = put
        await append(log, progress("processing"), 1)
        return await put(*arguments, **options)

    log.put = faster
    await request_cancel(log, "t1", "enough")
    assert isinstance(log.events("t1")[-1], Cancel)


async def test_one_that_has_ended_is_an_error(log):
    await append(log, progress("completed"), 1)
    with pytest.raises(EndedError):
        await request_cancel(log, "t1", "enough")


async def test_it_does_not_wait_while_nats_is_unreachable(log):
    log.away = True
    with pytest.raises(UnavailableError):
        await request_cancel(log, "t1", "enough")
