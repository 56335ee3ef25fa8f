"""A stream across its connections, on a scripted transport: requests, answers, events, silence, cursors."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
import pytest

from headway.client.event_stream import Stream, StreamLost, Watched, async_events, sync_events
from headway.errors import ClientError
from tests.unit.client.scripted import HELLO, URL, Pause, Script, answer, progress, stream

RESET = b'event: reset\ndata: {"task":"a","reason":"trimmed"}\n\n'


class Connected:
    """A stream with the client that reads it."""

    def __init__(self, http: httpx.AsyncClient, stream: Stream) -> None:
        self.http = http
        self.stream = stream

    @property
    def settled(self) -> bool:
        return self.stream.settled


@asynccontextmanager
async def opened(script: Script, *tasks: str, cursor: str = "", merge: bool = True, **limits: Any):
    """A stream of `tasks`, "t" by default."""
    async with httpx.AsyncClient(base_url=URL, transport=script) as http:
        clock = asyncio.get_running_loop().time
        yield Connected(http, Stream(tasks or ("t",), cursor, merge=merge, clock=clock, **limits))


async def read(connected: Connected) -> list[Watched]:
    """The events of one connection."""
    async with aclosing(async_events(connected.http, connected.stream)) as events:
        return [event async for event in events]


async def lost(connected: Connected) -> StreamLost:
    """How one connection is lost."""
    with pytest.raises(StreamLost) as caught:
        await read(connected)
    return caught.value


@pytest.mark.parametrize(
    ("tasks", "cursor", "merge", "target"),
    [
        (("t",), "", True, "/api/v1/tasks/t/stream"),
        (("t",), "c5", False, "/api/v1/tasks/t/stream?merge=0"),
        (("t", "t"), "", True, "/api/v1/tasks/t/stream"),
        (("a/b?c",), "", True, "/api/v1/tasks/a%2Fb%3Fc/stream"),
        (("b", "a", "b"), "", True, "/api/v1/stream?task=a&task=b"),
        (("b", "a"), "c5", False, "/api/v1/stream?task=a&task=b&merge=0"),
    ],
)
async def test_request_names_each_task_once_and_in_order(
    tasks: tuple[str, ...], cursor: str, merge: bool, target: str
) -> None:
    """The order is that of the server's cursor."""
    script = Script(httpx.Response(204))
    async with opened(script, *tasks, cursor=cursor, merge=merge) as connected:
        await read(connected)
    (request,) = script.requests
    assert request.url.raw_path.decode() == target
    assert request.headers["accept"] == "text/event-stream"
    assert request.headers["cache-control"] == "no-store"
    assert script.last_ids == [cursor or None]


def test_stream_of_no_task_is_refused() -> None:
    """Nothing is requested."""
    with pytest.raises(ClientError, match="at least one task"):
        Stream(())


@pytest.mark.parametrize("cursor", ["a\nb", "é", "\x1b"])
async def test_cursor_that_cannot_be_a_header_is_refused(cursor: str) -> None:
    """It comes from a command line."""
    with pytest.raises(ClientError, match="not a cursor"):
        async with opened(Script(), cursor=cursor):
            pass


async def test_stream_ends_with_the_terminal_event_not_with_the_socket() -> None:
    """The server need not close: nothing follows."""
    script = Script(stream(HELLO, progress(1), progress(2, "completed"), progress(3), Pause(3600)))
    async with opened(script) as connected:
        events = await read(connected)
        assert connected.settled
    assert [event.event for event in events] == ["hello", "progress", "progress"]
    assert [event.cursor for event in events] == ["c0", "c1", "c2"]
    assert json.loads(events[-1].raw) == events[-1].data


async def test_204_settles_the_stream_without_an_event() -> None:
    """All was sent before."""
    async with opened(Script(httpx.Response(204)), cursor="c9") as connected:
        assert await read(connected) == []
        assert connected.settled


@pytest.mark.parametrize(
    ("event", "status", "terminal"),
    [
        ("progress", "completed", True),
        ("progress", "error", True),
        ("progress", "cancelled", True),
        ("progress", "processing", False),
        ("progress", "retrying", False),
        ("progress", None, False),
        ("chunk", "completed", False),
    ],
)
def test_terminal_event_is_a_progress_of_a_final_status(event: str, status: str | None, terminal: bool) -> None:
    """`task` is empty in events of the streamer itself."""
    assert Watched(event, {"task": "t", "status": status}, "c").terminal is terminal
    assert (Watched(event, {"task": "t"}, "c").task, Watched(event, {}, "c").task) == ("t", "")


