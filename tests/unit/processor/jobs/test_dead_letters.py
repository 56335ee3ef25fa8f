"""Jobs that cannot be completed are stored as they were, or what can be kept of them."""

import msgspec
import pytest

from headway import codec
from headway.records import DeadJob
from headway.subjects import Names
from headway_processor.jobs.dead_letters import MAX_JOB_BYTES, MAX_TEXT_CHARS, NAMELESS, JetStreamDeadLetters, as_json

LARGE = b'"' + b"x" * MAX_JOB_BYTES + b'"'


class Stream:
    """A client whose messages are kept."""

    max_payload = 1024 * 1024

    def __init__(self):
        self.messages = []

    def jetstream(self, **options):
        return self

    async def publish(self, subject, payload, *, headers=None, stream=None):
        self.messages.append((subject, payload, headers))


@pytest.mark.parametrize(
    ("job", "kept"),
    [
        (b'{"a": 1}', b'{"a": 1}'),
        (b"junk", b'"junk"'),
        (b"\xff", '"\ufffd"'.encode()),
        (LARGE, b'"\\"' + b"x" * (MAX_TEXT_CHARS - 1) + b'"'),
    ],
    ids=["JSON", "not JSON", "not UTF-8", "too large"],
)
def test_a_job_is_kept_as_json(job, kept):
    assert bytes(as_json(job)) == kept


@pytest.mark.parametrize(("task", "token"), [("t1", "t1"), ("not a name", NAMELESS), ("", NAMELESS)])
async def test_a_dead_letter_has_the_reason_and_the_key_of_the_delivery(task, token):
    stream, names = Stream(), Names("hw")
    await JetStreamDeadLetters(stream, names).add("k", task, b"{}", "because", "JOBS.7")
    ((subject, payload, headers),) = stream.messages
    assert (subject, headers) == (names.dead("k", token), {"Nats-Msg-Id": "JOBS.7"})
    record = msgspec.json.decode(payload, type=DeadJob)
    assert (bytes(record.job), record.reason) == (b"{}", "because")
    assert codec.encode_json(record) == payload
