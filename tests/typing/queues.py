"""The adapters of task queues."""

from __future__ import annotations

from typing import assert_type

import dramatiq
import rq
from dramatiq.brokers.stub import StubBroker
from redis import Redis

import headway.dramatiq
import headway.rq


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


def wrong(connection: Redis) -> None:
    headway.dramatiq.Headway("x")  # type: ignore[call-arg]
    headway.dramatiq.Headway().before_ack(1, 2)  # type: ignore[arg-type]
    headway.rq.Queue("a", "b", "c", "d")  # type: ignore[arg-type]
    headway.rq.Worker.stop_seconds = "5"  # type: ignore[assignment]
    headway.rq.Queue(1, connection=connection)  # type: ignore[arg-type]
