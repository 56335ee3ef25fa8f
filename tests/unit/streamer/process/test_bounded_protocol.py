"""The bounds of requests in the protocol. Real sockets: tests/integration/test_request_bounds.py."""

import asyncio

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from headway_streamer.process.bounded_protocol import LINGER_BYTES, LINGER_SECONDS, MAX_PIPELINED, BoundedProtocol
from tests.fixtures.pins import fingerprint
from tests.fixtures.protocol import connect, unfinished_requests

pytestmark = pytest.mark.security

PINS = {
    HttpToolsProtocol.connection_made: "6efb565ff3d36b91",
    HttpToolsProtocol.connection_lost: "c91a4c9bf2e29c55",
    HttpToolsProtocol.data_received: "010a7ae59a5d3b1a",
    HttpToolsProtocol.on_message_begin: "96d377fdc7c2baef",
    HttpToolsProtocol.on_url: "37be44e962b04ca8",
    HttpToolsProtocol.on_headers_complete: "1ea8589acfad92d8",
    HttpToolsProtocol.on_body: "dba9c32aeba35b6a",
    HttpToolsProtocol.on_message_complete: "1fbad42dc31fc01f",
    HttpToolsProtocol.on_response_complete: "64e254f28e389e76",
    RequestResponseCycle.send: "abdd8601b326a8da",
    RequestResponseCycle.receive: "8124ae006be71184",
}
"""What of uvicorn the bounds rely on."""


@pytest.mark.parametrize("function", PINS, ids=lambda f: f.__qualname__)
def test_uvicorn_is_as_it_was_when_it_was_pinned(function):
    assert fingerprint(function) == PINS[function]


GET = b"GET / HTTP/1.1\r\nhost: h\r\n"
POST = b"POST / HTTP/1.1\r\nhost: h\r\n"


class Application:
    """Reads the body, and answers when the test says so."""

    def __init__(self):
        self.scopes, self.messages = [], []
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, scope, receive, send):
        self.scopes.append(scope)
        more = scope["method"] == "POST"
        while more:
            self.messages.append(await receive())
            more = self.messages[-1].get("more_body", False)
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok", "more_body": False})


@pytest.fixture
def application():
    return Application()


async def settle(protocol):
    while protocol.tasks:
        await asyncio.gather(*protocol.tasks)


def statuses(transport):
    return [int(part[:3]) for part in transport.written.split(b"HTTP/1.1 ")[1:] if part[:3].isdigit()]


async def test_a_whole_request_is_answered_and_leaves_the_timer(application):
    protocol, transport = connect(BoundedProtocol, application)
    assert protocol.requests._requests == {protocol}
    for byte in GET + b"\r\n":
        protocol.data_received(bytes([byte]))
    assert protocol.requests._requests == set()
    await settle(protocol)
    assert statuses(transport) == [200]


async def test_a_request_that_is_refused_is_not_started_and_the_rest_is_thrown_away(application):
    protocol, transport = connect(BoundedProtocol, application, unfinished_requests(max_headers=1))
    protocol.data_received(GET + b"a: 1\r\n\r\n")
    protocol.data_received(GET + b"\r\n")
    await settle(protocol)
    assert (application.scopes, statuses(transport), transport.calls) == ([], [431], ["write_eof"])
    protocol.data_received(bytes(LINGER_BYTES))
    assert transport.calls[-1] == "abort"


async def test_a_refused_client_that_stays_is_cut_off(application):
    protocol, transport = connect(BoundedProtocol, application)
    begun = asyncio.get_running_loop().time()
    protocol.data_received(b"nonsense\r\n\r\n")
    assert protocol.due_at >= begun + LINGER_SECONDS
    protocol.on_due(protocol.due_at)
    assert (transport.calls, protocol.requests._requests) == (["write_eof", "abort"], set())


async def test_trailers_are_not_headers(application):
    protocol, _ = connect(BoundedProtocol, application)
    protocol.data_received(POST + b"transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx-user: somebody\r\n\r\n")
    await settle(protocol)
    assert b"x-user" not in dict(application.scopes[0]["headers"])
    assert application.messages[-1]["more_body"] is False


