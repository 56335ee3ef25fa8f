"""Both ways out, direct writes and plain ASGI, keep the same promises."""

import asyncio
import json

import pytest

from headway.eventlog.chain import Chain, read_head
from headway.events import Chunk, LogLine
from headway.testing import progress
from tests.fixtures.condition import until
from tests.fixtures.http import run_streamer
from tests.fixtures.sse import Reader


@pytest.fixture(params=[True, False], ids=["direct", "asgi"])
async def streamer(request, nats_server, connection, names):
    options = {"fast_path": request.param, "write_deadline_seconds": 1, "heartbeat_seconds": 0.3}
    async with run_streamer(nats_server.url, names.namespace, **options) as running:
        yield running


async def write(streamer, task, *events, attempt=1):
    chain = Chain(streamer.components.log, task, await read_head(streamer.components.log, task), attempt=attempt)
    for event in events:
        await chain.append(event)


def parked(streamer):
    return len(streamer.components.idle_timer.writers)


async def test_idle_watchers_cost_a_task_only_on_the_way_of_asgi(streamer):
    await write(streamer, "t1", progress("processing"))
    before = len(asyncio.all_tasks())
    readers = [Reader(streamer.http) for _ in range(20)]
    reading = [asyncio.create_task(r.read(f"{streamer.url}/api/v1/tasks/t1/stream")) for r in readers]
    await until(lambda: all(r.numbers == [1] for r in readers))
    if streamer.components.settings.fast_path:
        await until(lambda: parked(streamer) == 20)
        # The streamer's own tasks come and go: a few more than those of the 20 readers, and not 40.
        await until(lambda: len(asyncio.all_tasks()) <= before + 20 + 10)
    else:
        assert len(asyncio.all_tasks()) >= before + 20 + 40
    await write(streamer, "t1", progress("completed", 100.0))
    await asyncio.gather(*reading)
    assert {tuple(r.numbers) for r in readers} == {(1, 2)}


async def test_every_watcher_gets_every_event_in_order(streamer):
    await write(streamer, "t1", progress("processing"))
    readers = [Reader(streamer.http) for _ in range(30)]
    reading = [asyncio.create_task(r.read(f"{streamer.url}/api/v1/tasks/t1/stream?merge=0")) for r in readers]
    for n in range(100):
        await write(streamer, "t1", progress("processing", float(n)), Chunk(text=str(n), offset=n))
        if n % 10 == 0:
            await asyncio.sleep(0)
    await write(streamer, "t1", LogLine(level="info", message="x"), progress("completed", 100.0))
    await asyncio.gather(*reading)
    assert {tuple(r.numbers) for r in readers} == {tuple(range(1, 204))}


async def test_several_tasks_and_both_dialects_are_served(streamer):
    await write(streamer, "a", progress("processing"))
    await write(streamer, "b", progress("processing"))
    both, celery = Reader(streamer.http), Reader(streamer.http)
    reading = [
        asyncio.create_task(both.read(f"{streamer.url}/api/v1/stream?task=a&task=b&merge=0")),
        asyncio.create_task(celery.read(f"{streamer.url}/tasks/a/stream?merge=0")),
    ]
    await until(lambda: len(both.log) == 2 and len(celery.log) == 1)
    for n in range(5):
        await write(streamer, "a", progress("processing", float(n + 1)))
        await write(streamer, "b", progress("processing", float(n + 1)))
    await write(streamer, "a", progress("completed", 100.0))
    await write(streamer, "b", progress("error", 0.0))
    await asyncio.gather(*reading)
    for task in "ab":
        assert [e["n"] for e in both.log if e["task"] == task] == list(range(1, 8))
    assert [e["status"] for e in celery.log] == ["STARTED", *["PROGRESS"] * 5, "SUCCESS"]


async def test_silence_is_filled_with_heartbeats_and_life_goes_on(streamer):
    await write(streamer, "t1", progress("processing"))
    async with streamer.http.stream("GET", "/api/v1/tasks/t1/stream") as reply:
        lines = reply.aiter_lines()
        beats = 0
        async for line in lines:
            beats += line == ":"
            if beats == 3:
                break
        await write(streamer, "t1", progress("processing", 1.0), progress("completed", 100.0))
        rest = [json.loads(line[6:]) async for line in lines if line.startswith("data: ")]
    assert [e["n"] for e in rest if "n" in e] == [2, 3]


