"""Tasks that are reported over HTTP, through what servers and networks do, in virtual time."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from headway.client import Client, Report
from headway.errors import InvalidNameError, TaskCancelledError
from tests.unit.client.scripted import URL

pytestmark = pytest.mark.looptime
Trouble = httpx.Response | Exception | str | None


class Streamer(httpx.AsyncBaseTransport):
    """Stores reports by the rules of the API. `trouble` is asked before each answer: what it returns comes instead.

    "lost" stores the request and loses the answer.
    """

    def __init__(self, trouble: Callable[[int, httpx.Request], Trouble] = lambda number, request: None) -> None:
        self.trouble = trouble
        self.opened: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.end: dict[str, Any] = {}
        self.epoch = 0
        self.cancel: str | None = None
        self.times: list[float] = []
        self.batches: list[dict[str, Any]] = []
        self.keys: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(await request.aread())
        self.times.append(asyncio.get_running_loop().time())
        trouble = self.trouble(len(self.times), request)
        if isinstance(trouble, Exception):
            raise trouble
        if isinstance(trouble, httpx.Response):
            return trouble
        answer = self.answer(request, body)
        if trouble == "lost":
            raise httpx.ReadError("the answer is lost")
        return answer

    def answer(self, request: httpx.Request, body: dict[str, Any]) -> httpx.Response:
        if request.url.path == "/api/v1/reports":
            self.keys.append(request.headers["idempotency-key"])
            self.opened.append(body)
            self.epoch += 1
            return httpx.Response(201, json={"task": body["id"], "epoch": self.epoch, "sequence": 0})
        assert request.url.path.startswith(f"/api/v1/reports/{self.opened[0]['id']}/")
        assert body["epoch"] == self.epoch
        if body["sequence"] > len(self.events) + 1 and self.cancel is None:
            return httpx.Response(409, json={"title": "Events are missing", "expected": len(self.events) + 1})
        if request.url.path.endswith("/end"):
            self.end = body
            return httpx.Response(200, json={"task": self.opened[0]["id"], "status": body["status"]})
        self.batches.append(body)
        if self.cancel is None:
            self.events += body["events"][len(self.events) + 1 - body["sequence"] :]
        cancel = None if self.cancel is None else {"reason": self.cancel}
        return httpx.Response(200, json={"sequence": len(self.events), "cancel": cancel})


def client(streamer: Streamer) -> Client:
    return Client(URL, transport=streamer)


async def test_a_block_is_a_task() -> None:
    """Opened, reported in batches, and completed with its result."""
    streamer = Streamer()
    async with client(streamer) as http:
        async with Report(http, "import", title="Night", tags=["eu"], id="n1", parent="p", lease_seconds=30) as report:
            report.step("reading", total=2, unit="rows")
            report.update(done=1)
            report.log("half", "warning", logger="reader")
            report.chunk("text")
            report.set_result({"rows": 2})
    named = {"id": "n1", "kind": "import", "title": "Night", "tags": ["eu"], "parent": "p", "lease_seconds": 30}
    assert streamer.opened == [named]
    assert streamer.events == [
        {"type": "step", "name": "reading", "total": 2.0, "unit": "rows"},
        {"type": "log", "level": "warning", "message": "half", "logger": "reader"},
        {"type": "chunk", "text": "text"},
        {"type": "progress", "done": 1.0},
    ]
    assert streamer.end == {"epoch": 1, "sequence": 5, "status": "completed", "result": {"rows": 2}}
    assert (report.ended, report.problem) == (True, "")


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (ValueError("no luck"), {"status": "error", "error": ("ValueError", "no luck")}),
        (TaskCancelledError("enough"), {"status": "cancelled", "message": "enough"}),
        (asyncio.CancelledError(), {"status": "cancelled"}),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_block_that_raises_ends_by_its_exception(error: BaseException, end: dict[str, Any]) -> None:
    streamer = Streamer()
    async with client(streamer) as http:
        with pytest.raises(type(error)):
            async with Report(http, "import"):
                raise error
    found = {name: value for name, value in streamer.end.items() if name not in ("epoch", "sequence")}
    if "error" in found:
        assert "test_report.py" in found["error"]["traceback"]
        found["error"] = (found["error"]["type"], found["error"]["message"])
    assert found == end


async def test_batches_are_at_most_ten_a_second() -> None:
    streamer = Streamer()
    async with client(streamer) as http, Report(http, "import") as report:
        for number in range(1000):
            report.update(done=number)
            await asyncio.sleep(0.001)
    assert 9 <= len(streamer.batches) <= 12
    assert streamer.events[-1]["done"] == 999


@pytest.mark.parametrize(("lease", "seconds"), [(60, 5.0), (15, 5.0), (9, 3.0)])
async def test_a_silent_task_sends_heartbeats(lease: int, seconds: float) -> None:
    streamer = Streamer()
    async with client(streamer) as http, Report(http, "import", lease_seconds=lease):
        await asyncio.sleep(60)
    assert [batch["events"] for batch in streamer.batches] == [[]] * len(streamer.batches)
    pauses = [later - earlier for earlier, later in zip(streamer.times, streamer.times[1:], strict=False)]
    assert max(pauses) <= seconds + 0.2
    assert len(streamer.batches) <= 60 / seconds


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.Response(503, json={"detail": "NATS is unreachable"}),
        httpx.Response(429, json={}, headers={"retry-after": "2"}),
        "lost",
    ],
    ids=str,
)
async def test_nothing_is_lost_or_doubled_by_trouble(trouble: Trouble) -> None:
    """Every other request fails, before or after it is stored; the task is opened under one key."""
    streamer = Streamer(lambda number, _: trouble if number % 2 else None)
    async with client(streamer) as http, Report(http, "import", flush_seconds=60) as report:
        for number in range(50):
            report.log(f"line {number}")
            await asyncio.sleep(0.2)
    assert [event["message"] for event in streamer.events] == [f"line {number}" for number in range(50)]
    assert len(set(streamer.keys)) == 1
    assert streamer.end["status"] == "completed"
    assert report.ended


async def test_a_server_that_lost_events_gets_the_next_ones() -> None:
    """It says which number it expects; what it had confirmed is not kept here."""
    streamer = Streamer()
    async with client(streamer) as http, Report(http, "import") as report:
        report.log("a")
        await asyncio.sleep(1)
        streamer.events.clear()
        report.log("b")
    assert [event["message"] for event in streamer.events] == ["b"]
    assert report.ended


async def test_an_unreachable_server_delays_nothing() -> None:
    """It gets one more try at the end; what waited is bounded and the rest is counted."""
    streamer = Streamer(lambda number, request: httpx.ConnectError("refused"))
    loop = asyncio.get_running_loop()
    async with client(streamer) as http:
        report = Report(http, "import")
        report.start()
        for number in range(1000):
            report.log(f"line {number}")
        await asyncio.sleep(100)
        began = loop.time()
        assert not await report.end("completed")
    assert loop.time() - began < 0.1
    assert report.left_out == 800
    assert "cannot reach http://streamer" in report.problem


async def test_the_end_waits_a_bounded_time_for_a_server_that_was_there() -> None:
    streamer = Streamer(lambda number, request: httpx.ConnectError("gone") if number > 2 else None)
    loop = asyncio.get_running_loop()
    async with client(streamer) as http:
        report = Report(http, "import", flush_seconds=7)
        report.start()
        report.log("a")
        await asyncio.sleep(1)
        report.log("b")
        began = loop.time()
        assert not await report.end("completed")
    assert loop.time() - began == pytest.approx(7, abs=0.1)
    assert len(streamer.times) < 30


async def test_a_server_that_does_not_answer_holds_the_end_for_a_bounded_time() -> None:
    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(3600)
            raise AssertionError

    loop = asyncio.get_running_loop()
    async with Client(URL, transport=Silent()) as http:
        report = Report(http, "import")
        report.start()
        await asyncio.sleep(1)
        assert not await report.end("completed")
    assert loop.time() == pytest.approx(6, abs=0.1)
    assert report.problem == "the server did not answer within 5 s"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
async def test_a_refusal_ends_the_reporting_and_not_the_work(status: int) -> None:
    refused = httpx.Response(status, json={"detail": "no"})
    streamer = Streamer(lambda number, request: refused if number == 2 else None)
    async with client(streamer) as http:
        report = Report(http, "import")
        report.start()
        for number in range(20):
            report.log(f"line {number}")
            await asyncio.sleep(1)
        assert not await report.end("completed")
    assert len(streamer.times) == 2
    assert report.problem == f"no (HTTP {status})"


async def test_a_report_that_is_lost_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    streamer = Streamer(lambda number, request: httpx.Response(403, json={"detail": "no"}))
    async with client(streamer) as http, Report(http, "import"):
        pass
    assert [(record.__dict__["action"], record.__dict__["reason"]) for record in caplog.records] == [
        ("report_lost", "no (HTTP 403)")
    ]


async def test_a_request_to_cancel_is_noticed_once() -> None:
    """Only the end is stored after it; heartbeats hold the lease until then."""
    streamer = Streamer()
    reasons: list[str] = []
    async with client(streamer) as http:
        async with Report(http, "import", on_cancel=reasons.append) as report:
            report.raise_if_cancelled()
            streamer.cancel = "enough"
            await asyncio.sleep(20)
            report.log("late")
            assert report.cancelled
            with pytest.raises(TaskCancelledError, match="cancelled: enough") as raised:
                report.raise_if_cancelled()
            await report.end("cancelled", str(raised.value))
    assert reasons == ["enough"]
    assert len(streamer.batches) >= 3
    assert streamer.events == []
    assert (streamer.end["status"], streamer.end["message"]) == ("cancelled", "cancelled: enough")


async def test_threads_may_report() -> None:
    streamer = Streamer()
    async with client(streamer) as http, Report(http, "import") as report:
        threads = [threading.Thread(target=report.log, args=(f"line {number}",)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(event["message"] for event in streamer.events) == sorted(f"line {number}" for number in range(20))


@pytest.mark.parametrize("garbage", [float("nan"), "seven", object()])
async def test_nothing_that_is_handed_in_raises(garbage: Any) -> None:
    streamer = Streamer()
    async with client(streamer) as http, Report(http, "import") as report:
        report.update(garbage, garbage, done=garbage, total=garbage, unit=garbage)
        report.step(garbage, total=garbage, unit=garbage)
        report.log(garbage, garbage)
        report.chunk(garbage)
        report.set_result(garbage)
    assert streamer.end["status"] == "completed"


async def test_a_large_result_is_left_out() -> None:
    streamer = Streamer()
    async with client(streamer) as http, Report(http, "import") as report:
        report.set_result("x" * 200_000)
    assert streamer.end["result"] is None
    assert "the result is left out" in streamer.events[-1]["message"]


async def test_a_kind_that_is_none_is_refused() -> None:
    async with client(Streamer()) as http:
        with pytest.raises(InvalidNameError):
            Report(http, "no kind")


async def test_what_was_never_started_has_no_end() -> None:
    async with client(Streamer()) as http:
        assert not await Report(http, "import").end("completed")
