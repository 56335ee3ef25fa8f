"""Taskiq with a broker that acknowledges: a stream of Redis, or JetStream."""

from __future__ import annotations

import asyncio

from bench.queues.apps.counted import URL, count, run

if URL.startswith("redis"):
    from taskiq_redis import RedisStreamBroker

    broker = RedisStreamBroker(URL, consumer_id="0")
else:
    from taskiq_nats import PushBasedJetStreamBroker

    broker = PushBasedJetStreamBroker(URL)


@broker.task(task_name="nothing")
async def nothing() -> None:
    count()


async def submit(jobs: int) -> None:
    await broker.startup()
    for _ in range(jobs):
        await nothing.kiq()
    await broker.shutdown()


if __name__ == "__main__":
    run(lambda jobs: asyncio.run(submit(jobs)))
