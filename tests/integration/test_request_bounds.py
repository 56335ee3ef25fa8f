"""Requests that are too large, too slow or ambiguous, over raw sockets: both ports, both ways of streaming."""

import asyncio
import logging
import re
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import httpx
import msgspec
import pytest

from headway.records import KindRecord
from headway_streamer.process.bounded_protocol import BoundedProtocol, bounded
from headway_streamer.process.server import QuietServer, config, listen
from headway_streamer.process.unfinished_requests import UnfinishedRequests
from tests.fixtures.condition import until
from tests.fixtures.http import run_streamer

pytestmark = pytest.mark.security

HEAD_BYTES, TARGET_BYTES, HEADERS, BODY_BYTES = 8192, 2048, 20, 4096
SECONDS = 1.5
HASTY = {"head_seconds": SECONDS, "body_seconds": SECONDS}
"""Only where time is what is tested: elsewhere a busy machine would be refused."""
LIMITS = {
    "max_head_bytes": HEAD_BYTES,
    "max_target_bytes": TARGET_BYTES,
    "max_headers": HEADERS,
    "max_body_bytes": BODY_BYTES,
}
SAFE_HEADERS = {
    "content-type: application/problem+json",
    "cache-control: no-store",
    "connection: close",
    "x-content-type-options: nosniff",
    "x-frame-options: deny",
    "referrer-policy: no-referrer",
}
ENOUGH_SECONDS = 15
FLOOD_BYTES = 50_000_000
START = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


