"""What is too large to be stored is refused permanently, in words, before anything is stored."""

import json

import msgspec
import pytest

from headway.records import KindRecord
from headway_streamer.tasks.store import ENVELOPE_BYTES
from tests.fixtures.http import run_streamer
from tests.fixtures.sse import ACCEPT

LIMIT = 256 * 1024 - ENVELOPE_BYTES


@pytest.fixture
async def streamer(nats_server, connection, names):
    buckets = await connection.client.jetstream().key_value(names.kinds_bucket)
    await buckets.put("any", msgspec.json.encode(KindRecord(kind="any", params={"type": "object"})))
    async with run_streamer(nats_server.url, names.namespace) as running:
        yield running


async def stored(connection, names):
    """Messages in the streams of jobs, of records and of events."""
    js = connection.client.jetstream()
    streams = (names.jobs_stream, f"KV_{names.tasks_bucket}", names.events_stream)
    return [(await js.stream_info(stream)).state.messages for stream in streams]


async def post(streamer, body):
    return await streamer.http.post("/api/v1/tasks", content=body, headers={"Content-Type": "application/json"})


def body_of(size_bytes):
    """A submission of exactly that size."""
    frame = b'{"kind":"any","params":{"text":"%s"}}'
    return frame % (b"x" * (size_bytes - len(frame) + 2))


BODIES = {
    "numbers grow": b'{"kind":"any","params":{"result":[%s]}}' % b",".join([b"1e15"] * 28_000),
    "U+2028 grows": '{{"kind":"any","params":{{"text":"{}"}}}}'.format("\u2028" * 45_000).encode(),
    "U+0085 grows": '{{"kind":"any","params":{{"text":"{}"}}}}'.format("\x85" * 90_000).encode(),
    **{f"{size} bytes": body_of(size) for size in (262_000, 262_100, 262_144)},
}


async def test_params_that_no_record_or_job_can_hold_are_refused_permanently(streamer, connection, names):
    for name, body in BODIES.items():
        assert len(body) <= streamer.components.settings.max_body_bytes
        reply = await post(streamer, body)
        assert (reply.status_code, reply.json()["title"]) == (413, "Content Too Large"), name
        assert f"at most {LIMIT:,}" in reply.json()["detail"]
        assert "retry-after" not in reply.headers
    assert await stored(connection, names) == [0, 0, 0]


async def test_params_of_the_largest_size_are_accepted_and_can_be_retried(streamer, connection, names):
    params = {"text": "x" * (LIMIT - len('{"text":""}'))}
    reply = await streamer.submit("any", params, **{"Idempotency-Key": "k" * 255})
    assert reply.status_code == 202, reply.text
    task = reply.json()["task"]
    await streamer.http.post(f"/api/v1/tasks/{task}/cancel", json={})
    assert (await streamer.http.post(f"/api/v1/tasks/{task}/retry", json={})).status_code == 202
    assert (await stored(connection, names))[:2] == [2, 2]


async def test_a_retry_of_params_that_do_not_fit_any_more_is_refused_permanently(streamer, connection, names):
    record = {"task": "old", "kind": "any", "created": 1.0, "params": {"text": "x" * (LIMIT + 1)}}
    await connection.client.jetstream().publish(f"$KV.{names.tasks_bucket}.old", json.dumps(record).encode())
    reply = await streamer.http.post("/api/v1/tasks/old/retry", json={})
    assert reply.status_code == 413, reply.text


async def test_a_start_by_get_is_refused_by_the_same_rule(streamer, monkeypatch):
    monkeypatch.setattr("headway.submission.ENVELOPE_BYTES", 256 * 1024 - 100)
    reply = await streamer.http.get("/api/v1/process/stream", params={"kind": "any", "text": "x" * 200}, headers=ACCEPT)
    assert (reply.status_code, reply.json()["title"]) == (413, "Content Too Large")


async def test_the_same_key_with_line_separators_in_the_params_finds_its_task(streamer):
    first, again = [await streamer.submit("any", {"a": "\u2028"}, **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert (first.status_code, again.status_code) == (202, 202), again.text
    assert first.json()["task"] == again.json()["task"]
