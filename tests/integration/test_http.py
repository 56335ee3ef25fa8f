"""The public HTTP surface on a real NATS and a real uvicorn. Events are written as a processor writes them."""

import asyncio
import json
import re

import msgspec
import pytest
from httpx_sse import aconnect_sse

from headway import codec
from headway.eventlog.chain import Chain, read_head
from headway.events import Beat, Chunk
from headway.records import JobMessage, KindRecord, decode_record
from headway.testing import progress
from tests.fixtures.condition import until
from tests.fixtures.http import run_streamer
from tests.fixtures.sse import ACCEPT, read_events

SCHEMA = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer", "minimum": 1},
        "tags": {"type": "array", "items": {"type": "string"}},
        "fast": {"type": "boolean"},
    },
    "required": ["text"],
    "additionalProperties": False,
}
GOOD = {"text": "hello"}
BARE = "/api/v1/process/stream"
"""The path of the first seed's `routes.yaml`."""


@pytest.fixture
async def streamer(nats_server, connection, names):
    buckets = await connection.client.jetstream().key_value(names.kinds_bucket)
    await buckets.put("echo", msgspec.json.encode(KindRecord(kind="echo", params=SCHEMA)))
    await buckets.put("idle", msgspec.json.encode(KindRecord(kind="idle", params={"type": "object"})))
    async with run_streamer(nats_server.url, names.namespace) as running:
        yield running


async def write(streamer, task, *events, attempt=1):
    chain = Chain(streamer.components.log, task, await read_head(streamer.components.log, task), attempt=attempt)
    for event in events:
        await chain.append(event)


async def submitted(streamer, params=None, **headers):
    reply = await streamer.submit(params=params or GOOD, **headers)
    assert reply.status_code == 202, reply.text
    return reply.json()["task"]


def numbers(events):
    return [n for e in events if (n := json.loads(e.data).get("n"))]


async def jobs(connection, names):
    info = await connection.client.jetstream().stream_info(names.jobs_stream)
    return info.state.messages


async def test_a_submitted_task_is_accepted_after_its_job_is_stored(streamer, connection, names):
    reply = await streamer.submit(params=GOOD)
    body = reply.json()
    assert reply.status_code == 202
    assert reply.headers["location"] == f"/api/v1/tasks/{body['task']}" == body["links"]["self"]
    assert await jobs(connection, names) == 1


async def test_the_same_idempotency_key_is_one_task_and_one_job(streamer, connection, names):
    replies = await asyncio.gather(
        *(streamer.submit(params=GOOD, **{"Idempotency-Key": "order-17"}) for _ in range(20))
    )
    assert {r.status_code for r in replies} == {202}
    assert len({r.json()["task"] for r in replies}) == 1
    assert await jobs(connection, names) == 1


async def test_an_idempotency_key_for_something_else_is_refused(streamer):
    await submitted(streamer, **{"Idempotency-Key": "k"})
    reply = await streamer.submit(params={"text": "other"}, **{"Idempotency-Key": "k"})
    assert (reply.status_code, reply.json()["title"]) == (422, "Idempotency key used for something else")


async def test_a_record_left_without_a_job_is_completed_by_the_next_try(streamer, connection, names):
    task = await submitted(streamer, **{"Idempotency-Key": "k"})
    js = connection.client.jetstream()
    await js.purge_stream(names.jobs_stream)
    await js.purge_stream(names.events_stream)
    # JetStream would answer «duplicate» within the window: another id stands for the time after it.
    assert await submitted(streamer, **{"Idempotency-Key": "k"}) == task
    assert await jobs(connection, names) in (0, 1)


