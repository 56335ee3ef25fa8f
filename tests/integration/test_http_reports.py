"""Tasks that are reported over HTTP, at two real streamers behind no particular order, on a real NATS."""

import asyncio
import json
import os

import pytest

from headway.jetstream.kv import Bucket
from headway.records import TaskRecord
from tests.fixtures.condition import until
from tests.fixtures.http import run_streamer
from tests.fixtures.needs import program
from tests.fixtures.processors import run_processor

REPORTS = "/api/v1/reports"


@pytest.fixture
async def streamers(nats_server, names, connection):
    """Two streamers of one namespace."""
    async with (
        run_streamer(nats_server.url, names.namespace) as one,
        run_streamer(nats_server.url, names.namespace) as other,
    ):
        yield one.http, other.http


def chunk(text):
    return {"type": "chunk", "text": text}


async def post(http, path, body):
    """The answer to a report, which is sent again while NATS does not answer in time, as clients do."""
    async with asyncio.timeout(60):
        while (reply := await http.post(REPORTS + path, json=body)).status_code == 503:
            await asyncio.sleep(0.1)
    return reply


async def stored(http, task):
    """The events of an ended task, as a watcher gets them."""
    reply = await http.get(f"/api/v1/tasks/{task}/stream?merge=0", headers={"Accept": "text/event-stream"})
    lines = [line[5:] for line in reply.text.splitlines() if line.startswith("data:")]
    return [event for line in lines if "type" in (event := json.loads(line))]


async def test_a_batch_that_two_streamers_store_at_once_is_stored_once(streamers):
    one, other = streamers
    opened = await post(one, "", {"kind": "import", "id": "night-1", "title": "Import of the night"})
    assert (opened.status_code, opened.json()["epoch"], opened.json()["sequence"]) == (201, 1, 0)
    path = "/night-1"
    first = 1
    for number in range(10):
        events = [chunk(f"{number}a "), {"type": "log", "message": "so far"}, chunk(f"{number}b ")]
        body = {"epoch": 1, "sequence": first, "events": [*events, {"type": "progress", "progress": 5 * number}]}
        replies = await asyncio.gather(*(post(http, f"{path}/events", body) for http in [one, other] * 2))
        assert [(reply.status_code, reply.json()["sequence"]) for reply in replies] == [(200, first + 3)] * 4
        first += 4
    gone = await post(other, f"{path}/events", {"epoch": 1, "sequence": first + 1, "events": [chunk("lost")]})
    assert (gone.status_code, gone.json()["expected"]) == (409, first)
    end = {"epoch": 1, "sequence": first, "status": "completed", "result": {"rows": 3}}
    ends = await asyncio.gather(*(post(http, f"{path}/end", end) for http in [one, other] * 2))
    assert [(reply.status_code, reply.json()["status"]) for reply in ends] == [(200, "completed")] * 4
    events = await stored(other, "night-1")
    chunks = [event for event in events if event["type"] == "chunk"]
    assert "".join(event["text"] for event in chunks) == "".join(f"{n}a {n}b " for n in range(10))
    offset = 0
    for event in chunks:
        assert event["offset"] == offset
        offset += len(event["text"])
    assert sum(event["type"] == "log" for event in events) == 10
    assert [event["data"] for event in events if event.get("status") == "completed"] == [{"rows": 3}]
    late = await post(one, f"{path}/events", {"epoch": 1, "sequence": first, "events": [chunk("late")]})
    assert (late.status_code, late.json()["title"]) == (409, "Task has ended")


@pytest.mark.feature("http", "retry")
@pytest.mark.feature("http", "cancel")
async def test_what_is_opened_again_fences_the_earlier_producer_and_a_cancel_loses_no_position(streamers):
    one, other = streamers
    for epoch, status in ((1, 201), (2, 200)):
        opened = await post(one, "", {"kind": "import", "id": "night-2"})
        assert (opened.status_code, opened.json()["epoch"]) == (status, epoch)
        assert opened.headers["location"] == opened.json()["links"]["self"]
        body = {"epoch": epoch, "sequence": 1, "events": [chunk("a"), chunk("b")]}
        assert (await post(other, "/night-2/events", body)).json() == {"sequence": 2, "cancel": None}
    for path, body in (
        ("events", {"epoch": 1, "sequence": 3, "events": [chunk("zombie")]}),
        ("events", {"epoch": 1, "sequence": 3}),
        ("end", {"epoch": 1, "sequence": 3, "status": "completed"}),
    ):
        zombie = await post(other, f"/night-2/{path}", body)
        assert (zombie.status_code, zombie.json()["title"]) == (409, "Superseded")
    assert (await one.post("/api/v1/tasks/night-2/cancel", json={"reason": "enough"})).status_code == 202
    for sequence in (2, 3, 5):
        body = {"epoch": 2, "sequence": sequence, "events": [chunk("b"), chunk("c")]}
        late = await post(one, "/night-2/events", body)
        assert late.json() == {"sequence": sequence + 1, "cancel": {"reason": "enough"}}
    end = {"epoch": 2, "sequence": 7, "status": "cancelled"}
    assert [(await post(http, "/night-2/end", end)).json()["status"] for http in (one, other)] == ["cancelled"] * 2
    again = await post(one, "", {"kind": "import", "id": "night-2"})
    assert (again.status_code, again.json()["title"]) == (409, "Task has ended")
    assert (await one.post("/api/v1/tasks/night-2/retry", json={})).status_code == 409
    events = await stored(one, "night-2")
    assert [event["text"] for event in events if event["type"] == "chunk"] == ["ab", "ab"]
    assert (events[-1]["status"], events[-1]["message"], events[-1]["failed"]) == ("cancelled", "cancelled: enough", 1)


