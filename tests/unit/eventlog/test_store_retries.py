"""How a writer waits for its store, and what it logs of that."""

import logging

import pytest

from headway.errors import StoreFullError, UnavailableError
from headway.eventlog.chain import Chain
from headway.eventlog.store_retries import StoreRetries
from headway.testing import MemoryLog, progress

pytestmark = pytest.mark.looptime


def actions(caplog):
    return [(record.action, record.task) for record in caplog.records if hasattr(record, "action")]


async def test_full_store_is_logged_once_and_its_end_once(caplog):
    caplog.set_level(logging.INFO)
    refused = []
    retries = StoreRetries("t1", "events", refused.append)
    for _ in range(5):
        await retries.wait(StoreFullError("the store"))
    retries.succeeded()
    retries.succeeded()
    assert actions(caplog) == [("store_full", "t1"), ("store_has_space", "t1")]
    full, space = caplog.records
    assert full.what == space.what == "events"
    assert space.seconds == pytest.approx(0.05 + 0.1 + 0.2 + 0.4 + 0.8, abs=0.1)
    assert len(refused) == 5


async def test_unreachable_nats_is_counted_but_not_logged_per_task(caplog):
    caplog.set_level(logging.INFO)
    refused = []
    retries = StoreRetries("t1", "events", refused.append)
    await retries.wait(UnavailableError("no answer"))
    retries.succeeded()
    assert actions(caplog) == []
    assert len(refused) == 1


async def test_call_is_repeated_until_the_store_has_space(caplog):
    log = MemoryLog()
    log.full = True

    async def put():
        ack = await log.put("t1", b"{}", expected=0, msg_id="m1")
        return ack.seq

    def on_refused(error):
        log.full = False

    assert await StoreRetries("t1", "result", on_refused).run(put) == 1
    assert [record.action for record in caplog.records] == ["store_full"]


async def test_patient_chain_appends_when_there_is_space_again():
    log = MemoryLog()
    log.full = True
    tries = []

    def on_refused(error):
        tries.append(error)
        log.full = len(tries) < 3

    await Chain(log, "t1", attempt=1, on_refused=on_refused).append(progress())
    assert [type(error) for error in tries] == [StoreFullError] * 3
    assert len(log.events("t1")) == 1


async def test_impatient_chain_raises_what_was_refused():
    log = MemoryLog()
    log.full = True
    with pytest.raises(StoreFullError):
        await Chain(log, "t1", attempt=1, patient=False).append(progress())
