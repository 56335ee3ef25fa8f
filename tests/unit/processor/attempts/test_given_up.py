"""A job that is given up is kept with the reason, and counted."""

import pytest

from headway_processor.attempts.given_up import GivenUpJob
from tests.unit.processor.conftest import Counted, Delivery, MemoryDeadLetters


@pytest.mark.looptime
async def test_the_job_is_kept_however_often_that_is_refused():
    dead_letters, metrics = MemoryDeadLetters(), Counted()
    dead_letters.refusals = 5
    delivery = Delivery(b"{}", "hw.job.k.t1")
    await GivenUpJob("k", delivery, "t1", dead_letters=dead_letters, metrics=metrics).keep("Lost: gone", "given_up")
    assert dead_letters.jobs == [("k", "t1", b"{}", "Lost: gone")]
    assert metrics.seen == [("dead_lettered", "given_up")]
    assert delivery.answers == []
