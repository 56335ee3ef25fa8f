"""The minimal HTTP server of the ops port, without a socket."""

import asyncio

import pytest

from headway_processor import ops
from headway_processor.ops import MAX_REQUEST_BYTES, Response

ROUTES = {"/livez": lambda query: Response(200, f"alive {query}\n".encode())}


async def respond(request):
    reader = asyncio.StreamReader(limit=MAX_REQUEST_BYTES)
    reader.feed_data(request)
    reader.feed_eof()
    head, _, body = (await ops._respond(reader, ROUTES)).partition(b"\r\n\r\n")
    return head.decode().splitlines(), body


@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [
        ("GET /livez HTTP/1.1", "200 OK", b"alive \n"),
        ("GET /livez?verbose HTTP/1.1", "200 OK", b"alive verbose\n"),
        ("HEAD /livez HTTP/1.1", "200 OK", b""),
        ("GET /other HTTP/1.1", "404 Not Found", b"not found\n"),
        ("POST /livez HTTP/1.1", "405 Method Not Allowed", b"use GET\n"),
        ("GET /livez", "400 Bad Request", b"bad request\n"),
        ("GET /" + "x" * MAX_REQUEST_BYTES + " HTTP/1.1", "400 Bad Request", b"bad request\n"),
    ],
)
async def test_a_request_is_answered(request_line, status, body):
    head, got = await respond(f"{request_line}\r\nHost: x\r\n\r\n".encode())
    assert (head[0], got) == (f"HTTP/1.1 {status}", body)
    assert "Connection: close" in head


@pytest.mark.parametrize("request_bytes", [b"", b"GET /livez HTTP/1.1\r\n", b"\xff\xff\r\n\r\n"])
async def test_what_is_not_a_request_is_refused(request_bytes):
    head, _ = await respond(request_bytes)
    assert head[0] == "HTTP/1.1 400 Bad Request"


async def test_the_length_of_a_head_is_that_of_its_body():
    head, _ = await respond(b"HEAD /livez HTTP/1.1\r\n\r\n")
    assert "Content-Length: 7" in head
