"""HEAD is answered as GET would be, without the body, and begins nothing."""

import asyncio

import httpx
import msgspec
import pytest

from headway.eventlog.chain import Chain, read_head
from headway.records import KindRecord
from headway.testing import progress
from headway_streamer.process.bounded_protocol import BoundedProtocol, bounded
from headway_streamer.process.server import QuietServer, config, listen
from headway_streamer.process.unfinished_requests import UnfinishedRequests
from headway_streamer.settings import Settings
from tests.fixtures.http import run_streamer
from tests.fixtures.sse import ACCEPT

STREAM = "text/event-stream"
START = "/api/v1/process/stream?kind=echo"


@pytest.fixture
async def streamer(nats_server, connection, names):
    buckets = await connection.client.jetstream().key_value(names.kinds_bucket)
    schema = {"type": "object", "properties": {"count": {"type": "integer"}}, "additionalProperties": False}
    await buckets.put("echo", msgspec.json.encode(KindRecord(kind="echo", params=schema)))
    async with run_streamer(nats_server.url, names.namespace) as running:
        yield running


@pytest.fixture
async def tasks(streamer):
    """A task that waits, and one that has ended."""
    waiting, ended = [(await streamer.submit()).json()["task"] for _ in range(2)]
    chain = Chain(streamer.components.log, ended, await read_head(streamer.components.log, ended), attempt=1)
    await chain.append(progress("completed", 100.0, data=1))
    return waiting, ended


async def exchange(url, request):
    """All bytes that come for `request`, which asks for the connection to be closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(request)
    async with asyncio.timeout(5):
        got = await reader.read()
    writer.close()
    await writer.wait_closed()
    return got


async def head(url, path, **headers):
    """Status and headers of a HEAD; nothing may come behind them."""
    lines = [
        f"HEAD {path} HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    top, _, body = (await exchange(url, ("\r\n".join(lines) + "\r\n\r\n").encode())).partition(b"\r\n\r\n")
    assert body == b""
    status, *fields = top.decode().split("\r\n")
    found = httpx.Headers([tuple(field.split(": ", 1)) for field in fields])
    assert "transfer-encoding" not in found
    return int(status.split()[1]), found


READS = [
    "/",
    "/page/favicon.svg",
    "/page/nope.js",
    "/schema",
    "/schema/openapi.json",
    "/api/v1/kinds",
    "/api/v1/tasks",
    "/api/v1/tasks?limit=0",
    "/api/v1/tasks/{waiting}",
    "/api/v1/tasks/{ended}",
    "/api/v1/tasks/nope",
    "/api/v1/tasks/{waiting}/result",
    "/api/v1/tasks/{ended}/result",
    "/nope",
]


async def test_head_says_what_get_says(streamer, tasks):
    for path in READS:
        path = path.format(waiting=tasks[0], ended=tasks[1])
        got = await streamer.http.get(path, headers={"Connection": "close", "Accept-Encoding": "identity"})
        status, headers = await head(streamer.url, path)
        assert (path, status) == (path, got.status_code)
        assert {**got.headers, "date": ""} == {**headers, "date": ""}


async def test_head_is_allowed_where_get_is_and_nowhere_else(streamer):
    for path in ("/api/v1/tasks/x/cancel", "/api/v1/tasks/x/retry"):
        status, headers = await head(streamer.url, path)
        assert (status, set(headers["allow"].split(", "))) == (405, {"POST", "OPTIONS"})
    for path in ("/api/v1/kinds", "/api/v1/tasks/x/stream", "/"):
        for reply in (await streamer.http.options(path), await streamer.http.put(path)):
            assert {"GET", "HEAD", "OPTIONS"} <= set(reply.headers["allow"].split(", "))


STREAMS = [
    "/api/v1/tasks/{waiting}/stream",
    "/api/v1/tasks/{ended}/stream",
    "/tasks/{waiting}/stream",
    "/api/v1/stream?task={waiting}&task={ended}",
    START,
    START + "&count=1&cancel_on_disconnect=1",
]


@pytest.mark.parametrize("fast_path", [True, False])
async def test_head_of_a_stream_opens_nothing_and_starts_nothing(
    nats_server, streamer, tasks, connection, names, fast_path
):
    js = connection.client.jetstream()
    before = await js.stream_info(names.jobs_stream), await js.stream_info(names.events_stream)
    async with run_streamer(nats_server.url, names.namespace, fast_path=fast_path) as quiet:
        for path in STREAMS:
            status, headers = await head(quiet.url, path.format(waiting=tasks[0], ended=tasks[1]), **ACCEPT)
            assert (status, headers["content-type"], headers["cache-control"]) == (
                200,
                STREAM,
                "no-store, no-transform",
            )
            assert "content-length" not in headers
            assert (quiet.components.admission.count, len(quiet.components.tails)) == (0, 0)
    after = await js.stream_info(names.jobs_stream), await js.stream_info(names.events_stream)
    assert [info.state.last_seq for info in after] == [info.state.last_seq for info in before]


REFUSED = [
    ("/api/v1/tasks/nope/stream", 404),
    ("/tasks/nope/stream", 404),
    ("/api/v1/stream?task={ended}&task=nope", 404),
    ("/api/v1/stream", 400),
    ("/api/v1/tasks/{ended}/stream?from=middle", 400),
    ("/api/v1/process/stream?kind=nope", 404),
    (START + "&count=many", 422),
    (START + "&cursor=0.1-1._nope", 404),
]


async def test_head_of_a_stream_that_get_would_refuse_is_refused(streamer, tasks):
    for path, status in REFUSED:
        path = path.format(ended=tasks[1])
        got = await streamer.http.get(path, headers=ACCEPT)
        assert ((await head(streamer.url, path, **ACCEPT))[0], got.status_code) == (status, status), path


async def test_head_of_a_stream_that_was_all_sent_is_a_204(streamer, tasks):
    cursor = (await streamer.http.get(f"/api/v1/tasks/{tasks[1]}")).json()["cursor"]
    for path in (f"/api/v1/tasks/{tasks[1]}/stream", START):
        position = cursor if path != START else f"{cursor}._{tasks[1]}"
        assert (await head(streamer.url, path, **ACCEPT, **{"Last-Event-ID": position}))[0] == 204
        assert (await head(streamer.url, path, **ACCEPT, **{"Last-Event-ID": f"x{position}"}))[0] == 200


async def test_head_leaves_the_connection_for_the_next_request(streamer, tasks):
    """Bytes behind the headers would be taken for the next answer."""
    first = f"HEAD /api/v1/tasks/{tasks[0]}/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
    second = "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = "GET /api/v1/tasks/nope HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    got = await exchange(streamer.url, (first + second + last).encode())
    assert [part.split(b" ")[0] for part in got.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"404"]
    assert got.count(b"\r\n\r\n") == 3


async def test_head_on_the_ops_port_says_what_get_says(streamer):
    listener = listen("127.0.0.1", 0)
    requests = UnfinishedRequests(Settings(), streamer.components.idle_timer, streamer.components.metrics)
    server = QuietServer(config(streamer.components.ops_app(lambda: True), bounded(BoundedProtocol, requests)))
    serving = asyncio.create_task(server.serve([listener]))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=url) as client:
        for path in ("/livez", "/readyz", "/metrics", "/nope"):
            got = await client.get(path, headers={"Connection": "close"})
            status, headers = await head(url, path)
            assert (status, headers["content-type"]) == (got.status_code, got.headers["content-type"])
    server.should_exit = True
    await serving
