"""How a writer waits, and what it logs of that."""

import logging

import pytest

from headway.errors import StoreFullError, UnavailableError
from headway.eventlog.chain import Chain
from headway.eventlog.retry import Patience
from headway.testing import MemoryLog, progress


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """The pauses that were made; none takes time."""
    made = []

    async def sleep(seconds):
        made.append(seconds)

    monkeypatch.setattr("headway.eventlog.retry.asyncio.sleep", sleep)
    return made


def actions(caplog):
    return [(record.action, record.task) for record in caplog.records if hasattr(record, "action")]


async def test_pauses_double_up_to_a_limit_and_begin_again_after_a_success(pauses):
    patience = Patience("t1", "events")
    for _ in range(8):
        await patience.wait(UnavailableError("no answer"))
    patience.succeeded()
    await patience.wait(UnavailableError("no answer"))
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 1.6, 1.6, 0.05]


async def test_a_full_store_is_logged_once_and_its_end_once(caplog):
    caplog.set_level(logging.INFO)
    refused = []
    patience = Patience("t1", "events", refused.append)
    for _ in range(5):
        await patience.wait(StoreFullError("the store"))
    patience.succeeded()
    patience.succeeded()
    assert actions(caplog) == [("store_full", "t1"), ("store_has_space", "t1")]
    assert len(refused) == 5


async def test_an_unreachable_nats_is_counted_but_not_logged_per_task(caplog):
    caplog.set_level(logging.INFO)
    patience = Patience("t1", "events")
    await patience.wait(UnavailableError("no answer"))
    patience.succeeded()
    assert actions(caplog) == []


async def test_a_patient_chain_appends_when_there_is_space_again(monkeypatch, caplog):
    log = MemoryLog()
    log.full = True
    tries = []

    def on_refused(error):
        tries.append(error)
        log.full = len(tries) < 3

    await Chain(log, "t1", attempt=1, on_refused=on_refused).append(progress())
    assert [type(error) for error in tries] == [StoreFullError] * 3
    assert len(log.events("t1")) == 1


async def test_an_impatient_chain_raises_what_was_refused():
    log = MemoryLog()
    log.full = True
    with pytest.raises(StoreFullError):
        await Chain(log, "t1", attempt=1, patient=False).append(progress())
