"""Event streams as HTTP responses, by plain ASGI and on a connection that can be detached."""

import asyncio

import pytest

from headway_streamer.http.event_stream import EXTENSION, EventStreams
from headway_streamer.watch.admission import StreamRequest
from tests.unit.streamer.conftest import completed, parse, ticks

pytestmark = pytest.mark.looptime


class Connection:
    """A double of the detachable protocol."""

    def __init__(self, *, alone=True, detachable=True):
        self.alone = alone
        self.detachable = detachable
        self.writable = True
        self.unsent_bytes = 0
        self.written = b""
        self.ended = self.aborted = False

    def detach(self, on_lost, on_writable):
        return self.detachable

    def write(self, chunks):
        self.written += chunks

    def end(self):
        self.ended = True

    def abort(self):
        self.aborted = True


class Exchange:
    """One request by ASGI."""

    def __init__(self, connection=None, *, direct=True):
        self.scope = {"type": "http", "extensions": {} if connection is None else {EXTENSION: connection}}
        self.direct = direct
        self.sent = []
        self.left = asyncio.Event()
        self.full = False

    async def receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if self.full and message["type"] == "http.response.body":
            await asyncio.Event().wait()
        self.sent.append(message)

    async def run(self, parts, task="t1", **options):
        streams = EventStreams(parts.admission, parts.presence, parts.idle_timer, direct=self.direct)
        response = await streams.open(StreamRequest((task,), **options))
        await response.to_asgi_response(None, None)(self.scope, self.receive, self.send)

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.sent)


async def test_a_stream_is_sent_by_asgi_to_its_end(parts):
    await parts.write("t1", *ticks(1, 1), completed())
    exchange = Exchange()
    await exchange.run(parts)
    assert [block.event for block in parse(exchange.body)] == ["hello", "message", "message"]
    assert (exchange.sent[-1]["more_body"], parts.admission.count) == (False, 0)


async def test_a_client_that_leaves_ends_its_stream(parts):
    await parts.write("t1", *ticks(1, 1))
    exchange = Exchange()
    asyncio.get_running_loop().call_later(5, exchange.left.set)
    await exchange.run(parts)
    assert (parts.admission.count, parts.counted("streams_closed_total", reason="left")) == (0, 1)


async def test_a_cancelled_response_releases_its_stream(parts):
    await parts.write("t1", *ticks(1, 1))
    running = asyncio.ensure_future(Exchange().run(parts))
    await asyncio.sleep(1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert parts.admission.count == 0


@pytest.mark.parametrize("connection", [None, Connection(alone=False)], ids=["plain", "pipelined"])
async def test_a_client_that_accepts_no_byte_is_closed_at_the_deadline(parts, connection):
    await parts.write("t1", *ticks(1, 1))
    exchange = Exchange(connection)
    exchange.full = True
    await exchange.run(parts)
    assert (parts.metrics.deadlines, parts.admission.count) == (1, 0)
    assert connection is None or connection.aborted


async def test_a_connection_that_can_be_detached_is_written_to_directly(parts):
    await parts.write("t1", completed())
    connection, exchange = Connection(), Exchange()
    exchange = Exchange(connection)
    await exchange.run(parts)
    assert (b"connection", b"close") in exchange.sent[0]["headers"]
    await asyncio.sleep(1)
    assert (len(exchange.sent), connection.ended, parts.admission.count) == (1, True, 0)
    assert b"completed" in connection.written


@pytest.mark.parametrize(
    ("connection", "direct"), [(Connection(detachable=False), True), (Connection(), False)], ids=["refuses", "off"]
)
async def test_a_connection_that_is_not_detached_is_served_by_asgi(parts, connection, direct):
    await parts.write("t1", completed())
    exchange = Exchange(connection, direct=direct)
    await exchange.run(parts)
    assert (connection.written, b"completed" in exchange.body) == (b"", True)


async def test_a_rejection_ends_at_once(parts):
    parts.drain.begin()
    exchange = Exchange(Connection())
    await exchange.run(parts)
    assert [block.data for block in parse(exchange.body)] == [{"reason": "drain"}]
