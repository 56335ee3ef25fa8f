"""Tasks that end with the client that started them, whatever happens to the streamers and the processor."""

import asyncio
import json
from contextlib import suppress
from urllib.parse import quote

import httpx
import pytest

from tests.fixtures.services import KILL
from tests.fixtures.sse import Reader

GRACE_SECONDS = 1.5
LONG = json.dumps([{"name": "work", "seconds": 60, "ticks": 600}])
START = f"/api/v1/process/stream?kind=script&cancel_on_disconnect=1&steps={quote(LONG)}"
HURRY = """
from headway import presence
presence.PRESENCE_SECONDS, presence.MIN_GRACE_SECONDS = 0.2, 0.5
"""
"""The times of presence for a test of seconds; Python imports it at the start of each process."""


@pytest.fixture
def hurried(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(HURRY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return {"STARTER_GRACE_SECONDS": str(GRACE_SECONDS), "ACK_WAIT_SECONDS": "1"}


class Client:
    """A starter: it begins a task, leaves, and returns with its cursor."""

    def __init__(self, http):
        self.reader = Reader(http)

    @property
    def task(self):
        return self.reader.log[-1]["task"]

    async def visit(self, service, until=lambda _, data: data.get("status") == "processing"):
        """Connect, and leave as soon as `until` holds."""
        with suppress(httpx.HTTPError):
            await self.reader.read(service.url + START, until)

    async def flap(self, service, times):
        """Leave for a third of the grace, and return for an event or two, again and again."""
        for _ in range(times):
            await asyncio.sleep(GRACE_SECONDS / 3)
            await self.visit(service)


async def end_of(http, service, task):
    reader = Reader(http)
    await reader.read(f"{service.url}/api/v1/tasks/{task}/stream")
    return reader.log[-1]


async def test_a_task_ends_with_its_starter_and_only_then_whatever_is_killed(services, http, hurried):
    processor, one, two = services.processor("p1", **hurried), services.streamer("s1"), services.streamer("s2")
    for service in (processor, one, two):
        service.wait_ready()
    gone, moved, flapping = clients = [Client(http) for _ in range(3)]
    await asyncio.gather(*(client.visit(one) for client in clients))
    staying = asyncio.create_task(gone.visit(one, lambda *_: False))
    flaps = asyncio.create_task(flapping.flap(two, 5))
    await asyncio.sleep(0)
    one.signal(KILL)
    await staying
    stayed = asyncio.create_task(moved.visit(two, lambda _, data: data.get("status") in ("cancelled", "completed")))
    processor.signal(KILL)
    services.processor("p2", **hurried).wait_ready()
    end = await end_of(http, two, gone.task)
    assert (end["status"], end["attempt"]) == ("cancelled", 2)
    assert "the client that started it has gone" in end["message"]
    await flaps
    assert not stayed.done()
    await http.post(f"{two.url}/api/v1/tasks/{moved.task}/cancel", json={"reason": "seen enough"})
    await stayed
    assert moved.reader.log[-1]["message"] == "cancelled: seen enough"
    end = await end_of(http, two, flapping.task)
    assert (end["status"], end["message"]) == ("cancelled", "cancelled: the client that started it has gone")
    assert flapping.reader.log[-1]["at"] < end["at"] - GRACE_SECONDS / 2