async def test_a_request_to_upgrade_is_answered_and_the_connection_closed(application):
    protocol, transport = connect(BoundedProtocol, application)
    protocol.data_received(GET + b"connection: upgrade\r\nupgrade: h2c\r\n\r\n" + GET + b"\r\n")
    await settle(protocol)
    assert statuses(transport) == [200]
    assert b"connection: close" in transport.written
    assert transport.calls == ["close"]


async def test_the_application_learns_that_the_body_does_not_come(application):
    protocol, transport = connect(BoundedProtocol, application)
    protocol.data_received(POST + b"content-length: 2\r\n\r\nx")
    await asyncio.sleep(0)
    protocol.on_due(protocol.due_at)
    await settle(protocol)
    assert application.messages[-1] == {"type": "http.disconnect"}
    assert statuses(transport) == [408]


async def test_a_late_request_behind_a_running_one_waits_for_its_answer(application):
    application.go.clear()
    protocol, transport = connect(BoundedProtocol, application)
    protocol.data_received(GET + b"\r\n" + GET)
    protocol.on_due(protocol.due_at)
    assert (transport.written, transport.calls) == (b"", [])
    application.go.set()
    await settle(protocol)
    assert (statuses(transport), transport.calls) == ([200], ["close"])


async def test_a_body_behind_a_running_request_that_does_not_come_ends_the_connection(application):
    application.go.clear()
    protocol, transport = connect(BoundedProtocol, application)
    protocol.data_received(GET + b"\r\n" + POST + b"content-length: 2\r\n\r\nx")
    protocol.on_due(protocol.due_at)
    assert transport.calls == ["pause_reading"]  # it is the server that does not read
    protocol.flow.resume_reading()
    protocol.on_due(protocol.due_at)
    assert transport.calls == ["pause_reading", "resume_reading", "abort"]
    protocol.connection_lost(None)
    application.go.set()
    await settle(protocol)


async def test_a_body_that_is_still_sent_after_the_answer_is_cut_off(application):
    protocol, transport = connect(BoundedProtocol, application)
    protocol.data_received(GET + b"content-length: 9\r\n\r\nx")
    await settle(protocol)
    protocol.on_due(protocol.due_at)
    assert (statuses(transport), transport.calls) == ([200], ["write_eof"])


async def test_a_body_that_does_not_come_leaves_a_response_that_has_begun(application):
    protocol, transport = connect(BoundedProtocol, application)
    protocol.data_received(GET + b"content-length: 9\r\n\r\nx")
    protocol.cycle.response_started = True
    protocol.on_due(protocol.due_at)
    assert (transport.written, transport.calls, protocol.cycle.keep_alive) == (b"", [], False)
    protocol.cycle.response_started = False
    await settle(protocol)


@pytest.mark.parametrize("count", [MAX_PIPELINED + 1, MAX_PIPELINED + 50])
async def test_pipelined_requests_are_bounded(application, count):
    protocol, transport = connect(BoundedProtocol, application)
    protocol.data_received((GET + b"\r\n") * (count + 1))
    await settle(protocol)
    assert len(statuses(transport)) == MAX_PIPELINED + 1
    assert transport.calls[-1] == "close"


async def test_a_connection_above_the_number_of_its_address_is_aborted(application):
    requests = unfinished_requests(max_connections_per_address=1)
    first, kept = connect(BoundedProtocol, application, requests)
    other, _ = connect(BoundedProtocol, application, requests, address="192.0.2.2")
    second, transport = connect(BoundedProtocol, application, requests)
    assert (kept.calls, transport.calls) == ([], ["abort"])
    second.data_received(GET + b"\r\n")
    second.connection_lost(None)
    assert application.scopes == []
    assert requests._requests == {first, other}
    assert connect(BoundedProtocol, application, requests)[1].calls == ["abort"]
