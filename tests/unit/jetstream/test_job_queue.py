"""The queue of jobs: what is sent, the one job of each task, and the errors."""

import nats.errors
import nats.js.errors
import pytest

from headway import codec
from headway.errors import InvalidNameError, StoreFullError, TooLargeError, UnavailableError
from headway.jetstream.job_queue import JetStreamJobQueue
from headway.jetstream.publisher import MAX_MESSAGE_BYTES
from headway.records import JobMessage
from headway.subjects import Names

JOB = JobMessage(task="t1", kind="crawl", params=codec.raw(b'{"pages":5}'), submitted=1.5)


@pytest.fixture
def queue(client):
    return JetStreamJobQueue(client, Names("hw"))


def store_failed(description):
    return nats.js.errors.ServiceUnavailableError(code=503, err_code=10077, description=description)


async def test_job_is_stored_on_the_subject_of_its_kind_and_task(client, queue):
    await queue.put(JOB)
    ((subject, payload, headers, stream),) = client.js.published
    assert (subject, headers, stream) == ("hw.job.crawl.t1", {"Nats-Msg-Id": "job.t1"}, "HW_JOBS")
    assert payload == b'{"task":"t1","kind":"crawl","params":{"pages":5},"submitted":1.5}'


async def test_job_of_a_task_that_has_one_is_accepted(client, queue):
    client.js.failing = [store_failed("maximum messages per subject exceeded")]
    await queue.put(JOB)
    assert client.js.published == []


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (store_failed("maximum bytes exceeded"), StoreFullError, "the stream is full"),
        (store_failed("maximum messages exceeded"), StoreFullError, "the stream is full"),
        (store_failed("some disk failed"), UnavailableError, "some disk failed"),
        (nats.js.errors.ServiceUnavailableError(code=503, err_code=10023), StoreFullError, "store is full"),
        (nats.js.errors.BadRequestError(code=400, err_code=10054), TooLargeError, "too large"),
        (nats.errors.MaxPayloadError(), TooLargeError, "too large"),
        (nats.errors.NoRespondersError(), UnavailableError, "NoResponders"),
        (nats.errors.ConnectionClosedError(), UnavailableError, "ConnectionClosed"),
        (TimeoutError(), UnavailableError, "TimeoutError"),
    ],
)
async def test_each_refusal_has_its_error_and_names_the_job(client, queue, error, expected, message):
    client.js.failing = [error]
    with pytest.raises(expected, match=message) as caught:
        await queue.put(JOB)
    assert type(caught.value) is expected
    assert "the job of t1" in str(caught.value)


async def test_limit_is_that_of_the_streams_or_of_a_server_that_accepts_less(client, queue):
    assert queue.limit_bytes == MAX_MESSAGE_BYTES
    client.max_payload = 4096
    assert queue.limit_bytes == 4096


@pytest.mark.parametrize(("length", "fits"), [(3000, True), (4000, False)])
async def test_job_over_the_limit_is_refused_before_it_is_sent(client, queue, length, fits):
    client.max_payload = 4096
    job = JobMessage(task="t1", kind="crawl", params=codec.raw(b'"%s"' % (b"x" * length)))
    if fits:
        await queue.put(job)
    else:
        with pytest.raises(TooLargeError, match=r"the job of t1 is too large: 4,\d+ bytes, of at most 4,096"):
            await queue.put(job)
    assert len(client.js.published) == fits


@pytest.mark.parametrize(("kind", "task"), [("crawl", "a.b"), ("*", "t1"), ("crawl", ">"), ("", "t1")])
async def test_name_that_would_change_the_subject_is_refused(client, queue, kind, task):
    with pytest.raises(InvalidNameError):
        await queue.put(JobMessage(task=task, kind=kind))
    assert client.js.published == []