async def test_a_slow_reader_is_served_from_its_cursor_and_gets_everything(streamer):
    await write(streamer, "t1", progress("processing"))
    host, port = streamer.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=4096)
    writer.write(b"GET /api/v1/tasks/t1/stream?merge=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    writer.transport.pause_reading()
    await until(lambda: streamer.components.admission.count == 1)
    # More than the kernel's buffers hold, in less time than the deadline allows.
    await write(streamer, "t1", *(Chunk(text="x" * 50_000, offset=0) for _ in range(60)))
    await write(streamer, "t1", progress("completed", 100.0))
    writer.transport.resume_reading()
    received = b""
    async with asyncio.timeout(20):
        while piece := await reader.read(1 << 20):
            received += piece
            if received.endswith(b"0\r\n\r\n"):
                break
    writer.close()
    assert [int(part.split(b",", 1)[0]) for part in received.split(b'"n":')[1:]] == list(range(1, 63))


async def test_a_client_that_never_reads_is_closed_in_time_and_told_nobody(streamer):
    await write(streamer, "t1", progress("processing"))
    host, port = streamer.url.removeprefix("http://").split(":")
    _, deaf = await asyncio.open_connection(host, int(port), limit=1024)
    deaf.write(b"GET /api/v1/tasks/t1/stream?merge=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    deaf.transport.pause_reading()
    await until(lambda: streamer.components.admission.count == 1)
    await write(streamer, "t1", *(Chunk(text="x" * 100_000, offset=0) for _ in range(150)))
    await until(lambda: streamer.components.admission.count == 0)
    assert streamer.components.metrics.deadlines == 1
    deaf.transport.abort()


async def test_clients_that_vanish_leave_nothing_behind(streamer):
    await write(streamer, "t1", progress("processing"))
    host, port = streamer.url.removeprefix("http://").split(":")
    for n in range(60):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /api/v1/tasks/t1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if n % 3:
            await writer.drain()
        if n % 2:
            writer.transport.abort()
        else:
            writer.close()
    await until(
        lambda: (
            streamer.components.admission.count == 0 and parked(streamer) == 0 and len(streamer.components.tails) == 0
        )
    )


async def test_a_request_sent_behind_a_stream_waits_for_its_end(streamer):
    await write(streamer, "t1", progress("processing"))
    host, port = streamer.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    request = b"GET /api/v1/tasks/t1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
    writer.write(request + request)
    first = await reader.readuntil(b'"n":1,')
    await write(streamer, "t1", progress("completed", 100.0))
    first += await reader.readuntil(b"0\r\n\r\n")
    second = await reader.readuntil(b"0\r\n\r\n")
    for reply in (first, second):
        assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b'"status":"completed"' in reply
    writer.close()


@pytest.mark.security
async def test_noise_from_a_listening_client_harms_nobody_else(streamer):
    await write(streamer, "t1", progress("processing"))
    quiet = Reader(streamer.http)
    reading = asyncio.create_task(quiet.read(f"{streamer.url}/api/v1/tasks/t1/stream?merge=0"))
    host, port = streamer.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /api/v1/tasks/t1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await reader.readuntil(b'"n":1,')
    writer.write(b"\x00noise" * 1000)
    await write(streamer, "t1", progress("processing", 1.0), progress("completed", 100.0))
    await reading
    assert quiet.numbers == [1, 2, 3]
    writer.close()


async def test_a_request_abandoned_behind_a_stream_ends_both_without_a_traceback(streamer, caplog):
    await write(streamer, "t1", progress("processing"))
    host, port = streamer.url.removeprefix("http://").split(":")
    request = b"GET /api/v1/tasks/t1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for _ in range(5):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request * 3)
        await reader.readuntil(b'"n":1,')
        writer.transport.abort()
    await until(lambda: streamer.components.admission.count == 0, seconds=5)
    await write(streamer, "t1", progress("processing", 1.0), progress("completed", 100.0))
    assert [record for record in caplog.records if record.levelname == "ERROR" or record.exc_info] == []


async def test_a_client_of_http_1_0_gets_a_body_without_chunk_sizes(streamer):
    await write(streamer, "t1", progress("processing"))
    host, port = streamer.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /api/v1/tasks/t1/stream?merge=0 HTTP/1.0\r\nHost: localhost\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"chunked" not in head.lower()
    first = await reader.readuntil(b'"n":1,')
    assert first.startswith(b"retry: ")
    await write(streamer, "t1", Chunk(text="x", offset=0), progress("completed", 100.0))
    rest = await reader.read()
    lines = (first + rest).decode().splitlines()
    assert {line.partition(":")[0] for line in lines} <= {"", "retry", "id", "event", "data"}
    assert [json.loads(line[6:])["n"] for line in lines if '"n":' in line] == [1, 2, 3]
    writer.close()


async def test_other_answers_to_http_1_0_are_whole(streamer):
    await write(streamer, "t1", progress("processing"))
    host, port = streamer.url.removeprefix("http://").split(":")
    for path, status in (
        ("/schema", b"200"),
        ("/api/v1/tasks/absent", b"404"),
        ("/api/v1/tasks/absent/stream", b"404"),
    ):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET %b HTTP/1.0\r\nHost: localhost\r\n\r\n" % path.encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert head.split()[1] == status
        assert b"content-length: %d" % len(body) in head.lower()
        assert json.loads(body)
        writer.close()
