"""What is stored and cannot be read disturbs nobody else, and says so; what could become so is refused."""

import json

import msgspec
import pytest

from headway import codec
from headway.client import Client
from headway.eventlog.chain import Chain
from headway.records import KindRecord, TaskRecord
from headway.testing import progress
from tests.fixtures.http import run_streamer
from tests.fixtures.sse import ACCEPT

pytestmark = pytest.mark.security

DEPTHS = (codec.MAX_DEPTH + 1, 500, 973, 974, 975, 976, 5000)


@pytest.fixture
async def streamer(nats_server, connection, names):
    buckets = await connection.client.jetstream().key_value(names.kinds_bucket)
    schema = {"type": "object", "properties": {"a": {"type": "object"}}}
    await buckets.put("any", msgspec.json.encode(KindRecord(kind="any", params=schema)))
    await buckets.put("broken", b'{"kind":')
    async with run_streamer(nats_server.url, names.namespace) as running:
        yield running


def nested(depth):
    """An object of that many levels, as JSON."""
    return '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)


async def post(streamer, path, body):
    return await streamer.http.post(path, content=body, headers={"Content-Type": "application/json"})


async def put_record(streamer, names, task, raw):
    await streamer.components.connection.client.jetstream().publish(f"$KV.{names.tasks_bucket}.{task}", raw)


async def put_task(streamer, names, task, **fields):
    """A task with one good event."""
    record = TaskRecord(task=task, kind="any", created=1.0)
    await put_record(streamer, names, task, codec.encode_json(msgspec.structs.replace(record, **fields)))
    await Chain(streamer.components.log, task, attempt=1).append(progress("processing", 7.0, message="good"))


def counted(streamer, name):
    page = streamer.components.metrics.exposition().decode()
    return sum(float(line.split()[-1]) for line in page.splitlines() if line.startswith(f"headway_{name}_total"))


async def test_json_that_is_nested_too_deeply_is_refused_wherever_it_comes_in(streamer, names):
    await put_task(streamer, names, "t1")
    for depth in DEPTHS:
        deep = nested(depth)
        replies = [
            await post(streamer, "/api/v1/tasks", f'{{"kind":"any","params":{deep}}}'),
            await post(streamer, "/api/v1/tasks/t1/cancel", nested(depth + 1)),
        ]
        if depth < 1000:  # a longer URL is refused by the server
            query = {"kind": "any", "a": nested(depth - 1)}
            replies.append(await streamer.http.get("/api/v1/process/stream", params=query, headers=ACCEPT))
        assert [(r.status_code, r.json()["title"]) for r in replies] == [(400, "Nested too deeply")] * len(replies), (
            depth
        )
    reply = await post(streamer, "/api/v1/tasks", f'{{"kind":"any","params":{nested(codec.MAX_DEPTH)}}}')
    assert reply.status_code == 202
    async with Client(streamer.url) as client:
        task = await client.task(reply.json()["task"])
        assert codec.encode_json(task["params"]).decode() == nested(codec.MAX_DEPTH)
        assert len(await client.tasks()) == 2


RECORDS = {
    "empty": b"{}",
    "broken": b'{"task":"broken","kind":',
    "text": b"\xff\xfe",
    "other": b'{"task":"t1","kind":"any","created":1}',
    "subject": b'{"task":"subject","kind":"a b","created":1}',
    "time": b'{"task":"time","kind":"any","created":1e300}',
    **{
        f"deep{depth}": codec.encode_json({"task": f"deep{depth}", "kind": "any", "created": 1}).replace(
            b"}", b',"params":' + nested(depth).encode() + b"}"
        )
        for depth in DEPTHS[1:]
    },
}


async def test_a_record_that_cannot_be_read_is_skipped_in_lists_and_named_when_it_is_asked_for(streamer, names, caplog):
    await put_task(streamer, names, "t1")
    for task, raw in RECORDS.items():
        await put_record(streamer, names, task, raw)
    async with Client(streamer.url) as client:
        assert [task["task"] for task in await client.tasks()] == ["t1"]
        assert [kind["kind"] for kind in await client.kinds()] == ["any"]
    for path in ("", "/result", "/stream"):
        for task in RECORDS:
            reply = await streamer.http.get(f"/api/v1/tasks/{task}{path}")
            assert (reply.status_code, reply.json()["title"]) == (500, "Stored record is malformed"), (task, path)
    assert counted(streamer, "records_malformed") == len(RECORDS) + 1
    logged = [record for record in caplog.records if getattr(record, "action", "").endswith("_malformed")]
    assert len(logged) == len(RECORDS) + 1
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_last_event_that_cannot_be_read_leaves_the_state_before_it(streamer, names):
    deep = {
        "type": "progress",
        "task": "deep",
        "n": 2,
        "attempt": 1,
        "at": 1.0,
        "status": "completed",
        "progress": 100.0,
    }
    body = json.dumps(deep | {"message": "", "step": ""})[:-1] + ', "data": %s}'
    events = {"text": b"\xff", "other": b"{}", "deep": (body % nested(974)).encode()}
    for task, payload in events.items():
        await put_task(streamer, names, task)
        head = await streamer.components.log.last(task)
        await streamer.components.log.put(task, payload, expected=head.seq, msg_id=f"{task}.bad")
    async with Client(streamer.url) as client:
        for _ in range(2):
            assert {task["task"]: task["state"]["message"] for task in await client.tasks()} == dict.fromkeys(
                events, "good"
            )
            for task in events:
                assert (await client.task(task))["state"]["progress"] == 7.0
    assert counted(streamer, "events_malformed") == len(events)
