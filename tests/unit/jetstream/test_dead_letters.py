"""The stream of dead letters, as its requests and answers. `tests/integration/test_stores.py` has the real one."""

from types import SimpleNamespace

import nats.errors
import pytest

from headway.errors import UnavailableError
from headway.jetstream.dead_letters import DeadLetterStream
from headway.subjects import Names

pytestmark = pytest.mark.looptime


@pytest.fixture
def letters(client):
    return DeadLetterStream(client, Names("hw"))


async def test_letters_are_read_with_their_subjects(client, letters):
    client.answers((4, "t1", b"{}"))
    assert [(one.seq, one.task) for one in await letters.page("k", 2)] == [(4, "t1")]


async def test_a_letter_of_another_sequence_is_not_the_one(client, letters):
    client.answers((4, "t1", b"{}"))
    assert await letters.get(3) is None


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b'{"success":true}', None),
        (b'{"error":{"code":400,"err_code":10043,"description":"no message found"}}', None),
        (b'{"error":{"code":503,"err_code":10008,"description":"unavailable"}}', UnavailableError),
        (nats.errors.TimeoutError(), UnavailableError),
    ],
)
async def test_a_removal_that_was_not_answered_well_is_an_error(client, letters, answer, error, monkeypatch):
    async def request(subject, payload, timeout):
        assert (subject, payload) == ("$JS.API.STREAM.MSG.DELETE.HW_DEAD", b'{"seq":3,"no_erase":true}')
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(data=answer)

    monkeypatch.setattr(client, "request", request, raising=False)
    if error is None:
        await letters.remove(3)
    else:
        with pytest.raises(error):
            await letters.remove(3)
