"""What the fast path out leans on in uvicorn. A failure here: read what changed, then correct `wire.py` or the pin."""

import hashlib
import inspect

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from headway_streamer.wire import EXTENSION, WireProtocol

PINS = {
    RequestResponseCycle.run_asgi: "0f33f2449a444bc2",
    RequestResponseCycle.send: "abdd8601b326a8da",
    HttpToolsProtocol.connection_lost: "c91a4c9bf2e29c55",
    HttpToolsProtocol.data_received: "010a7ae59a5d3b1a",
    HttpToolsProtocol.on_message_begin: "96d377fdc7c2baef",
    HttpToolsProtocol.on_headers_complete: "1ea8589acfad92d8",
    HttpToolsProtocol.on_response_complete: "64e254f28e389e76",
    HttpToolsProtocol.shutdown: "d7351fa33f00d430",
    HttpToolsProtocol.pause_writing: "17a8fd215d96a13c",
    HttpToolsProtocol.resume_writing: "7844bbaa8cceb1ef",
}


@pytest.mark.parametrize("function", PINS, ids=lambda f: f.__qualname__)
def test_uvicorn_is_as_it_was_when_the_wire_was_written(function):
    assert hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:16] == PINS[function]


def test_the_stream_and_the_wire_agree_on_the_extension():
    from headway_streamer import stream

    assert stream.EXTENSION == EXTENSION
    assert issubclass(WireProtocol, HttpToolsProtocol)
