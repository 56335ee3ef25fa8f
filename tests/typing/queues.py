"""The adapters of task queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_type

import celery
import dramatiq
import rq
import saq
import taskiq
from arq.connections import ArqRedis
from dramatiq.brokers.stub import StubBroker
from redis import Redis
from saq.queue.redis import RedisQueue

import headway.arq
import headway.celery
import headway.dramatiq
import headway.rq
import headway.saq
import headway.taskiq


def connect_dramatiq() -> None:
    broker = StubBroker()
    middleware = headway.dramatiq.Headway()
    assert_type(middleware.actor_options, set[str])
    broker.add_middleware(middleware)
    dramatiq.set_broker(broker)


class Worker(headway.rq.ReportingMixin, rq.worker.RoundRobinWorker):
    stop_seconds = 10.0


def connect_rq(connection: Redis) -> None:
    queue = headway.rq.Queue(connection=connection)
    assert_type(queue.enqueue(print, 1, meta={"title": "One"}), rq.job.Job)
    assert_type(queue.create_job(print), rq.job.Job)
    assert_type(Worker.stop_seconds, float)
    assert_type(Worker([queue], connection=connection).work(burst=True), bool)


async def connect_taskiq() -> None:
    assert_type(taskiq.InMemoryBroker().with_middlewares(headway.taskiq.Headway()), taskiq.InMemoryBroker)


async def count(ctx: dict[Any, Any], number: int) -> int:
    return number


async def connect_saq() -> None:
    queue = headway.saq.connect(RedisQueue.from_url("redis://localhost"))
    saq.Worker(queue, [count], **headway.saq.hooks)


@headway.arq.connect
class WorkerSettings:
    functions = (count,)


async def connect_arq() -> None:
    assert_type(await headway.arq.create_pool(), ArqRedis)


def wrong(connection: Redis) -> None:
    headway.dramatiq.Headway("x")  # type: ignore[call-arg]
    headway.dramatiq.Headway().before_ack(1, 2)  # type: ignore[arg-type]
    headway.rq.Queue("a", "b", "c", "d")  # type: ignore[arg-type]
    headway.rq.Worker.stop_seconds = "5"  # type: ignore[assignment]
    headway.rq.Queue(1, connection=connection)  # type: ignore[arg-type]


def celery_owner() -> tuple[str, str] | None:
    return None


def celery_title(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    return name


def connect_celery(app: celery.Celery[Any]) -> None:
    headway.celery.connect(app)
    headway.celery.connect(app, owner=lambda: "ann", title={"shop.load": "Load {path}"}, terminate=True)
    headway.celery.connect(app, owner=celery_owner, title=celery_title, reported=lambda name: True, log_level="OFF")


def refuse_celery(app: celery.Celery[Any]) -> None:
    headway.celery.connect()  # type: ignore[call-arg]
    headway.celery.connect(app, owner="ann")  # type: ignore[arg-type]
    headway.celery.connect(app, title="Load")  # type: ignore[arg-type]


class CeleryTask(headway.celery.ProgressTask):
    """A class of tasks of the user's own."""