class Server:
    """A port under test."""

    def __init__(self, port, components, which):
        self.port, self.components, self.which = port, components, which
        self._clients = []

    @property
    def refused(self):
        """Refused requests by reason."""
        return dict(self.components.metrics._refused)

    @property
    def unfinished(self):
        return len(self.components.idle_timer.requests)

    async def connect(self):
        self._clients.append(Client(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self._clients[-1]

    async def exchange(self, *pieces):
        """What is sent for `pieces`, until the server ends the connection."""
        client = await self.connect()
        for piece in pieces:
            await client.send(piece)
        got = await client.rest()
        client.writer.close()
        return got

    async def disconnect(self):
        for client in self._clients:
            client.writer.transport.abort()
            with suppress(ConnectionError):
                await client.writer.wait_closed()


class Client:
    """A raw connection."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def drip(self, data, seconds):
        """Send `data` byte by byte until the server answers or ends the connection."""
        with suppress(ConnectionError):
            for byte in data:
                await self.send(bytes([byte]))
                if self.reader.at_eof() or self.reader._buffer:
                    return
                await asyncio.sleep(seconds)

    async def flood(self, piece, most_bytes):
        """Send `piece` again and again until the server ends the connection. Returns how many bytes were sent."""
        sent = 0
        with suppress(ConnectionError):
            while not self.reader.at_eof() and sent < most_bytes:
                await self.send(piece)
                sent += len(piece)
        return sent

    async def rest(self):
        """What the server sends until it ends the connection."""
        async with asyncio.timeout(ENOUGH_SECONDS):
            return await self.reader.read()


@asynccontextmanager
async def run_ops(streamer):
    """The ops port of a streamer, with the bounds of its settings."""
    components = streamer.components
    requests = UnfinishedRequests(components.settings, components.idle_timer, components.metrics)
    listener = listen("127.0.0.1", 0)
    server = QuietServer(config(components.ops_app(lambda: True), bounded(BoundedProtocol, requests)))
    serving = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    yield listener.getsockname()[1]
    server.should_exit = True
    await serving


@asynccontextmanager
async def run_server(nats_url, namespace, which, **settings):
    async with AsyncExitStack() as stack:
        options = LIMITS | {"fast_path": which == "direct"} | settings
        streamer = await stack.enter_async_context(run_streamer(nats_url, namespace, **options))
        port = int(streamer.url.rpartition(":")[2])
        if which == "ops":
            port = await stack.enter_async_context(run_ops(streamer))
        server = Server(port, streamer.components, which)
        stack.push_async_callback(server.disconnect)
        yield server


@pytest.fixture(params=["direct", "plain", "ops"])
async def server(request, nats_server, names, caplog):
    async with run_server(nats_server.url, names.namespace, request.param) as running:
        yield running
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.fixture(params=["direct", "plain", "ops"])
async def hasty(request, nats_server, names, caplog):
    """A server that waits for no request for long."""
    async with run_server(nats_server.url, names.namespace, request.param, **HASTY) as running:
        yield running
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def statuses(got):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", got)]


def check_problem(got, status):
    head, _, body = got.decode().partition("\r\n\r\n")
    lines = {line.lower() for line in head.split("\r\n")}
    assert int(head.split()[1]) == status
    assert lines >= SAFE_HEADERS
    assert any(line.startswith("content-security-policy: default-src 'none'") for line in lines)
    assert f"content-length: {len(body)}" in lines
    assert msgspec.json.decode(body)["status"] == status


LONG = b"x" * 10_000
TOO_LARGE = [
    ("a long header", 431, [START + b"A: " + LONG + b"\r\n\r\n"], "head_size"),
    ("a long header that does not end", 431, [START + b"A: " + LONG, LONG], "head_size"),
    ("a long name", 431, [START + LONG + b": 1\r\n\r\n"], "head_size"),
    (
        "long in sum",
        431,
        [START + b"".join(b"A%d: %s\r\n" % (n, LONG[:1000]) for n in range(15)) + b"\r\n"],
        "head_size",
    ),
    ("a long target", 414, [b"GET /" + LONG[:3000] + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"], "target_size"),
    ("a long target that does not end", 414, [b"GET /?" + LONG[:1500], LONG[:1500]], "target_size"),
    ("a long query", 414, [b"GET /?" + LONG[:3000] + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"], "target_size"),
    ("many headers", 431, [START + b"A: 1\r\n" * HEADERS + b"\r\n"], "headers"),
    ("blank lines", 431, [b"\r\n" * HEAD_BYTES], "head_size"),
]


async def test_a_head_that_is_too_large_is_refused(server, security_figures):
    expected = Counter()
    for what, status, pieces, reason in TOO_LARGE:
        check_problem(await server.exchange(*pieces), status)
        expected[reason] += 1
        assert server.refused == expected, what
    await until(lambda: server.unfinished == 0)
    security_figures(5, f"heads above a bound, {server.which}", tried=len(TOO_LARGE), refused=expected.total())


async def test_heads_at_the_bounds_are_taken(server):
    target = b"/livez?" + LONG[: TARGET_BYTES - 7]
    request = b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nA: "
    request += LONG[: HEAD_BYTES - len(request) - 4] + b"\r\n\r\n"
    assert len(request) == HEAD_BYTES
    for pieces in ([request], [request[:-1], request[-1:]], [request[i : i + 500] for i in range(0, HEAD_BYTES, 500)]):
        got = await server.exchange(*pieces)
        assert statuses(got) in ([200], [404])
    assert server.refused == {}


async def test_what_never_becomes_whole_is_ended_in_time(hasty):
    silent = await hasty.connect()
    partial_head = await hasty.connect()
    await partial_head.send(START)
    partial_body = await hasty.connect()
    await partial_body.send(POST + b"Content-Length: 100\r\n\r\n{")
    chunked = await hasty.connect()
    await chunked.send(POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")
    assert await silent.rest() == b""  # browsers connect in advance, and would take an answer for one to their request
    check_problem(await partial_head.rest(), 408)
    for client in (partial_body, chunked):
        got = await client.rest()
        assert statuses(got) == ([404] if hasty.which == "ops" else [408])  # the ops port does not wait for a body
        if hasty.which != "ops":
            check_problem(got, 408)
    counts = {"silent": 1, "head_time": 1, "body_time": 2}
    assert hasty.refused == counts
    await until(lambda: hasty.unfinished == 0)


async def test_dripping_does_not_extend_the_time(hasty):
    head, body, blank = [await hasty.connect() for _ in range(3)]
    await body.send(POST + b"Content-Length: 4000\r\n\r\n")
    async with asyncio.timeout(ENOUGH_SECONDS):
        await asyncio.gather(
            head.drip(START + b"A: " + LONG, 0.02), body.drip(LONG, 0.02), blank.drip(b"\r\n" * 5000, 0.02)
        )
    await asyncio.gather(*(client.rest() for client in (head, body, blank)), return_exceptions=True)
    assert hasty.refused == {"head_time": 2, "body_time": 1}
    await until(lambda: hasty.unfinished == 0)


async def test_a_later_request_has_its_time_from_its_first_byte(hasty):
    client = await hasty.connect()
    await client.send(START + b"\r\n")
    first = await client.reader.readuntil(b"\r\n\r\n")
    assert statuses(first) in ([200], [404])
    await asyncio.sleep(2 * SECONDS)  # idle between requests, which is allowed
    await client.send(START)
    got = await client.rest()
    assert hasty.refused == {"head_time": 1}
    assert b"HTTP/1.1 408 " in got


async def test_a_pipelined_request_is_refused_after_the_answers_to_those_before(server):
    for bad, reason in ((b"nonsense\r\n\r\n", "malformed"), (START + b"A: " + LONG + b"\r\n\r\n", "head_size")):
        got = await server.exchange(START + b"\r\n" + START + b"\r\n" + bad)
        assert len(statuses(got)) == 2
        assert server.refused[reason] == 1
        assert got.lower().count(b"connection: close") <= 1


async def test_pipelined_requests_are_bounded(server):
    got = await server.exchange((START + b"\r\n") * 200)
    assert 1 <= len(statuses(got)) <= 18
    assert server.refused == {"pipelined": 1}


AMBIGUOUS = {
    "length and chunks": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    "two lengths": b"Content-Length: 4\r\nContent-Length: 5\r\n",
    "the same length twice": b"Content-Length: 4\r\nContent-Length: 4\r\n",
    "a list of lengths": b"Content-Length: 4, 4\r\n",
    "a signed length": b"Content-Length: +4\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\n",
    "a folded header": b"Transfer-Encoding:\r\n chunked\r\n",
    "another coding": b"Transfer-Encoding: gzip\r\n",
    "a coding before chunked": b"Transfer-Encoding: gzip, chunked\r\n",
    "chunked not last": b"Transfer-Encoding: chunked, identity\r\n",
    "an unknown coding": b"Transfer-Encoding: xchunked\r\n",
    "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "a bare line feed": b"A: 1\nContent-Length: 4\r\n",
    "a NUL": b"A: 1\0\r\n",
}
SMUGGLED = b"0\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def test_a_request_whose_length_is_ambiguous_starts_nothing(server, security_figures):
    begun = b"POST /api/v1/tasks/nope/retry HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    for count, (what, lines) in enumerate(AMBIGUOUS.items(), 1):
        got = await server.exchange(begun + lines + b"\r\n" + SMUGGLED)
        assert statuses(got) == [400], what
        check_problem(got, 400)
        assert server.refused == {"malformed": count}
    security_figures(5, f"requests of ambiguous length, {server.which}", tried=len(AMBIGUOUS), answered_but_400=0)


async def test_bodies_that_are_not_read_are_bounded(server):
    """A GET has no use for a body. Chunks have extensions and trailers, which are bounded with it."""
    ways = {
        "length": (b"Content-Length: 100000000\r\n\r\n", LONG),
        "chunks": (b"Transfer-Encoding: chunked\r\n\r\n", b"2710\r\n" + LONG + b"\r\n"),
        "extensions": (b"Transfer-Encoding: chunked\r\n\r\n1;", LONG),
        "trailers": (b"Transfer-Encoding: chunked\r\n\r\n0\r\nA: ", LONG),
    }
    for framing, piece in ways.values():
        client = await server.connect()
        await client.send(START + framing)
        await client.reader.readuntil(b"\r\n\r\n")
        assert await client.flood(piece, FLOOD_BYTES) < FLOOD_BYTES
    assert server.refused == {"body_size": len(ways)}
    await until(lambda: server.unfinished == 0)


async def test_a_second_connection_above_the_number_of_an_address_is_closed(nats_server, names):
    async with run_server(nats_server.url, names.namespace, "direct", max_connections_per_address=2) as server:
        await until(lambda: not server.components.idle_timer.requests)
        first, second = await server.connect(), await server.connect()
        third = await server.connect()
        with suppress(ConnectionResetError):
            assert await third.rest() == b""
        assert server.refused == {"connections": 1}
        assert not first.reader.at_eof()
        assert not second.reader.at_eof()


async def test_an_address_with_many_unfinished_requests_has_less_time_for_more(nats_server, names):
    settings = {"head_seconds": 60.0, "max_unfinished_per_address": 5}
    async with run_server(nats_server.url, names.namespace, "direct", **settings) as server:
        clients = [await server.connect() for _ in range(50)]
        await until(lambda: sum(client.reader.at_eof() for client in clients) == 45)
        assert server.refused == {"silent": 45}
        got = await server.exchange(START + b"Connection: close\r\n\r\n")
        assert statuses(got) == [404]


@pytest.fixture(params=["direct", "plain"])
async def streaming(request, nats_server, connection, names):
    """A client that streams a task, behind whose request something is sent; and the server."""
    bucket = await connection.client.jetstream().key_value(names.kinds_bucket)
    await bucket.put("echo", msgspec.json.encode(KindRecord(kind="echo", params={"type": "object"})))
    async with run_server(nats_server.url, names.namespace, request.param, heartbeat_seconds=0.2, **HASTY) as server:

        async def open_stream(behind):
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as http:
                task = (await http.post("/api/v1/tasks", json={"kind": "echo"})).json()["task"]
            client = await server.connect()
            head = f"GET /api/v1/tasks/{task}/stream HTTP/1.1\r\nHost: localhost\r\n".encode()
            await client.send(head + behind)
            await client.reader.readuntil(b"event: hello")
            return client

        yield server, open_stream


UNFINISHED = [b"Content-Length: 9\r\n\r\nx", b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", b"\r\n" + START]


@pytest.mark.parametrize("behind", UNFINISHED, ids=["length", "chunks", "request"])
async def test_what_does_not_come_behind_the_request_of_a_stream_does_not_end_it(streaming, behind):
    server, open_stream = streaming
    client = await open_stream(behind)
    await until(lambda: server.unfinished == 0)
    for _ in range(5):
        await client.reader.readuntil(b":\n")  # heartbeats continue
    assert b"HTTP/1.1" not in client.reader._buffer


async def test_nonsense_behind_the_request_of_a_stream_is_not_answered_within_it(streaming):
    _, open_stream = streaming
    client = await open_stream(b"\r\n")
    await client.send(b"nonsense\r\n\r\n" * 10)
    for _ in range(5):
        assert b"HTTP/1.1" not in await client.reader.readuntil(b":\n")


async def test_a_flood_behind_the_request_of_a_stream_ends_it(streaming):
    server, open_stream = streaming
    for behind in (b"\r\n", b"Content-Length: 1000000000\r\n\r\n"):
        client = await open_stream(behind)
        assert await client.flood(LONG, FLOOD_BYTES) < FLOOD_BYTES
        await until(lambda: server.components.admission.count == 0)
