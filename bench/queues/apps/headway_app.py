"""Headway: the streamer's own parts store the tasks, a processor runs them."""

from __future__ import annotations

import asyncio

from bench.queues.apps.counted import CONCURRENCY, URL, count, run
from headway import Job, task
from headway.jetstream import provision
from headway.jetstream.connection import Connection, NatsSettings
from headway_streamer.access.settings import AccessSettings
from headway_streamer.components import Components
from headway_streamer.settings import Settings


@task("nothing", concurrency=CONCURRENCY)
async def nothing(_: Job) -> None:
    count()


async def submit(jobs: int) -> None:
    connection = Connection(NatsSettings(url=URL), "bench")
    components = Components(Settings(), connection, AccessSettings())
    await connection.open()
    await provision.ensure_patiently(connection.client.jetstream(), connection.names, connection.settings)
    gate = asyncio.Semaphore(50)

    async def one() -> None:
        async with gate:
            await components.task_store.submit("nothing", b"{}")

    async with asyncio.TaskGroup() as group:
        for _ in range(jobs):
            group.create_task(one())
    await components.close()


if __name__ == "__main__":
    run(lambda jobs: asyncio.run(submit(jobs)))
