"""A job is removed only after the end of its task is noted."""

import pytest

from headway.testing import MemoryDeletions
from headway_processor.jobs.noting_delivery import NotingDelivery
from tests.unit.processor.conftest import Delivery


@pytest.fixture
def deletions():
    return MemoryDeletions()


@pytest.fixture
def made(deletions):
    delivery = Delivery(b"{}", "hw.job.k.t1")
    return delivery, NotingDelivery(delivery, deletions, "k", "t1")


async def test_the_end_is_noted_before_the_job_is_removed(made, deletions):
    delivery, noting = made
    await noting.ack()
    assert (deletions.ended, delivery.answers, noting.answered) == ([("k", "t1")], ["ack"], True)


async def test_a_job_whose_end_cannot_be_noted_stays(made, deletions, caplog):
    delivery, noting = made
    deletions.away = True
    await noting.ack()
    assert (delivery.answers, noting.answered) == ([], False)
    assert [record.action for record in caplog.records] == ["end_not_noted"]


async def test_other_answers_are_passed_on_without_a_note(made, deletions):
    delivery, noting = made
    await noting.nak(3.0)
    await noting.term()
    await noting.extend()
    assert (delivery.answers, deletions.ended) == ([("nak", 3.0), "term"], [])
    assert (noting.key, noting.subject, noting.payload) == (delivery.key, delivery.subject, delivery.payload)
