"""Uploads of the clients: paths and open files, in pieces, and what is sent of them."""

import io
import os

import httpx
import pytest

from headway.client import Client, ClientError, SyncClient
from headway.client import upload as module

STORED = {"file": "f1", "name": "a.csv", "bytes": 10, "sha256": "00", "content_type": "text/csv", "created": 1.0} | {
    "expires": 2.0
}


class Server:
    """Takes files, after so many refusals."""

    def __init__(self, refusals=0):
        self.refusals = refusals
        self.requests, self.bodies = [], []

    def __call__(self, request):
        self.requests.append(request)
        self.bodies.append(request.read())
        return self.answer()

    async def later(self, request):
        self.requests.append(request)
        self.bodies.append(await request.aread())
        return self.answer()

    def answer(self):
        if self.refusals:
            self.refusals -= 1
            return httpx.Response(503, json={"title": "away"}, headers={"Retry-After": "0"})
        return httpx.Response(201, json=STORED)


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PIECE_BYTES", 4)
    path = tmp_path / "ä b.csv"
    path.write_bytes(b"0123456789")
    return path


async def test_a_path_is_sent_in_pieces_with_its_name_type_and_length(table):
    server, sent = Server(), []
    async with Client(transport=httpx.MockTransport(server.later)) as client:
        stored = await client.upload(table, on_sent=lambda *counts: sent.append(counts))
    assert (stored.file, stored.bytes) == ("f1", 10)
    assert (server.bodies, sent) == ([b"0123456789"], [(4, 10), (8, 10), (10, 10)])
    headers = server.requests[0].headers
    assert (headers["content-type"], headers["content-length"]) == ("text/csv", "10")
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%A4%20b.csv"
    assert "transfer-encoding" not in headers


def test_the_other_client_does_the_same(table):
    server = Server()
    with SyncClient(transport=httpx.MockTransport(server)) as client, table.open("rb") as file:
        file.read(2)
        assert client.upload(file, name="b.bin", content_type="x/y").file == "f1"
    assert (server.bodies, server.requests[0].headers["content-length"]) == ([b"23456789"], "8")
    assert (server.requests[0].headers["content-type"]) == "x/y"


async def test_a_path_is_sent_again_after_a_refusal_and_a_stream_is_not(table, monkeypatch):
    server = Server(refusals=1)
    async with Client(transport=httpx.MockTransport(server.later)) as client:
        assert (await client.upload(str(table))).file == "f1"
        assert server.bodies == [b"0123456789"] * 2
        server.refusals = 1
        with pytest.raises(ClientError, match="away"):
            await client.upload(io.BytesIO(b"x"))


async def test_what_has_no_length_is_sent_in_chunks():
    server = Server()
    async with Client(transport=httpx.MockTransport(server.later)) as client:
        await client.upload(io.BytesIO(b"x"))
        reading, writing = os.pipe()
        os.write(writing, b"piped")
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            await client.upload(pipe, name="p")
    assert server.bodies == [b"x", b"piped"]
    assert all("content-length" not in request.headers for request in server.requests)


async def test_a_path_that_cannot_be_read_and_a_strange_answer_are_named(tmp_path):
    transport = httpx.MockTransport(lambda _: httpx.Response(201, json={"file": 3}))
    async with Client(transport=transport) as client:
        with pytest.raises(ClientError, match=r"absent.csv: No such file"):
            await client.upload(tmp_path / "absent.csv")
        with pytest.raises(ClientError, match="did not answer a file"):
            await client.upload(io.BytesIO(b"x"))
