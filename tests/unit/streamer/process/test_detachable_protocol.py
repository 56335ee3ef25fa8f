"""The private parts of uvicorn that the direct writes rely on. After a failure: read what changed, correct the pin."""

import asyncio

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from headway_streamer.process.detachable_protocol import EXTENSION, DetachableProtocol
from tests.fixtures.pins import fingerprint
from tests.fixtures.protocol import Transport, connect

PINS = {
    RequestResponseCycle.run_asgi: "0f33f2449a444bc2",
    RequestResponseCycle.send: "abdd8601b326a8da",
    HttpToolsProtocol.connection_lost: "c91a4c9bf2e29c55",
    HttpToolsProtocol.on_message_begin: "96d377fdc7c2baef",
    HttpToolsProtocol._start_asgi_task: "9c08c2571ae9b038",
    HttpToolsProtocol.shutdown: "d7351fa33f00d430",
    HttpToolsProtocol.pause_writing: "17a8fd215d96a13c",
    HttpToolsProtocol.resume_writing: "7844bbaa8cceb1ef",
}


@pytest.mark.parametrize("function", PINS, ids=lambda f: f.__qualname__)
def test_uvicorn_is_as_it_was_when_it_was_pinned(function):
    assert fingerprint(function) == PINS[function]


def test_event_streams_and_the_protocol_agree_on_the_extension():
    from headway_streamer.http import event_stream

    assert event_stream.EXTENSION == EXTENSION
    assert issubclass(DetachableProtocol, HttpToolsProtocol)


async def starts(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    protocol = scope["extensions"][EXTENSION]
    scope["state"]["seen"].append(protocol)
    assert protocol.detach(lambda _: None, protocol.app_state["writable"].append)
    protocol.write(b"1\r\nx\r\n")


async def connected() -> tuple[DetachableProtocol, Transport]:
    """A connection on which a stream was started and detached."""
    seen: list[DetachableProtocol] = []
    protocol, transport = connect(DetachableProtocol, starts, state={"seen": seen, "writable": []})
    protocol.data_received(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n")
    await asyncio.gather(*protocol.tasks)
    assert seen == [protocol]
    return protocol, transport


async def test_a_detached_connection_is_written_to_and_ended():
    protocol, transport = await connected()
    protocol.end()
    assert transport.written.endswith(b"\r\n\r\n1\r\nx\r\n0\r\n\r\n")


async def test_a_detached_connection_keeps_its_keys_shared_and_nothing_of_the_request():
    """CPython shares the keys of at most 30 attributes among the instances of a class (SHARED_KEYS_MAX_SIZE)."""
    protocol, _ = await connected()
    assert len(vars(protocol)) <= 30
    kept = {name for name, value in vars(protocol).items() if value is not None}
    assert not kept & {"cycle", "scope", "headers", "parser", "flow", "client", "server"}


async def test_a_detached_connection_still_reports_when_it_is_full_and_when_it_is_lost():
    protocol, _ = await connected()
    protocol.pause_writing()
    assert not protocol.writable
    protocol.resume_writing()
    assert protocol.writable
    protocol.connection_lost(None)
    assert protocol.app_state["writable"] == [False, True, False]
    assert protocol not in protocol.connections


class Application:
    """An application that starts its response and waits for what the test says."""

    def __init__(self):
        self.connection = None
        self.messages = []
        self.go = asyncio.Event()
        self.pieces = [b"one", b"two"]

    async def __call__(self, scope, receive, send):
        self.connection = scope["extensions"][EXTENSION]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.go.wait()
        for piece in self.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        self.messages.append(await receive())


@pytest.fixture
def application():
    return Application()


async def requested(application, version="1.1", *, requests=1):
    protocol, transport = connect(DetachableProtocol, application)
    protocol.data_received(b"GET / HTTP/%s\r\nhost: h\r\n\r\n" % version.encode() * requests)
    while application.connection is None:
        await asyncio.sleep(0)
    return protocol, transport


async def finished(protocol):
    await asyncio.gather(*protocol.tasks)


async def test_a_client_of_http_1_0_gets_a_body_without_chunks(application):
    protocol, transport = await requested(application, "1.0")
    application.go.set()
    await finished(protocol)
    assert transport.written.endswith(b"\r\n\r\nonetwo")
    assert b"chunked" not in transport.written


async def test_a_connection_with_another_request_is_not_detached(application):
    protocol, _ = await requested(application, requests=2)
    assert not protocol.alone
    assert not protocol.detach(print, print)
    application.go.set()
    await finished(protocol)
    while protocol.tasks:
        await finished(protocol)


async def test_the_running_request_learns_of_a_disconnect_behind_which_another_waits(application):
    protocol, _ = await requested(application, requests=2)
    protocol.connection_lost(None)
    application.go.set()
    await finished(protocol)
    assert application.messages == [{"type": "http.disconnect"}]


async def test_a_connection_that_is_not_detached_is_paused_and_aborted_by_uvicorn(application, monkeypatch):
    protocol, transport = await requested(application)
    aborted = []
    monkeypatch.setattr(transport, "abort", lambda: aborted.append(True), raising=False)
    monkeypatch.setattr(transport, "get_write_buffer_size", lambda: 7, raising=False)
    protocol.pause_writing()
    assert (protocol.writable, protocol.flow.write_paused, protocol.unsent_bytes) == (False, True, 7)
    protocol.resume_writing()
    assert (protocol.writable, protocol.flow.write_paused) == (True, False)
    protocol.abort()
    assert aborted == [True]
    application.go.set()
    await finished(protocol)


async def test_a_detached_connection_ignores_bytes_and_reports_its_loss_once():
    protocol, _ = await connected()
    lost = []
    protocol._on_lost = lost.append
    protocol.data_received(b"GET / HTTP/1.1\r\n\r\n")
    assert protocol.requests._requests == set()
    error = TimeoutError()
    protocol.connection_lost(error)
    await asyncio.sleep(0)
    assert lost == [error]
