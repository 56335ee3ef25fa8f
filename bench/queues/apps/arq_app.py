"""arq with Redis. It polls; with its default of 0.5 s it would wait most of the time."""

from __future__ import annotations

import asyncio
from typing import Any

from arq import create_pool, run_worker
from arq.connections import RedisSettings

from bench.queues.apps.counted import CONCURRENCY, URL, count, run


async def nothing(_: Any) -> None:
    count()


async def submit(jobs: int) -> None:
    pool = await create_pool(RedisSettings.from_dsn(URL))
    for _ in range(jobs):
        await pool.enqueue_job("nothing")
    await pool.aclose()


class Settings:
    functions = (nothing,)
    redis_settings = RedisSettings.from_dsn(URL)
    max_jobs = CONCURRENCY
    poll_delay = 0.01


if __name__ == "__main__":
    run(lambda jobs: asyncio.run(submit(jobs)), lambda: run_worker(Settings))