@pytest.mark.parametrize(
    ("events", "settled"),
    [
        ([progress(1, "error", "a")], False),
        ([progress(1, "error", "a"), progress(2, "completed", "b")], True),
        ([progress(1, "error", "a"), progress(2, "error", "a")], False),
        ([progress(1, "error", "a"), RESET, progress(2, "completed", "b")], False),
        ([progress(1, "error", "a"), RESET, progress(2, "completed", "b"), progress(3, "error", "a")], True),
        ([progress(1, "completed", "b"), RESET.replace(b'"a"', b'"other"'), progress(2, "error", "a")], True),
        ([progress(1, "completed", "other")], False),
    ],
)
async def test_stream_of_several_tasks_is_settled_when_all_have_ended(events: list[bytes], settled: bool) -> None:
    """A reset opens its task again: what was known of it is void, its end too."""
    async with opened(Script(stream(*events)), "a", "b") as connected:
        if settled:
            assert len(await read(connected)) == len(events)
        else:
            assert (await lost(connected)).reason == "the stream ended"
        assert connected.settled is settled


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 422, 507])
async def test_status_that_would_not_change_is_an_error(status: int) -> None:
    """The same request would get it again."""
    problem = {"title": "No", "detail": "There is no such task.", "status": status}
    async with opened(Script(answer(status, problem))) as connected:
        with pytest.raises(ClientError, match=r"There is no such task\. \(HTTP \d+\)") as caught:
            await read(connected)
    assert (caught.value.status, caught.value.problem) == (status, problem)


@pytest.mark.parametrize(
    ("status", "headers", "floor"),
    [
        (503, {"retry-after": "20"}, 20.0),
        (503, {}, 0.0),
        (429, {"retry-after": "soon"}, 0.0),
        (500, {}, 0.0),
        (502, {}, 0.0),
        (408, {}, 0.0),
        (206, {}, 0.0),
    ],
)
async def test_status_that_may_change_loses_the_stream(status: int, headers: dict[str, str], floor: float) -> None:
    """With the pause that the server asks for."""
    async with opened(Script(answer(status, **headers))) as connected:
        error = await lost(connected)
        assert not connected.settled
    assert (error.reason, error.floor_seconds) == (f"the server answered {status}", floor)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (httpx.ConnectError("refused"), "refused"),
        (httpx.ReadError(""), "ReadError"),
        (httpx.RemoteProtocolError("cut"), "cut"),
        (httpx.ReadTimeout("timed out"), "timed out"),
    ],
)
@pytest.mark.parametrize("connected", [False, True])
async def test_failure_of_the_network_loses_the_stream(error: Exception, message: str, connected: bool) -> None:
    """Before the answer and within it."""
    async with opened(Script(stream(HELLO, error) if connected else error)) as one:
        assert (await lost(one)).reason == message


@pytest.mark.parametrize("error", [httpx.TooManyRedirects("20 of them"), httpx.DecodingError("20 of them")])
async def test_answer_that_would_be_the_same_again_is_an_error(error: Exception) -> None:
    """A loop of redirects, or a content encoding that is wrong."""
    async with opened(Script(error)) as connected:
        with pytest.raises(ClientError, match="20 of them"):
            await read(connected)


@pytest.mark.parametrize("type", ["text/html", "application/json", ""])
async def test_page_that_is_not_a_stream_is_refused(type: str) -> None:
    """A captive portal or a wrong URL: reconnecting indefinitely would hide it."""
    page = httpx.Response(200, headers={"content-type": type}, content=b"<p>log in")
    async with opened(Script(page)) as connected:
        with pytest.raises(ClientError, match=f"{URL}/.*{type or 'of no type'}: is that a streamer"):
            await read(connected)


@pytest.mark.parametrize("data", [b"no json", b"[1]", b"\xff"])
async def test_event_that_is_not_an_object_is_refused(data: bytes) -> None:
    """Continuing would be an unnoticed gap."""
    async with opened(Script(stream(b"data: " + data + b"\n\n"))) as connected:
        with pytest.raises(ClientError, match="not a JSON object"):
            await read(connected)


