"""Watchers that read slowly or not at all cost a bounded memory, however much they watch."""

import asyncio
import socket

import pytest

from tests.fixtures.gauge import gauge, none_left
from tests.fixtures.process import resident_bytes
from tests.fixtures.tcp_reset import reset
from tests.fixtures.writers import run_writers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(90)]

TASKS, EVENTS, EVENT_CHARS = 32, 28, 50_000
WATCHERS = 40
MOST_BYTES = 1024 * 1024
"""Per watcher, whatever it watches."""
MORE_ROUNDS = 8
MOST_KEPT_BYTES = 32 * 1024 * 1024
"""Of all rounds after the first, which fills the allocator's pools. It would be over 100 MiB if watchers were kept."""
SIP_BYTES = 16 * 1024


def request(tasks):
    query = "&".join(f"task={task}" for task in tasks)
    return f"GET /api/v1/stream?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


class Slow:
    """A connection that watches all tasks and reads as instructed."""

    def __init__(self, reader, writer):
        self.taken = 0
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, port, tasks):
        near = socket.socket()
        near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SIP_BYTES)
        near.setblocking(False)
        await asyncio.get_running_loop().sock_connect(near, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=near, limit=SIP_BYTES)
        writer.write(request(tasks))
        assert b" 200 " in await reader.readline()
        return cls(reader, writer)

    async def take(self, count):
        """Read that much, in sips."""
        while self.taken < count:
            self.taken += len(await self._reader.read(SIP_BYTES))
            await asyncio.sleep(0.01)

    async def leave(self):
        reset(self._writer.transport)
        self._writer.close()


async def read_all(port, tasks):
    """Read everything at once: what tails keep is in memory then, and is none of the watchers' business."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    writer.write(request(tasks))
    taken = 0
    while taken < TASKS * EVENTS * EVENT_CHARS:
        taken += len(await reader.read(1 << 20))
    writer.close()
    await writer.wait_closed()


async def watch_slowly(http, streamer, tasks):
    """Return the most bytes that the streamer held while the watchers were there; they are gone then."""
    slow = [await Slow.connect(streamer.port, tasks) for _ in range(WATCHERS)]
    sipping = [asyncio.ensure_future(watcher.take(1 << 18)) for watcher in slow[::2]]  # the others read nothing
    peak = 0
    while not all(task.done() for task in sipping):
        peak = max(peak, resident_bytes(streamer.pid))
        await asyncio.sleep(0.02)
    assert await gauge(http, streamer, "headway_watchers") == WATCHERS
    await asyncio.gather(*sipping, *(watcher.leave() for watcher in slow))
    await none_left(http, streamer, "headway_watchers")
    return peak


@pytest.mark.parametrize("fast_path", ["true", "false"], ids=["direct", "plain"])
async def test_a_slow_watcher_of_many_tasks_costs_less_than_a_mebibyte(
    services, streamers, http, rng, figures, fast_path
):
    tasks = [f"wide-{number}" for number in range(TASKS)]
    one = await streamers("s1", {"HEADWAY_STREAMER_FAST_PATH": fast_path})
    async with run_writers(services.nats.url, rng, *tasks) as writers:
        await asyncio.gather(*(writer.write_large(EVENTS, EVENT_CHARS) for writer in writers))
    await read_all(one.port, tasks)
    await none_left(http, one, "headway_watchers")
    before = resident_bytes(one.pid)
    peak = await watch_slowly(http, one, tasks)
    warm = resident_bytes(one.pid)
    for _ in range(MORE_ROUNDS):
        await watch_slowly(http, one, tasks)
    each, kept = (peak - before) // WATCHERS, resident_bytes(one.pid) - warm
    counts = {"watchers": WATCHERS, "KiB_each": each // 1024, "KiB_kept": kept // 1024}
    figures(f"slow watchers of {TASKS} tasks, fast path {fast_path}", **counts)
    assert each <= MOST_BYTES
    assert kept <= MOST_KEPT_BYTES
