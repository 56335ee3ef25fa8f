"""Celery with Redis: jobs are acknowledged after they have run, as with the others."""

from __future__ import annotations

from celery import Celery

from bench.queues.apps.counted import CONCURRENCY, URL, count, run

app = Celery("bench", broker=URL)
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=CONCURRENCY, broker_connection_retry_on_startup=True)


@app.task(name="nothing", ignore_result=True)
def nothing() -> None:
    count()


def submit(jobs: int) -> None:
    with app.connection_for_write() as connection, connection.channel() as channel:
        producer = app.amqp.Producer(channel)
        for _ in range(jobs):
            nothing.apply_async(producer=producer)


if __name__ == "__main__":
    run(submit)