async def test_event_that_is_nested_too_deeply_is_skipped(caplog: pytest.LogCaptureFixture) -> None:
    """With a warning; the others are read as before."""
    deep = b'id: c2\ndata: {"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}\n\n"
    script = Script(stream(progress(1), deep, progress(3, "completed")))
    async with opened(script) as connected:
        assert [event.cursor for event in await read(connected)] == ["c1", "c3"]
    assert [record.levelno for record in caplog.records if record.name.startswith("headway")] == [logging.WARNING]


@pytest.mark.parametrize(
    ("parts", "cursor"),
    [
        ([HELLO, progress(1)], "c1"),
        ([HELLO, progress(1), b"id: c2\ndata: {unfinis"], "c1"),
        ([HELLO, progress(1), b"id: c2\n"], "c1"),
        ([progress(1)[:-1], b"\n"], "c1"),
        ([b":\n"], "c9"),
        ([b"data: {}\n\n"], "c9"),
    ],
    ids=["whole", "cut within data", "cut after id", "in two chunks", "comment", "event without id"],
)
async def test_next_connection_resumes_after_the_last_whole_event(parts: list[bytes], cursor: str) -> None:
    """An event that was cut is sent again."""
    script = Script(stream(*parts), httpx.Response(204))
    async with opened(script, cursor="c9") as connected:
        await lost(connected)
        await read(connected)
    assert script.last_ids == ["c9", cursor]


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("heartbeat", "seconds"),
    [("2", 6.0), ("0.5", 1.5), ("3600", 10_800.0), ("3601", 45.0), ("0", 45.0), ("-1", 45.0), ('"2"', 45.0)],
)
async def test_stream_is_lost_after_three_missed_heartbeats(heartbeat: str, seconds: float) -> None:
    """Of the interval in `hello`, or of 15 s when that is not one."""
    hello = HELLO.replace(b'"heartbeat_seconds":2', b'"heartbeat_seconds":' + heartbeat.encode())
    async with opened(Script(stream(hello, Pause(100_000)))) as connected:
        assert (await lost(connected)).reason == f"no heartbeat for {seconds:g} s"
    assert asyncio.get_running_loop().time() == pytest.approx(seconds, abs=0.1)


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("parts", "seconds"),
    [
        ([Pause(100)], 45.0),
        ([HELLO, Pause(5.9), b":\n", Pause(5.9), b":\n", Pause(100)], 17.8),
        ([HELLO, Pause(5.9), b"id", Pause(100)], 11.9),
    ],
    ids=["before hello", "comments", "part of a line"],
)
async def test_silence_counts_from_the_last_byte(parts: list[bytes | Pause], seconds: float) -> None:
    """The stream is dead although its socket is not. Comments keep it alive."""
    async with opened(Script(stream(*parts))) as connected:
        await lost(connected)
    assert asyncio.get_running_loop().time() == pytest.approx(seconds, abs=0.1)


@pytest.mark.looptime
async def test_interval_of_a_server_holds_for_the_next_connection() -> None:
    """Until its `hello` gives another."""
    async with opened(Script(stream(HELLO), stream(Pause(100)))) as connected:
        await lost(connected)
        assert (await lost(connected)).reason == "no heartbeat for 6 s"


@pytest.mark.parametrize(
    ("parts", "floor"),
    [
        ([b"retry: 4000\n\n"], 4.0),
        ([b"retry: 4000\n\n", progress(1)], 4.0),
        ([b"retry: 4000\n\n", b"retry: 250\n\n"], 0.25),
        ([progress(1)], 1.0),
    ],
)
async def test_retry_field_is_the_floor_of_the_next_delays(parts: list[bytes], floor: float) -> None:
    """It holds until the server sends another one."""
    async with opened(Script(stream(*parts))) as connected:
        connected.stream.backoff.floor_seconds = 1.0
        await lost(connected)
        assert connected.stream.backoff.floor_seconds == floor


@pytest.mark.parametrize(
    ("parts", "attempts"),
    [
        ([progress(1)], 0),
        ([HELLO], 0),
        ([b":\n"], 7),
        ([b'event: goodbye\ndata: {"reason":"overload"}\n\n'], 7),
        ([HELLO, b'event: goodbye\ndata: {"reason":"drain"}\n\n'], 0),
    ],
    ids=["event", "hello", "comment", "goodbye", "goodbye after hello"],
)
async def test_event_resets_the_back_off_unless_it_is_a_goodbye(parts: list[bytes], attempts: int) -> None:
    """That may be all that an overloaded streamer sends."""
    async with opened(Script(stream(*parts))) as connected:
        connected.stream.backoff.attempts = 7
        await lost(connected)
        assert connected.stream.backoff.attempts == attempts


