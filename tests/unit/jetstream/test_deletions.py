"""The queue of deletions: requests, and notes of ended tasks in their order."""

import nats.js.errors
import pytest

from headway.errors import InvalidNameError, UnavailableError
from headway.jetstream.deletions import Deletions, Entry
from headway.subjects import Names

pytestmark = pytest.mark.looptime


@pytest.fixture
def deletions(client):
    return Deletions(client, Names("hw"))


async def test_requests_and_notes_hold_nothing_but_the_id(client, deletions):
    await deletions.request("t1")
    await deletions.note_ended("k", "t2")
    assert [subject for subject, *_ in client.js.published] == ["hw.delete.t1", "hw.ended.k.t2"]
    assert all(payload.startswith(b'{"at":') and len(payload) < 30 for _, payload, *_ in client.js.published)


async def test_a_request_that_is_not_acknowledged_is_an_error(client, deletions):
    client.js.failing = [nats.js.errors.ServiceUnavailableError(code=503)]
    with pytest.raises(UnavailableError):
        await deletions.request("t1")
    with pytest.raises(InvalidNameError):
        await deletions.request("t.*")


async def test_requests_are_read_with_their_sequence(client, deletions):
    client.answers((4, "t1", b"{}"), (7, "t2", b"{}"))
    assert await deletions.requested() == [Entry("t1", 4), Entry("t2", 7)]


async def test_ended_tasks_are_read_up_to_the_first_that_is_young(client, deletions):
    client.answers((1, "t1", b'{"at":10.0}'), (2, "t2", b"?"), (5, "t3", b'{"at":20.0}'), (6, "t4", b'{"at":1.0}'))
    found = [entry.task async for entry in deletions.ended_before("k", 20.0)]
    assert found == ["t1", "t2"]
    client.answers(end="404")
    assert [entry async for entry in deletions.ended_before("k", 20.0)] == []
