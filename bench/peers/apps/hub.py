"""Fan-out as asyncio applications usually do it: one NATS subscription for the process, one queue per watcher."""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import Any

import nats
import uvicorn


class Hub:
    """Puts every event into the queues of its task's watchers."""

    def __init__(self, nats_port: int) -> None:
        self._nats_port = nats_port
        self._queues: defaultdict[str, set[asyncio.Queue[tuple[int, str]]]] = defaultdict(set)
        self._counts: defaultdict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def running(self, _: Any = None):
        """The lifespan of the application: connected while it runs."""
        client = await nats.connect(f"nats://127.0.0.1:{self._nats_port}")
        await client.subscribe("bench.*", cb=self._on_message, pending_msgs_limit=-1, pending_bytes_limit=-1)
        yield
        await client.close()

    async def _on_message(self, message: Any) -> None:
        task = message.subject.rpartition(".")[2]
        self._counts[task] += 1
        event = self._counts[task], message.data.decode()
        for queue in self._queues[task]:
            queue.put_nowait(event)

    def join(self, task: str) -> asyncio.Queue[tuple[int, str]]:
        """Return a queue that gets (id, text) of every event from now on."""
        queue: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        self._queues[task].add(queue)
        return queue

    def leave(self, task: str, queue: asyncio.Queue[tuple[int, str]]) -> None:
        """Remove a queue that `join` has returned."""
        self._queues[task].discard(queue)


def serve(app: Any, port: int) -> None:
    """Run the application tuned for speed: uvloop, httptools, no access log."""
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        backlog=4096,
    )


def ports() -> tuple[int, int]:
    """The ports of HTTP and of NATS, from the command line."""
    return int(sys.argv[1]), int(sys.argv[2])