@pytest.mark.feature("http", "step")
@pytest.mark.feature("http", "error with traceback")
@pytest.mark.feature("http", "children")
async def test_a_child_that_fails_in_its_second_step_shows_where(streamers):
    one, other = streamers
    for body in ({"id": "parent"}, {"id": "child", "parent": "parent"}):
        assert (await post(one, "", {"kind": "import"} | body)).status_code == 201
    steps = [{"type": "step", "name": "Read", "total": 4}, {"type": "log", "message": "read"}]
    batch = {"epoch": 1, "sequence": 1, "events": [*steps, {"type": "step", "name": "Write", "total": 2}]}
    await post(other, "/child/events", batch)
    error = {"type": "IOError", "message": "disk full", "traceback": "write.go:7 main.write"}
    await post(one, "/child/end", {"epoch": 1, "sequence": 4, "status": "error", "error": error})
    assert (await one.get("/api/v1/tasks/child")).json()["parent"] == "parent"
    events = await stored(other, "child")
    assert [event["step"] for event in events if event["type"] == "progress"] == ["", "Read", "Write", "Write"]
    assert {name: events[-1]["error"][name] for name in error} == error


@pytest.mark.feature("http", "lost")
async def test_a_producer_that_vanishes_is_lost_and_its_late_events_are_refused(nats_server, names, connection):
    async with run_streamer(nats_server.url, names.namespace) as streamer, run_processor(nats_server.url, names):
        reports = streamer.components.reports
        record = TaskRecord(task="gone", kind="import", created=1.0, reported=True)
        await reports.open(record, lambda _: True, lease_seconds=1, message="")
        body = {"epoch": 1, "sequence": 1, "events": [{"type": "progress", "progress": 40}]}
        await post(streamer.http, "/gone/events", body)
        (end,) = [event for event in await stored(streamer.http, "gone") if event.get("status") == "error"]
        assert (end["error"]["type"], end["progress"]) == ("Lost", 40.0)
        for path, late in (("events", {"events": []}), ("end", {"status": "completed"})):
            reply = await post(streamer.http, f"/gone/{path}", {"epoch": 1, "sequence": 2} | late)
            assert (reply.status_code, reply.json()["title"]) == (409, "Task has ended")
        leases = Bucket(connection.client, names.reporters_bucket)
        await until(lambda: _empty(leases), 30)


async def _empty(bucket):
    return not await bucket.all()


async def run(streamer, *words, text=""):
    """What a program prints."""
    environment = {**os.environ, "HEADWAY_SERVER": streamer.url}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)
    out, err = await process.communicate(text.encode())
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.mark.needs("curl")
@pytest.mark.feature("http", "progress")
@pytest.mark.feature("http", "log")
@pytest.mark.feature("http", "result")
async def test_the_commands_of_the_how_to_are_a_task(nats_server, names, connection, printed):
    async with run_streamer(nats_server.url, names.namespace) as streamer:
        script = printed[0].text.replace("localhost:8000", streamer.url.removeprefix("http://"))
        await run(
            streamer,
            "sh",
            "-se",
            text=script.replace("curl ", "curl -sS --fail-with-body --retry 5 --retry-all-errors "),
        )
        shown = (await streamer.http.get("/api/v1/tasks/night-1")).json()
    assert (shown["title"], shown["state"]["status"]) == ("Import of the night", "completed")
    assert (shown["state"]["done"], shown["state"]["data"]) == (5, {"rows": 20})


@pytest.mark.needs("node")
async def test_the_node_example_of_the_how_to_is_a_task(nats_server, names, connection, printed):
    async with run_streamer(nats_server.url, names.namespace) as streamer:
        await run(streamer, program("node"), "--input-type=module", text=printed[0].text)
        (listed,) = (await streamer.http.get("/api/v1/tasks")).json()["tasks"]
    assert (listed["title"], listed["state"]["status"]) == ("Import of the night", "completed")
    assert (listed["state"]["done"], listed["state"]["data"]) == (2000, {"rows": 2000})
