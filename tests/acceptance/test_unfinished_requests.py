"""Requests that never become whole, sent to an installed streamer while others watch."""

import asyncio
import socket
import time
from contextlib import asynccontextmanager, suppress

import pytest

from tests.fixtures.condition import until
from tests.fixtures.process import resident_bytes
from tests.fixtures.writers import run_writing

pytestmark = [pytest.mark.faults, pytest.mark.security, pytest.mark.timeout(120)]

MIB = 1024 * 1024
HEAD_MIB, TARGET_MIB, SILENT = 195, 100, 1500
MOST_MIB = 32
"""Growth of the streamer meanwhile. Without bounds it was what had been sent, and three times as much for a target."""
MOST_STALL_SECONDS = 1.0
"""Without a bound it was above 5 s."""
TIMES = {"HEADWAY_STREAMER_HEAD_SECONDS": "2"}


def flood(port, beginning, piece, count):
    """Send `count` times `piece` behind `beginning`. Returns the answer and how many bytes were sent."""
    sent, answer = 0, b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection, suppress(ConnectionError):
        connection.sendall(beginning)
        for _ in range(count):
            connection.sendall(piece)
            sent += len(piece)
        answer = connection.recv(100)
    return answer, sent


class Watcher:
    """A stream, and the longest time without an event on it."""

    def __init__(self, reader):
        self.longest = 0.0
        self._reader = reader

    async def run(self):
        last = None
        while await self._reader.read(65536):
            now = time.monotonic()
            self.longest = max(self.longest, now - (last or now))
            last = now


@asynccontextmanager
async def run_watcher(nats_url, rng, port):
    """Watch a task that has an event every 10 ms."""
    async with run_writing(nats_url, rng, "busy", pause_seconds=0.01):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /api/v1/tasks/busy/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"event: hello")
        watcher = Watcher(reader)
        watching = asyncio.ensure_future(watcher.run())
        await until(lambda: watcher.longest)
        yield watcher
        assert not watching.done()
        writer.close()
        await watching


async def grows_while(pid, work):
    """The most MiB by which a process grows while `work` is done."""
    before = most = resident_bytes(pid)
    task = asyncio.ensure_future(work)
    while not task.done():
        most = max(most, resident_bytes(pid))
        await asyncio.sleep(0.01)
    await task
    return (most - before) / MIB


async def connect_silently(port, count):
    """Return how many of `count` connections the server closes."""
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    with suppress(AssertionError):
        await until(lambda: all(reader.at_eof() for reader, _ in connections), 30)
    closed = sum(reader.at_eof() for reader, _ in connections)
    for _, writer in connections:
        writer.close()
    return closed


@pytest.mark.parametrize("fast_path", ["true", "false"], ids=["direct", "plain"])
async def test_unfinished_requests_cost_neither_memory_nor_others_their_time(
    services, streamers, rng, security_figures, fast_path
):
    one = await streamers("s1", {"HEADWAY_STREAMER_FAST_PATH": fast_path} | TIMES)
    way = "direct" if fast_path == "true" else "plain"
    line = b"A: " + b"x" * (MIB - 5) + b"\r\n"
    floods = {
        f"a head of {HEAD_MIB} MiB, {way}": (b"GET / HTTP/1.1\r\nHost: localhost\r\n", line, HEAD_MIB),
        f"a target of {TARGET_MIB} MiB, {way}": (b"GET /", b"x" * MIB, TARGET_MIB),
    }
    async with run_watcher(services.nats.url, rng, one.port) as watcher:
        for what, (beginning, piece, count) in floods.items():
            watcher.longest = 0.0
            grown = await grows_while(one.pid, asyncio.to_thread(flood, one.port, beginning, piece, count))
            await until(lambda: watcher.longest)  # the next event has come
            stall = watcher.longest
            security_figures(5, what, MiB=round(grown), longest_stall_ms=round(stall * 1000))
            assert grown < MOST_MIB
            assert stall < MOST_STALL_SECONDS
        closed = await connect_silently(one.port, SILENT)
        security_figures(5, f"silent connections, {way}", opened=SILENT, closed=closed)
        assert closed == SILENT
