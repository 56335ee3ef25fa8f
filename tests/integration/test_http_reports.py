"""Tasks that are reported over HTTP, at two real streamers behind no particular order, on a real NATS."""

import asyncio
import json

import pytest

from tests.fixtures.http import run_streamer

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


async def stored(http, task):
    """The events of an ended task, as a watcher gets them."""
    reply = await http.get(f"/api/v1/tasks/{task}/stream?merge=0", headers={"Accept": "text/event-stream"})
    lines = [line[5:] for line in reply.text.splitlines() if line.startswith("data:")]
    return [event for line in lines if "type" in (event := json.loads(line))]


async def test_a_batch_that_two_streamers_store_at_once_is_stored_once(streamers):
    one, other = streamers
    opened = await one.post(REPORTS, json={"kind": "import", "id": "night-1", "title": "Import of the night"})
    assert (opened.status_code, opened.json()["epoch"], opened.json()["sequence"]) == (201, 1, 0)
    path = f"{REPORTS}/night-1"
    first = 1
    for number in range(10):
        events = [chunk(f"{number}a "), {"type": "log", "message": "so far"}, chunk(f"{number}b ")]
        body = {"epoch": 1, "sequence": first, "events": [*events, {"type": "progress", "progress": 5 * number}]}
        replies = await asyncio.gather(*(http.post(f"{path}/events", json=body) for http in [one, other] * 2))
        assert [(reply.status_code, reply.json()["sequence"]) for reply in replies] == [(200, first + 3)] * 4
        first += 4
    gone = await other.post(f"{path}/events", json={"epoch": 1, "sequence": first + 1, "events": [chunk("lost")]})
    assert (gone.status_code, gone.json()["expected"]) == (409, first)
    end = {"epoch": 1, "sequence": first, "status": "completed", "result": {"rows": 3}}
    ends = await asyncio.gather(*(http.post(f"{path}/end", json=end) for http in [one, other] * 2))
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
    late = await one.post(f"{path}/events", json={"epoch": 1, "sequence": first, "events": [chunk("late")]})
    assert (late.status_code, late.json()["title"]) == (409, "Task has ended")


async def test_what_is_opened_again_fences_the_earlier_producer_and_a_cancel_loses_no_position(streamers):
    one, other = streamers
    for epoch, status in ((1, 201), (2, 200)):
        opened = await one.post(REPORTS, json={"kind": "import", "id": "night-2"})
        assert (opened.status_code, opened.json()["epoch"]) == (status, epoch)
        assert opened.headers["location"] == opened.json()["links"]["self"]
        body = {"epoch": epoch, "sequence": 1, "events": [chunk("a"), chunk("b")]}
        assert (await other.post(f"{REPORTS}/night-2/events", json=body)).json() == {"sequence": 2, "cancel": None}
    for path, body in (
        ("events", {"epoch": 1, "sequence": 3, "events": [chunk("zombie")]}),
        ("events", {"epoch": 1, "sequence": 3}),
        ("end", {"epoch": 1, "sequence": 3, "status": "completed"}),
    ):
        zombie = await other.post(f"{REPORTS}/night-2/{path}", json=body)
        assert (zombie.status_code, zombie.json()["title"]) == (409, "Superseded")
    assert (await one.post("/api/v1/tasks/night-2/cancel", json={"reason": "enough"})).status_code == 202
    for sequence in (2, 3, 5):
        body = {"epoch": 2, "sequence": sequence, "events": [chunk("b"), chunk("c")]}
        late = await one.post(f"{REPORTS}/night-2/events", json=body)
        assert late.json() == {"sequence": sequence + 1, "cancel": {"reason": "enough"}}
    end = {"epoch": 2, "sequence": 7, "status": "cancelled"}
    assert [(await http.post(f"{REPORTS}/night-2/end", json=end)).json()["status"] for http in (one, other)] == [
        "cancelled"
    ] * 2
    again = await one.post(REPORTS, json={"kind": "import", "id": "night-2"})
    assert (again.status_code, again.json()["title"]) == (409, "Task has ended")
    assert (await one.post("/api/v1/tasks/night-2/retry", json={})).status_code == 409
    events = await stored(one, "night-2")
    assert [event["text"] for event in events if event["type"] == "chunk"] == ["ab", "ab"]
    assert (events[-1]["status"], events[-1]["message"], events[-1]["failed"]) == ("cancelled", "cancelled: enough", 1)