async def test_an_unknown_kind_is_a_404_that_names_the_known_ones(streamer):
    reply = await streamer.submit(kind="nope")
    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"
    assert "Known kinds: echo" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("params", "pointers"),
    [
        ({}, ["/params/text"]),
        ({"text": 1, "count": 0}, ["/params/count", "/params/text"]),
        ({"text": "x", "tags": ["a", 1, None]}, ["/params/tags/1", "/params/tags/2"]),
        ({"text": "x", "a/b~": 1}, ["/params/a~1b~0"]),
    ],
)
async def test_bad_params_are_told_with_json_pointers(streamer, connection, names, params, pointers):
    reply = await streamer.http.post("/api/v1/tasks", json={"kind": "echo", "params": params})
    assert reply.status_code == 422
    assert sorted(e["pointer"] for e in reply.json()["errors"]) == pointers
    assert await jobs(connection, names) == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"kind":"echo"', 400),
        (b"\xff\xfe", 400),
        (b"null", 422),
        (b"[]", 422),
        (b'{"params":{}}', 422),
        (b'{"kind":7}', 422),
        (b'{"kind":"echo","params":[]}', 422),
        (b'{"kind":"echo","paramz":{}}', 422),
        (b'{"kind":"echo","params":{"text":"\\ud800"}}', 400),
        (b'{"kind":"echo","params":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}", 400),
        (b'{"kind":"echo","params":{"text":"' + b"x" * 300_000 + b'"}}', 413),
    ],
)
async def test_a_bad_body_gets_a_clear_error(streamer, body, status):
    reply = await streamer.http.post("/api/v1/tasks", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == status, reply.text
    assert reply.json()["status"] == status
    assert reply.json()["title"]


@pytest.mark.security
async def test_a_body_that_is_not_declared_as_json_is_refused(streamer):
    reply = await streamer.http.post(
        "/api/v1/tasks", content=b'{"kind":"echo"}', headers={"content-type": "text/plain"}
    )
    assert reply.status_code == 415


BAD_IDS = ["a.b", "*", "%3E", "a%20b", "a%00b", "x" * 10_240, "..%2f..%2fetc", "%F0%9F%92%A9", "a%0d%0ab", "{task}"]


READS = [
    "/api/v1/tasks/{}",
    "/api/v1/tasks/{}/stream",
    "/tasks/{}/stream",
    "/api/v1/tasks/{}/result",
    "/api/v1/stream?task={}",
]
WRITES = ["/api/v1/tasks/{}/cancel", "/api/v1/tasks/{}/retry"]


@pytest.mark.security
async def test_an_id_that_cannot_be_one_is_not_found_at_any_door(streamer):
    for method, path in [*(("GET", p) for p in READS), *(("POST", p) for p in WRITES)]:
        for id in [*BAD_IDS, "absent"]:
            headers = {"Content-Type": "application/json"}
            reply = await streamer.http.request(method, path.replace("{}", id), headers=headers)
            assert (reply.status_code, reply.json()["status"]) == (404, 404), (method, path, id)
            assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.security
async def test_absent_tasks_look_alike_at_every_door(streamer):
    replies = [
        await streamer.http.get(p) for p in ("/api/v1/tasks/nope", "/api/v1/tasks/nope/stream", "/tasks/n.o/stream")
    ]
    assert len({(r.status_code, r.content) for r in replies}) == 1


@pytest.mark.parametrize("query", ["from=middle", "merge=2", "limit=0", "limit=x"])
async def test_a_bad_query_is_a_400(streamer, query):
    task = await submitted(streamer)
    path = "/api/v1/tasks" if query.startswith("limit") else f"/api/v1/tasks/{task}/stream"
    assert (await streamer.http.get(f"{path}?{query}")).status_code == 400


@pytest.mark.security
async def test_more_tasks_than_a_stream_carries_are_refused(streamer):
    query = "&".join(f"task=t{n}" for n in range(33))
    reply = await streamer.http.get(f"/api/v1/stream?{query}")
    assert (reply.status_code, reply.json()["detail"]) == (400, "One stream carries at most 32 tasks.")


async def test_the_stream_has_the_wire_profile(streamer):
    task = await submitted(streamer)
    await write(
        streamer, task, progress("processing", 10.0, message="a\u2028b\nc"), progress("completed", 100.0, data=1)
    )
    reply = await streamer.http.get(f"/api/v1/tasks/{task}/stream")
    assert reply.headers["content-type"] == "text/event-stream"
    assert reply.headers["cache-control"] == "no-store, no-transform"
    assert reply.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in reply.headers
    assert b"\r" not in reply.content
    assert b"\xe2\x80\xa8" not in reply.content
    blocks = reply.content.split(b"\n\n")
    assert blocks.pop() == b""
    assert all(block.count(b"data: ") == 1 and b"id: " in block for block in blocks)


async def test_a_stream_shows_the_life_of_a_task_and_ends(streamer):
    task = await submitted(streamer)
    watching = asyncio.create_task(read_events(streamer.http, f"/api/v1/tasks/{task}/stream?merge=0"))
    await write(
        streamer, task, progress("processing"), Chunk(text="hi", offset=0), progress("completed", 100.0, data={"a": 1})
    )
    events = await watching
    assert [e.event for e in events] == ["hello", "message", "message", "chunk", "message"]
    assert numbers(events) == [1, 2, 3, 4]
    assert json.loads(events[-1].data)["data"] == {"a": 1}


async def test_the_celery_route_speaks_celery(streamer):
    task = await submitted(streamer)
    await write(
        streamer, task, progress("processing"), progress("processing", 5.0), progress("completed", 100.0, data=7)
    )
    events = await read_events(streamer.http, f"/tasks/{task}/stream?merge=0")
    statuses = [json.loads(e.data).get("status") for e in events if e.event == "message"]
    assert statuses == ["PENDING", "STARTED", "PROGRESS", "SUCCESS"]


async def test_a_reconnect_of_a_finished_stream_gets_204_and_a_new_client_the_history(streamer):
    task = await submitted(streamer)
    await write(streamer, task, progress("processing"), progress("completed", 100.0))
    path = f"/api/v1/tasks/{task}/stream"
    last = (await read_events(streamer.http, path))[-1].id
    assert (await streamer.http.get(path, headers={"Last-Event-ID": last})).status_code == 204
    assert (await streamer.http.get(path, params={"cursor": last})).status_code == 204
    assert numbers(await read_events(streamer.http, path))[-1] == 3


async def test_the_header_wins_over_the_query(streamer):
    task = await submitted(streamer)
    await write(streamer, task, progress("processing"), progress("completed", 100.0))
    path = f"/api/v1/tasks/{task}/stream"
    events = await read_events(streamer.http, path + "?merge=0")
    first, last = events[1].id, events[-1].id
    assert (await streamer.http.get(path, params={"cursor": first}, headers={"Last-Event-ID": last})).status_code == 204
    resumed = await read_events(streamer.http, path, params={"cursor": last}, headers={"Last-Event-ID": first})
    assert numbers(resumed) == [2, 3]


async def test_a_cursor_from_elsewhere_resets(streamer):
    one, two = await submitted(streamer), await submitted(streamer)
    for task in (one, two):
        await write(streamer, task, progress("processing"), progress("completed", 100.0))
    incarnation = streamer.components.decoder.incarnation
    other = (await read_events(streamer.http, f"/api/v1/tasks/{two}/stream"))[-1].id
    for cursor, reason in [
        ("garbage", "cursor"),
        ("\x01", "cursor"),
        ("a" * 10_000, "cursor"),
        ("abc.1-1", "incarnation"),
        (f"{incarnation}.ffffff-ff", "future"),
        (f"{incarnation}.1-1.1-1", "cursor"),
        (other, "cursor"),
    ]:
        events = await read_events(streamer.http, f"/api/v1/tasks/{one}/stream", params={"cursor": cursor})
        assert events[1].event == "reset", cursor
        assert json.loads(events[1].data)["reason"] in (reason, "future"), cursor
        assert numbers(events)[-1] == 3


async def test_several_tasks_come_on_one_connection_and_it_ends_with_the_last(streamer):
    one, two = await submitted(streamer), await submitted(streamer)
    watching = asyncio.create_task(read_events(streamer.http, f"/api/v1/stream?task={one}&task={two}&merge=0"))
    await write(streamer, one, progress("processing"), progress("completed", 100.0))
    await write(streamer, two, progress("processing"), progress("error", 0.0))
    seen = [json.loads(e.data) for e in await watching if e.event == "message"]
    for task in (one, two):
        assert [s["n"] for s in seen if s["task"] == task] == [1, 2, 3]


async def test_an_absent_task_among_others_is_not_found_and_leaves_no_tail(streamer):
    one = await submitted(streamer)
    assert (await streamer.http.get(f"/api/v1/stream?task={one}&task=absent")).status_code == 404
    await until(lambda: not len(streamer.components.tails))


async def test_the_snapshot_has_an_etag_that_changes_with_each_event(streamer):
    task = await submitted(streamer)
    path = f"/api/v1/tasks/{task}"
    first = await streamer.http.get(path)
    assert first.json()["state"]["status"] == "queued"
    assert (await streamer.http.get(path, headers={"If-None-Match": first.headers["etag"]})).status_code == 304
    await write(streamer, task, progress("processing", 5.0), Chunk(text="x", offset=0))
    second = await streamer.http.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (second.status_code, second.json()["state"]["progress"]) == (200, 5.0)
    assert second.json()["params"] == GOOD


async def test_the_stream_route_answers_a_poll_with_the_snapshot(streamer):
    task = await submitted(streamer)
    reply = await streamer.http.get(f"/api/v1/tasks/{task}/stream", headers={"Accept": "application/json"})
    assert reply.json()["task"] == task
    assert reply.headers["etag"]


async def test_the_list_is_newest_first_and_filters(streamer):
    tasks = [await submitted(streamer) for _ in range(3)]
    await write(streamer, tasks[1], progress("processing"), Chunk(text="x", offset=0))
    await write(streamer, tasks[2], progress("processing"), progress("completed", 100.0))
    listed = (await streamer.http.get("/api/v1/tasks")).json()["tasks"]
    assert [t["task"] for t in listed] == tasks[::-1]
    assert [t["state"]["status"] for t in listed] == ["completed", "processing", "queued"]
    for query, expected in [("status=queued", tasks[:1]), ("kind=nope", []), ("limit=1", tasks[2:]), ("since=9e9", [])]:
        found = (await streamer.http.get(f"/api/v1/tasks?{query}")).json()["tasks"]
        assert [t["task"] for t in found] == expected, query


async def test_a_queued_task_is_cancelled_at_once(streamer):
    task = await submitted(streamer)
    reply = await streamer.http.post(f"/api/v1/tasks/{task}/cancel", json={"reason": "typo"})
    assert (reply.status_code, reply.json()["status"]) == (202, "cancelling")
    state = (await streamer.http.get(f"/api/v1/tasks/{task}")).json()["state"]
    assert (state["status"], state["message"]) == ("cancelled", "typo")
    assert (await streamer.http.post(f"/api/v1/tasks/{task}/cancel", json={})).status_code == 409


async def test_a_running_task_is_asked_to_end_once(streamer):
    task = await submitted(streamer)
    await write(streamer, task, progress("processing"))
    for _ in range(3):
        assert (await streamer.http.post(f"/api/v1/tasks/{task}/cancel", json={})).status_code == 202
    page = await streamer.components.history.page(task, 1)
    assert [type(f.event).__name__ for f in page.frames] == ["Progress", "Progress", "Cancel"]


async def test_a_retry_is_a_new_task_with_the_same_params(streamer):
    task = await submitted(streamer, {"text": "again", "count": 3})
    assert (await streamer.http.post(f"/api/v1/tasks/{task}/retry", json={})).status_code == 409
    await write(streamer, task, progress("processing"), progress("error", 0.0))
    again = (await streamer.http.post(f"/api/v1/tasks/{task}/retry", json={})).json()["task"]
    shown = (await streamer.http.get(f"/api/v1/tasks/{again}")).json()
    assert (shown["params"], shown["retry_of"]) == ({"text": "again", "count": 3}, task)


async def test_the_result_is_given_once_there_is_one(streamer):
    task = await submitted(streamer)
    path = f"/api/v1/tasks/{task}/result"
    assert (await streamer.http.get(path)).status_code == 409
    await write(streamer, task, progress("processing"), progress("completed", 100.0, data=[1, {"x": None}]))
    assert (await streamer.http.get(path)).json() == [1, {"x": None}]


async def test_start_and_stream_in_one_request(streamer):
    path = "/api/v1/process/stream?kind=echo&text=5&count=3&fast=true&tags=a&tags=b&token=secret"
    async with aconnect_sse(streamer.http, "GET", path) as source:
        events = source.aiter_sse()
        task = json.loads((await anext(events)).data)["tasks"][0]
        shown = (await streamer.http.get(f"/api/v1/tasks/{task}")).json()
        assert shown["params"] == {"text": "5", "count": 3, "fast": True, "tags": ["a", "b"]}
        queued = await anext(events)
        await events.aclose()
    await write(streamer, task, progress("processing"), progress("completed", 100.0))
    resumed = await read_events(streamer.http, path, headers={"Last-Event-ID": queued.id})
    assert {json.loads(e.data).get("task", task) for e in resumed} == {task}
    assert numbers(resumed) == [2, 3]
    assert (await streamer.http.get(path, headers=ACCEPT | {"Last-Event-ID": resumed[-1].id})).status_code == 204
    assert len((await streamer.http.get("/api/v1/tasks")).json()["tasks"]) == 1


@pytest.mark.parametrize(
    "path", ["/api/v1/process/stream?kind=idle&token=t", "/api/v1/process/idle/stream?token=t", BARE + "?token=t"]
)
async def test_the_first_seeds_routes_start_a_kind_and_speak_three_words(nats_server, streamer, names, path):
    async with run_streamer(nats_server.url, names.namespace, process_kind="idle") as running:
        async with aconnect_sse(running.http, "GET", path) as source:
            events = source.aiter_sse()
            task = json.loads((await anext(events)).data)["tasks"][0]
            shown = [json.loads((await anext(events)).data)]
            assert (await running.http.get(f"/api/v1/tasks/{task}")).json()["kind"] == "idle"
            await running.http.post(f"/api/v1/tasks/{task}/cancel", json={"reason": "typo"})
            shown += [json.loads(e.data) async for e in events]
        assert [(one["status"], one["message"]) for one in shown] == [
            ("processing", "no processor offers idle now; it runs as soon as one does"),
            ("error", "typo"),
        ]


async def test_the_bare_path_needs_a_kind_when_none_is_configured(streamer):
    reply = await streamer.http.get(BARE, headers=ACCEPT)
    assert (reply.status_code, "/api/v1/process/{kind}/stream" in reply.json()["detail"]) == (400, True)


async def test_streams_of_the_seeds_routes_outlive_those_of_the_others(nats_server, streamer, names):
    async with run_streamer(nats_server.url, names.namespace, lifetime_seconds=0.2, drain_seconds=0.1) as running:
        task = await submitted(running)
        paths = [f"/tasks/{task}/stream", "/api/v1/process/echo/stream?text=x"]
        watching = [asyncio.create_task(read_events(running.http, path)) for path in paths]
        rotated = await read_events(running.http, f"/api/v1/tasks/{task}/stream")
        assert json.loads(rotated[-1].data) == {"reason": "lifetime"}
        await read_events(running.http, f"/api/v1/tasks/{task}/stream")
        assert not any(one.done() for one in watching)
        running.components.drain.begin()
        assert [json.loads((await one)[-1].data) for one in watching] == [{"reason": "drain"}] * 2


@pytest.mark.security
@pytest.mark.parametrize("path", ["/api/v1/process/stream?kind=echo&text=x", "/api/v1/process/echo/stream?text=x"])
async def test_a_start_by_get_from_another_site_is_forbidden(streamer, path):
    reply = await streamer.http.get(path, headers=ACCEPT | {"Sec-Fetch-Site": "cross-site"})
    assert reply.status_code == 403


ECHO = "/api/v1/process/stream?kind=echo&text=x"


async def started(streamer, path, **headers):
    """The hello of a start-and-stream request, whose client then leaves."""
    async with aconnect_sse(streamer.http, "GET", path, headers=headers) as source:
        events = source.aiter_sse()
        hello = await anext(events)
        await events.aclose()
    return hello


async def test_processors_learn_with_the_job_that_a_task_ends_with_its_starter(streamer, connection, names):
    js = connection.client.jetstream()
    for path, flag in ((ECHO, False), (f"{ECHO}&cancel_on_disconnect=1", True)):
        (task,) = json.loads((await started(streamer, path)).data)["tasks"]
        job = await js.get_last_msg(names.jobs_stream, names.job("echo", task))
        assert decode_record(job.data, JobMessage).cancel_on_disconnect is flag
        assert (await streamer.components.task_store.record(task)).cancel_on_disconnect is flag


async def test_a_starter_is_published_when_it_arrives_and_each_time_it_returns(
    nats_server, streamer, connection, names
):
    beats = await connection.client.subscribe(f"{names.namespace}.beat.*")
    await connection.client.flush()
    path = f"{ECHO}&cancel_on_disconnect=1"
    hello = await started(streamer, path)
    async with run_streamer(nats_server.url, names.namespace) as other:
        await started(other, path, **{"Last-Event-ID": hello.id})
        other.components.drain.begin()
        assert (await started(other, path, **{"Last-Event-ID": hello.id})).event == "goodbye"
    (task,) = json.loads(hello.data)["tasks"]
    for _ in range(3):
        beat = await beats.next_msg(5)
        assert (beat.subject, codec.decode_beat(beat.data)) == (names.beat(task), Beat(task=task, presence=True))


async def test_a_watcher_of_the_same_task_is_no_starter(streamer, connection, names):
    beats = await connection.client.subscribe(f"{names.namespace}.beat.*")
    await connection.client.flush()
    task = await submitted(streamer)
    await started(streamer, f"/api/v1/tasks/{task}/stream")
    await started(streamer, ECHO)
    await started(streamer, f"{ECHO}&cancel_on_disconnect=1")
    (_, last) = [await beats.next_msg(5), beats.pending_msgs]
    assert last == 0


@pytest.mark.security
async def test_a_malformed_event_on_the_subject_does_not_stop_a_stream(streamer, connection, names):
    task = await submitted(streamer)
    js = connection.client.jetstream()
    watching = asyncio.create_task(read_events(streamer.http, f"/api/v1/tasks/{task}/stream?merge=0"))
    for payload in (b"", b"{", b"[]", b'{"type":"progress"}', b'{"type":"evil","task":"x","n":1}', b"\xff" * 100):
        await js.publish(names.event(task), payload)
    await write(streamer, task, progress("processing"), progress("completed", 100.0))
    assert numbers(await watching) == [1, 2, 3]


@pytest.mark.security
async def test_messages_of_strangers_on_the_live_subject_are_ignored(streamer, connection, names):
    task = await submitted(streamer)
    watching = asyncio.create_task(read_events(streamer.http, f"/api/v1/tasks/{task}/stream?merge=0"))
    await until(lambda: len(streamer.components.tails))
    for payload, headers in [
        (b"junk", None),
        (
            b'{"type":"progress","task":"x","n":2,"attempt":1,"at":1,"status":"completed","progress":1,"message":"","step":""}',
            None,
        ),
        (b"junk", {"Nats-Sequence": "x"}),
        (b"junk", {"Nats-Sequence": "-5", "Nats-Last-Sequence": "-9"}),
    ]:
        await connection.client.publish(names.live(task), payload, headers=headers)
    await connection.client.flush()
    await write(streamer, task, progress("processing"), progress("completed", 100.0))
    assert numbers(await watching) == [1, 2, 3]


async def test_submits_answer_503_while_nats_is_away_and_streams_stay_open(own_nats_server, names):
    async with run_streamer(own_nats_server.url, names.namespace, heartbeat_seconds=0.2) as streamer:
        bucket = await streamer.components.connection.client.jetstream().key_value(names.kinds_bucket)
        await bucket.put("echo", msgspec.json.encode(KindRecord(kind="echo", params=SCHEMA)))
        task = await submitted(streamer)
        async with streamer.http.stream("GET", f"/api/v1/tasks/{task}/stream?merge=0") as stream:
            lines = stream.aiter_lines()
            while '"n":1' not in await anext(lines):
                pass
            own_nats_server.kill()
            reply = await streamer.submit(params=GOOD)
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
            for path in ("/api/v1/tasks/another/stream", ECHO):
                (goodbye,) = await read_events(streamer.http, path)
                assert (goodbye.event, json.loads(goodbye.data)) == ("goodbye", {"reason": "unavailable"})
                assert goodbye.retry > 0
            assert streamer.components.monitor.ready
            beats = 0
            while beats < 3:
                beats += await anext(lines) == ":"
            own_nats_server.restart()
            await until(lambda: streamer.components.connection.connected, 20)
            await write(streamer, task, progress("processing"), progress("completed", 100.0))
            rest = [line async for line in lines if line.startswith("data")]
            assert [json.loads(line[6:])["n"] for line in rest if '"n"' in line] == [2, 3]
        assert (await streamer.submit(params=GOOD)).status_code == 202


async def test_a_start_on_a_draining_streamer_is_sent_to_another_one(streamer, connection, names):
    streamer.components.drain.begin()
    (goodbye,) = await read_events(streamer.http, ECHO)
    assert (goodbye.event, json.loads(goodbye.data)) == ("goodbye", {"reason": "drain"})
    assert goodbye.retry > 0
    assert await jobs(connection, names) == 0


async def test_an_overloaded_streamer_says_goodbye_with_a_200(nats_server, streamer, names):
    task = await submitted(streamer)
    async with run_streamer(nats_server.url, names.namespace, max_watchers=1) as small:
        async with aconnect_sse(small.http, "GET", f"/api/v1/tasks/{task}/stream") as source:
            await anext(source.aiter_sse())
            (goodbye,) = await read_events(small.http, f"/api/v1/tasks/{task}/stream")
            assert (goodbye.event, json.loads(goodbye.data), goodbye.retry > 0) == (
                "goodbye",
                {"reason": "overload"},
                True,
            )


@pytest.mark.security
async def test_cors_allows_listed_origins_only_and_on_errors_too(nats_server, names, connection):
    async with run_streamer(nats_server.url, names.namespace, cors_origins=("https://app.example.org",)) as streamer:
        for origin, allowed in [("https://app.example.org", "https://app.example.org"), ("https://evil.example", None)]:
            reply = await streamer.http.get("/api/v1/tasks/nope", headers={"Origin": origin})
            assert reply.headers.get("access-control-allow-origin") == allowed


async def test_the_schema_describes_every_route(streamer):
    schema = (await streamer.http.get("/schema")).json()
    assert schema["openapi"].startswith("3.1")
    paths = set(schema["paths"])
    assert {
        "/api/v1/tasks",
        "/api/v1/kinds",
        "/api/v1/stream",
        "/api/v1/process/stream",
        "/api/v1/process/{kind}/stream",
        "/tasks/{task}/stream",
    } <= paths


@pytest.mark.security
async def test_the_page_is_served_with_a_strict_policy(streamer):
    reply = await streamer.http.get("/")
    assert reply.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in reply.headers["content-security-policy"]
    assert "unsafe" not in reply.headers["content-security-policy"]
    assert (await streamer.http.get("/page/..%2f..%2fapp.py")).status_code == 404


@pytest.mark.parametrize(("encoding", "sent"), [("gzip", "gzip"), ("identity", None)])
async def test_the_page_comes_compressed_and_is_asked_for_again_by_its_tag(streamer, encoding, sent):
    headers = {"Accept-Encoding": encoding}
    reply = await streamer.http.get("/", headers=headers)
    script = re.search(r"page/page\.[0-9a-f]+\.js", reply.text)[0]
    for path, cached in [("/", "no-cache"), (f"/{script}", "public, max-age=31536000, immutable")]:
        reply = await streamer.http.get(path, headers=headers)
        assert (reply.status_code, reply.headers.get("content-encoding")) == (200, sent)
        assert (reply.headers["cache-control"], reply.headers["vary"]) == (cached, "Accept-Encoding")
        again = await streamer.http.get(path, headers=headers | {"If-None-Match": reply.headers["etag"]})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", reply.headers["etag"])


async def test_a_client_that_goes_away_leaves_nothing_behind(streamer):
    task = await submitted(streamer)
    for _ in range(20):
        async with aconnect_sse(streamer.http, "GET", f"/api/v1/tasks/{task}/stream") as source:
            await anext(source.aiter_sse())
    await until(lambda: not len(streamer.components.tails) and not streamer.components.admission.count)


async def test_method_not_allowed_is_a_problem(streamer):
    reply = await streamer.http.delete("/api/v1/tasks")
    assert (reply.status_code, reply.json()["title"]) == (405, "Method Not Allowed")


async def test_history_that_was_trimmed_is_told_by_a_reset(streamer, connection, names):
    task = await submitted(streamer)
    await write(streamer, task, *(progress("processing", float(n)) for n in range(1, 4)))
    path = f"/api/v1/tasks/{task}/stream?merge=0"
    async with aconnect_sse(streamer.http, "GET", path) as source:
        events = source.aiter_sse()
        seen = [await anext(events) for _ in range(3)]
        await events.aclose()
    await until(lambda: not len(streamer.components.tails))  # what a tail keeps in memory is not trimmed
    js = connection.client.jetstream()
    config = (await js.stream_info(names.events_stream)).config
    config.max_msgs_per_subject = 5
    await js.update_stream(config)
    await write(streamer, task, *(progress("processing", float(n)) for n in range(4, 20)), progress("completed", 100.0))
    for headers in ({}, {"Last-Event-ID": seen[-1].id}):
        events = await read_events(streamer.http, path, headers=headers)
        assert [e.event for e in events[:3]] == ["hello", "reset", "message"]
        assert json.loads(events[1].data) == {"task": task, "reason": "trimmed"}
        assert numbers(events) == [17, 18, 19, 20, 21]


@pytest.mark.security
async def test_a_client_that_never_reads_is_closed_and_delays_nobody(nats_server, connection, names):
    async with run_streamer(nats_server.url, names.namespace, write_deadline_seconds=1) as streamer:
        await write(streamer, "t1", progress("processing"))
        host, port = streamer.url.removeprefix("http://").split(":")
        deaf = [await asyncio.open_connection(host, int(port), limit=1024) for _ in range(5)]
        for _, writer in deaf:
            writer.write(b"GET /api/v1/tasks/t1/stream?merge=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            writer.transport.pause_reading()
        watching = asyncio.create_task(read_events(streamer.http, "/api/v1/tasks/t1/stream?merge=0"))
        await until(lambda: streamer.components.admission.count == 6)
        await write(streamer, "t1", *(Chunk(text="x" * 100_000, offset=0) for _ in range(150)))
        await until(lambda: streamer.components.admission.count == 1, 20)
        await write(streamer, "t1", progress("completed", 100.0))
        assert numbers(await watching) == list(range(1, 153))
        for _, writer in deaf:
            writer.transport.abort()


@pytest.mark.security
async def test_one_user_cannot_take_all_streams(nats_server, streamer, names):
    task = await submitted(streamer)
    limits = {"user_header": "X-Forwarded-User", "max_watchers_per_user": 1}
    async with run_streamer(nats_server.url, names.namespace, **limits) as small:
        path = f"/api/v1/tasks/{task}/stream"
        async with aconnect_sse(small.http, "GET", path, headers={"X-Forwarded-User": "ada"}) as source:
            await anext(source.aiter_sse())
            (goodbye,) = await read_events(small.http, path, headers={"X-Forwarded-User": "ada"})
            assert json.loads(goodbye.data) == {"reason": "limit"}
            for headers in ({"X-Forwarded-User": "grace"}, {}):
                async with aconnect_sse(small.http, "GET", path, headers=headers) as other:
                    assert (await anext(other.aiter_sse())).event == "hello"
