"""Tasks that Python reports over HTTP, at a real streamer on a real NATS."""

import asyncio

from headway.client import Client, Report
from headway.errors import ClientError, TaskCancelledError
from tests.fixtures.condition import until
from tests.fixtures.http import run_streamer


async def test_the_how_to_is_a_task(nats_server, names, connection, printed):
    """It runs in a thread with an event loop of its own."""
    (block,) = printed
    async with run_streamer(nats_server.url, names.namespace) as streamer:
        code = block.text.replace("http://127.0.0.1:8000", streamer.url)
        await asyncio.to_thread(exec, compile(code, str(block), "exec"), {})
        await until(lambda: listed(streamer, ("Import of the night", "import", "completed")), 20)


async def test_a_report_is_stored_in_order_and_cancelled(nats_server, names, connection):
    async with run_streamer(nats_server.url, names.namespace) as streamer, Client(streamer.url) as client:
        async with Report(client, "import", id="r1", tags=["eu"]) as report:
            report.step("reading", total=3, unit="rows")
            report.log("first")
            report.chunk("text")
            report.update(done=2)
            await until(lambda: found(client, "done", 2), 20)
            await client.cancel("r1", "enough")
            await until(lambda: report.cancelled, 20)
            await report.end("cancelled", str(stopped(report)))
        state = (await client.task("r1"))["state"]
        events = [event async for event in client.watch("r1", merge=False)]
    assert report.ended
    assert (state["status"], state["message"], state["step"]) == ("cancelled", "cancelled: enough", "reading")
    texts = [event.data.get("message") or event.data.get("text") for event in events if event.event in ("log", "chunk")]
    assert texts == ["first", "text"]


async def listed(streamer, expected):
    tasks = (await streamer.http.get("/api/v1/tasks")).json()["tasks"]
    return [(task["title"], task["kind"], (task["state"] or {}).get("status")) for task in tasks] == [expected]


async def found(client, name, value):
    try:
        return ((await client.task("r1")).get("state") or {}).get(name) == value
    except ClientError:  # it is not opened yet
        return False


def stopped(report):
    try:
        report.raise_if_cancelled()
    except TaskCancelledError as error:
        return error
    raise AssertionError("it was not cancelled")