@pytest.mark.looptime
async def test_a_stream_that_may_last_for_some_time_ends_then() -> None:
    """Although heartbeats arrive. Its task continues."""
    async with opened(Script(stream(HELLO, *([Pause(5), b":\n"] * 100))), timeout_seconds=12) as connected:
        with pytest.raises(ClientError, match="not ended after 12 s") as caught:
            await read(connected)
    assert "cancel it" in caught.value.hint
    assert asyncio.get_running_loop().time() == pytest.approx(12.0, abs=0.1)


def at(now: list[float], **limits: Any) -> Stream:
    """A stream whose time is `now[0]`."""
    return Stream(("t",), clock=lambda: now[0], **limits)


def test_the_next_connection_waits_no_longer_than_the_limit() -> None:
    """Nor does a pause, also one that the server asks for."""
    now = [0.0]
    stream = at(now, timeout_seconds=20)
    now[0] = 15.0
    assert (stream.read_seconds(), stream.request()["timeout"].connect) == (5.0, 5.0)
    assert stream.pause(StreamLost("cut", floor_seconds=60)) == 5.0
    now[0] = 20.0
    with pytest.raises(ClientError, match="not ended after 20 s"):
        stream.pause(StreamLost("cut"))


def test_without_a_limit_a_pause_is_as_long_as_the_server_asks_for() -> None:
    """Silence has its own limit."""
    assert at([0.0]).pause(StreamLost("cut", floor_seconds=60)) >= 60.0
    assert at([0.0]).read_seconds() == 45.0


# The same connections without asyncio.


def sync_read(stream: Stream, answered: httpx.Response | Exception) -> list[Watched]:
    def respond(request: httpx.Request) -> httpx.Response:
        if isinstance(answered, Exception):
            raise answered
        return answered

    with httpx.Client(base_url=URL, transport=httpx.MockTransport(respond)) as http:
        return list(sync_events(http, stream))


def events(*parts: bytes | Exception) -> httpx.Response:
    def body() -> Iterator[bytes]:
        for part in parts:
            if isinstance(part, Exception):
                raise part
            yield part

    return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body())


def test_a_connection_without_asyncio_ends_with_the_terminal_event() -> None:
    stream = at([0.0])
    seen = sync_read(stream, events(HELLO, progress(1), progress(2, "completed"), progress(3)))
    assert ([event.cursor for event in seen], stream.settled) == (["c0", "c1", "c2"], True)


def test_a_connection_without_asyncio_is_settled_by_204() -> None:
    stream = at([0.0])
    assert (sync_read(stream, httpx.Response(204)), stream.settled) == ([], True)


@pytest.mark.parametrize(
    ("answered", "reason"),
    [
        (httpx.ConnectError("refused"), "refused"),
        (events(HELLO, httpx.ReadTimeout("timed out")), "timed out"),
        (events(HELLO), "the stream ended"),
        (httpx.Response(503), "the server answered 503"),
    ],
)
def test_a_connection_without_asyncio_is_lost(answered: httpx.Response | Exception, reason: str) -> None:
    with pytest.raises(StreamLost) as caught:
        sync_read(at([0.0]), answered)
    assert caught.value.reason == reason


def test_a_refusal_without_asyncio_is_an_error_with_its_body() -> None:
    answered = httpx.Response(404, stream=httpx.ByteStream(b'{"detail":"There is no such task."}'))
    with pytest.raises(ClientError, match="no such task"):
        sync_read(at([0.0]), answered)


def test_a_connection_without_asyncio_ends_when_its_time_is_over() -> None:
    """Which is checked with whatever arrives."""
    now = [0.0]
    stream = at(now, timeout_seconds=20)

    def body() -> Iterator[bytes]:
        for _ in range(100):
            now[0] += 15.0
            yield b":\n"

    answered = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body())
    with pytest.raises(ClientError, match="not ended after 20 s"):
        sync_read(stream, answered)
    assert now == [30.0]
