"""Jobs that end without an attempt, and what is stored of them."""

import pytest

from headway import codec
from headway.events import Cancel
from headway.records import JobMessage
from headway.testing import progress
from tests.unit.processor.conftest import Params, append, noop, statuses


async def test_task_whose_attempts_all_vanish_is_given_up(bench):
    await append(bench, progress(percent=40.0, failed=2, alone=True, eta=3.0), attempt=3)
    assert await bench.run(noop) == ["ack"]
    last = bench.last
    assert (last.status, last.error.type, last.progress, last.failed, last.eta) == ("error", "Lost", 40.0, 3, None)
    assert [reason for *_, reason in bench.dead_letters.jobs] == ["Lost: given up: 3 attempts failed or were lost"]
    assert bench.metrics.seen == [("dead_lettered", "given_up")]


async def test_task_that_was_cancelled_in_the_queue_is_not_run(bench):
    await append(bench, progress("queued"), Cancel(reason="no"))
    assert await bench.run(noop) == ["ack"]
    assert statuses(bench) == ["queued", "Cancel", "cancelled"]


async def test_task_that_has_ended_is_not_run(bench):
    await append(bench, progress("completed", 100))
    assert await bench.run(noop) == ["ack"]
    assert statuses(bench) == ["completed"]


@pytest.mark.parametrize("params", [b'{"count": "4"}', b"{}", b"[]", b"null", b'{"count": 1e400}'])
async def test_params_that_do_not_fit_end_the_task_at_once(bench, params):
    await append(bench, progress("queued"))

    async def handler(job, params: Params):
        raise AssertionError

    assert await bench.run(handler, params, retries=3) == ["ack"]
    assert (bench.last.status, bench.last.error.type, bench.last.attempt) == ("error", "InvalidParams", 0)
    assert len(bench.dead_letters.jobs) == 1


async def test_params_for_a_handler_that_takes_none_do_not_fit(bench):
    assert await bench.run(noop, b'{"count": 4}') == ["ack"]
    assert bench.last.error.type == "InvalidParams"


@pytest.mark.security
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b'{"task": "t1"}',
        codec.encode_json(JobMessage(task="other", kind="k")),
        codec.encode_json(JobMessage(task="t1", kind="other")),
    ],
)
async def test_malformed_job_is_dead_lettered(bench, payload):
    bench.dead_letters.refusals = 1
    assert await bench.run(noop, payload=payload) == ["term"]
    assert [dead[:3] for dead in bench.dead_letters.jobs] == [("k", "t1", payload)]
    assert bench.events == []
    assert bench.metrics.seen == ["malformed", ("dead_lettered", "malformed")]


@pytest.mark.security
async def test_malformed_job_ends_the_task_whose_place_it_took(bench):
    await append(bench, progress("queued"))
    assert await bench.run(noop, payload=b"{") == ["term"]
    assert bench.last.error.type == "MalformedJob"


@pytest.mark.security
@pytest.mark.parametrize("depth", [500, 974, 976])
async def test_a_job_that_is_nested_too_deeply_is_no_job(bench, depth):
    params = b"[" * depth + b"]" * depth
    payload = b'{"task":"t1","kind":"k","params":{"a":' + params + b"}}"
    assert await bench.run(lambda job: None, payload=payload) == ["term"]
    ((_, _, _, reason),) = bench.dead_letters.jobs
    assert "nested deeper" in reason
