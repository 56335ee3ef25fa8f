"""SAQ with Redis."""

from __future__ import annotations

import asyncio
from typing import Any

from saq import Queue, Worker

from bench.queues.apps.counted import CONCURRENCY, URL, count, run


async def nothing(_: Any) -> None:
    count()


async def submit(jobs: int) -> None:
    queue = Queue.from_url(URL)
    await queue.connect()
    for _ in range(jobs):
        await queue.enqueue("nothing")
    await queue.disconnect()


async def work() -> None:
    queue = Queue.from_url(URL)
    await queue.connect()
    await Worker(queue, functions=[nothing], concurrency=CONCURRENCY).start()


if __name__ == "__main__":
    run(lambda jobs: asyncio.run(submit(jobs)), lambda: asyncio.run(work()))
