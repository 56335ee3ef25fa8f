"""The private parts of uvicorn that the direct writes rely on. After a failure: read what changed, correct the pin."""

import asyncio
import hashlib
import inspect

import pytest
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from headway_streamer.process.detachable_protocol import EXTENSION, DetachableProtocol
from headway_streamer.process.server import backstop_ms

PINS = {
    RequestResponseCycle.run_asgi: "0f33f2449a444bc2",
    RequestResponseCycle.send: "abdd8601b326a8da",
    HttpToolsProtocol.connection_lost: "c91a4c9bf2e29c55",
    HttpToolsProtocol.data_received: "010a7ae59a5d3b1a",
    HttpToolsProtocol.on_message_begin: "96d377fdc7c2baef",
    HttpToolsProtocol._start_asgi_task: "9c08c2571ae9b038",
    HttpToolsProtocol.on_headers_complete: "1ea8589acfad92d8",
    HttpToolsProtocol.on_response_complete: "64e254f28e389e76",
    HttpToolsProtocol.shutdown: "d7351fa33f00d430",
    HttpToolsProtocol.pause_writing: "17a8fd215d96a13c",
    HttpToolsProtocol.resume_writing: "7844bbaa8cceb1ef",
}


@pytest.mark.parametrize("function", PINS, ids=lambda f: f.__qualname__)
def test_uvicorn_is_as_it_was_when_it_was_pinned(function):
    assert hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:16] == PINS[function]


def test_event_streams_and_the_protocol_agree_on_the_extension():
    from headway_streamer.http import event_stream

    assert event_stream.EXTENSION == EXTENSION
    assert issubclass(DetachableProtocol, HttpToolsProtocol)


class Transport(asyncio.Transport):
    """Keeps what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def starts(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    protocol = scope["extensions"][EXTENSION]
    scope["state"]["seen"].append(protocol)
    assert protocol.detach(lambda _: None, protocol.app_state["writable"].append)
    protocol.write(b"1\r\nx\r\n")


async def connected() -> tuple[DetachableProtocol, Transport]:
    """A connection on which a stream was started and detached."""
    seen: list[DetachableProtocol] = []
    config = Config(starts, interface="asgi3", http=DetachableProtocol, lifespan="off", log_config=None)
    protocol = DetachableProtocol(config, ServerState(), {"seen": seen, "writable": []}, asyncio.get_running_loop())
    transport = Transport()
    protocol.connection_made(transport)
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


@pytest.mark.parametrize("deadline", [0.5, 30.0])
def test_the_kernel_times_out_a_peer_later_than_any_writer_does(deadline):
    assert backstop_ms(deadline) > 2 * deadline * 1000
