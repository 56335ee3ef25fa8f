"""Uploads to a real streamer on a real NATS: large ones, ones that are cut, and ones that are refused early."""

import asyncio
import hashlib
import os
from urllib.parse import urlsplit

import pytest

from headway_streamer.files.uploads import UPLOAD_SECONDS
from headway_streamer.process import bounded_protocol
from tests.fixtures.condition import until
from tests.fixtures.http import run_streamer

CSV = {"Content-Type": "text/csv"}
MIB = 1024 * 1024


async def pieces(content, size=100_003):
    for start in range(0, len(content), size):
        yield content[start : start + size]


class Raw:
    """A connection on which a test sends what it wants."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, streamer, head):
        address = urlsplit(streamer.url)
        made = cls(*await asyncio.open_connection(address.hostname, address.port))
        made.writer.write(f"{head}\r\nHost: localhost\r\nContent-Type: text/csv\r\n".encode())
        return made

    async def answer(self):
        try:
            return await asyncio.wait_for(self.reader.read(), 20)
        finally:
            self.writer.close()


async def files(streamer):
    """The records that count, whole or not."""
    await streamer.components.file_index.refresh()
    return list(streamer.components.file_index._records.values())


@pytest.mark.parametrize("known", [True, False], ids=["content-length", "chunked"])
async def test_a_large_file_arrives_as_it_was_sent(nats_server, names, known):
    content = os.urandom(5 * MIB + 7)
    async with run_streamer(nats_server.url, names.namespace, max_body_bytes=1000, body_seconds=20) as streamer:
        body = content if known else pieces(content)
        answer = await streamer.http.post("/api/v1/files?name=a.csv", content=body)
        shown = answer.json()
        assert (answer.status_code, shown["bytes"]) == (201, len(content))
        assert shown["sha256"] == hashlib.sha256(content).hexdigest()
        path = answer.headers["location"]
        assert (await streamer.http.get(f"{path}/content")).content == content
        head = await streamer.http.head(f"{path}/content")
        assert (head.content, head.headers["content-length"]) == (b"", str(len(content)))
        assert (await streamer.http.delete(path)).status_code == 202
        assert await files(streamer) == []


@pytest.mark.security
async def test_an_upload_that_is_cut_leaves_nothing_that_counts(nats_server, names):
    async with run_streamer(nats_server.url, names.namespace) as streamer:
        raw = await Raw.open(streamer, "POST /api/v1/files HTTP/1.1")
        raw.writer.write(b"Content-Length: 10000000\r\n\r\n" + b"x" * MIB)

        async def counted():
            return [record.bytes for record in await files(streamer)]

        await until(counted)
        assert await counted() == [10_000_000]
        (record,) = await files(streamer)
        assert record.expires - record.created == pytest.approx(UPLOAD_SECONDS, abs=1)
        raw.writer.transport.abort()

        async def gone():
            return await counted() == []

        await until(gone)
        assert (await streamer.components.files.get(record.file)).deleted


@pytest.mark.security
@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("Content-Length: 3000000\r\n", b"413"),
        ("Transfer-Encoding: chunked\r\nContent-Digest: nonsense\r\n", b"400"),
        ("Content-Length: 900000\r\nOrigin: https://evil.example\r\n", b"403"),
    ],
    ids=["too large", "bad header", "foreign page"],
)
async def test_a_request_is_refused_before_its_body_is_sent(nats_server, names, head, status):
    async with run_streamer(nats_server.url, names.namespace, max_file_bytes=2_000_000) as streamer:
        raw = await Raw.open(streamer, "POST /api/v1/files HTTP/1.1")
        raw.writer.write(f"{head}\r\n".encode())
        beginning = await asyncio.wait_for(raw.reader.readuntil(b"\r\n"), 20)
        assert beginning.split()[1] == status
        piece = b"x" * 100_000 if b"Length" in head.encode() else b"186a0\r\n" + b"x" * 100_000 + b"\r\n"
        raw.writer.write(piece)  # whoever sends on finds the connection closed
        assert b"application/problem+json" in await raw.answer()
        assert await files(streamer) == []


@pytest.mark.security
async def test_an_upload_may_take_its_time_but_must_not_stand_still(nats_server, names, monkeypatch):
    monkeypatch.setattr(bounded_protocol, "MIN_UPLOAD_BYTES", 1000)
    async with run_streamer(nats_server.url, names.namespace, body_seconds=1.0) as streamer:
        protocol_due = streamer.components.idle_timer.requests

        async def due():
            return next((one.due_at for one in protocol_due if one._uploads), 0.0)

        raw = await Raw.open(streamer, "POST /api/v1/files HTTP/1.1")
        raw.writer.write(b"Content-Length: 10000000\r\n\r\nx")
        seen = set()
        while len(seen) < 3:  # its time was prolonged twice
            seen.add(await due())
            raw.writer.write(b"x" * 1000)
            await asyncio.sleep(0.05)
        assert (await raw.answer()).split()[1] == b"408"
        await until(lambda: "body_time" in streamer.components.metrics._refused)

        async def gone():
            return await files(streamer) == []

        await until(gone)


@pytest.mark.security
async def test_more_than_announced_raw_bytes_of_a_chunked_file_are_refused(nats_server, names):
    async with run_streamer(nats_server.url, names.namespace, max_file_bytes=100_000) as streamer:
        answer = await streamer.http.post("/api/v1/files", content=pieces(b"x" * 300_000, 50_000), headers=CSV)
        assert (answer.status_code, "HEADWAY_STREAMER_MAX_FILE_BYTES" in answer.json()["detail"]) == (413, True)
        assert await files(streamer) == []
