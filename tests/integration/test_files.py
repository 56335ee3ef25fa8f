"""Uploads to a real streamer on a real NATS: large ones, ones that are cut, and ones that are refused early."""

import asyncio
import hashlib
import os
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import msgspec
import pytest

from headway import File, Job, task
from headway.eventlog.jetstream_log import JetStreamLog
from headway.jetstream.connection import NatsSettings
from headway.jetstream.file_store import FileStore
from headway.jetstream.job_queue import JetStreamJobQueue
from headway.jetstream.purge import Purger
from headway.kind import Registry
from headway.records import JobMessage
from headway_kinds.bulk.kind import BulkParams, bulk
from headway_kinds.settings import Settings as KindSettings
from headway_processor.app import Processor
from headway_processor.deletion.file_remover import FileRemover
from headway_processor.settings import Settings
from headway_streamer.access.settings import AccessSettings
from headway_streamer.files.uploads import UPLOAD_SECONDS
from headway_streamer.process import bounded_protocol
from tests.fixtures import tokens
from tests.fixtures.condition import until
from tests.fixtures.http import run_streamer
from tests.fixtures.tokens import live_token

pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
ACCESS = AccessSettings(access="jwt", jwt_secret=tokens.SECRET, jwt_issuer=tokens.ISSUER)

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


@asynccontextmanager
async def processor(nats_server, names):
    """A processor with the kind `bulk`, and one that reads a file in a thread."""
    kinds = Registry()

    class Params(msgspec.Struct):
        table: File

    @task("size", registry=kinds)
    def size(job: Job, params: Params):
        with job.open(params.table) as stream:
            return sum(len(part) for part in iter(lambda: stream.read(100_000), b""))

    @task("profile", registry=kinds)
    async def profile(job: Job, params: BulkParams):
        return await bulk(job, params, KindSettings())

    settings = Settings(ops_port=0, concurrency=4)
    running = Processor(settings, NatsSettings(url=nats_server.url, namespace=names.namespace), kinds)
    root = asyncio.create_task(running.run())
    try:
        await until(lambda: running.ready, 30)
        yield running
    finally:
        running.stop()
        await root


async def ended(streamer, task, **options):
    async def state():
        found = (await streamer.http.get(f"/api/v1/tasks/{task}", **options)).json()["state"]
        return found if found["status"] in ("completed", "error") else None

    await until(state, 30)
    return await state()


@pytest.mark.security
async def test_a_task_reads_the_file_of_its_owner_and_no_other(nats_server, names, connection):
    table = b"a;b\n" + b"1;2\n" * 50_000
    scope = "tasks:submit tasks:read files:read files:write"
    ann, bob = ({"Authorization": f"Bearer {live_token(sub=sub, scope=scope)}"} for sub in ("ann", "bob"))
    async with (
        processor(nats_server, names),
        run_streamer(nats_server.url, names.namespace, access=ACCESS) as streamer,
    ):
        uploaded = await streamer.http.post("/api/v1/files?name=t.csv", content=table, headers=CSV | ann)
        file = uploaded.json()["file"]

        async def submit(kind, params, who):
            return await streamer.http.post("/api/v1/tasks", json={"kind": kind, "params": params}, headers=who)

        size = (await submit("size", {"table": file}, ann)).json()["task"]
        assert (await ended(streamer, size, headers=ann))["data"] == len(table)
        profile = (await submit("profile", {"file": file}, ann)).json()["task"]
        report = (await ended(streamer, profile, headers=ann))["data"]
        assert (report["source"], report["rows"]) == ("t.csv", 50_000)

        stolen, absent = await submit("size", {"table": file}, bob), await submit("size", {"table": "absent"}, bob)
        assert (stolen.status_code, stolen.json()) == (422, absent.json())
        for path in ("", "/content"):
            assert (await streamer.http.get(f"/api/v1/files/{file}{path}", headers=bob)).status_code == 404
        # A job that no streamer has checked.
        job = JobMessage(task="forged", kind="size", params=msgspec.Raw(b'{"table":"%b"}' % file.encode()), owner="bob")
        await JetStreamJobQueue(connection.client, names).put(job)
        log = JetStreamLog(connection.client, names)

        async def refused():
            stored = await log.last("forged")
            return stored is not None and b"FileMissing" in stored.payload

        await until(refused, 30)

        assert (await streamer.http.delete(f"/api/v1/files/{file}", headers=ann)).status_code == 202
        again = await streamer.http.post(f"/api/v1/tasks/{size}/retry", json={}, headers=ann)
        assert again.status_code == 422
        state = f"OBJ_{names.files_bucket}"

        async def empty():
            return (await connection.client.jetstream().stream_info(state)).state.messages == 0

        await FileRemover(FileStore(connection.client, names), Purger(connection.client).purge).remove_due()
        await until(empty)
