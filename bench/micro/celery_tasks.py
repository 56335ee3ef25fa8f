"""Cost of a no-op task of Celery with and without the adapter, in one run: `python -m bench.micro.celery_tasks`.

The broker is in memory, so that the figures are Celery's own and Headway's: a broker adds the same to both. NATS is a
real server. Rounds with and without the adapter alternate; each figure is the median of its rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import celery
from celery.app.trace import build_tracer

from bench.harness import machine
from bench.harness.nats_server import NatsServer
from headway.celery.connection import Connected
from headway.celery.options import Options
from headway.jetstream import provision
from headway.jetstream.connection import Connection, NatsSettings
from headway.reporting.process import flush

ROUND_TASKS = 100


async def _create_streams(url: str) -> None:
    connection = Connection(NatsSettings(url=url), "bench")
    await connection.open()
    await provision.ensure_patiently(connection.client.jetstream(), connection.names)
    await connection.close()


def _app() -> celery.Celery:
    app = celery.Celery("bench", broker="memory://", backend="cache+memory://", set_as_current=False)

    @app.task(shared=False, name="bench.nothing")
    def nothing() -> None:
        """A task that does nothing."""

    app.finalize()
    return app


def _publish(app: celery.Celery) -> Callable[[str], object]:
    task = app.tasks["bench.nothing"]
    return lambda task_id: task.apply_async(task_id=task_id)


def _run(app: celery.Celery) -> Callable[[str], object]:
    task = app.tasks["bench.nothing"]
    trace = build_tracer(task.name, task, app=app)
    return lambda task_id: trace(task_id, (), {}, {"id": task_id, "delivery_info": {}})


def _round(call: Callable[[str], object], ids: list[str]) -> float:
    """Return microseconds per call."""
    begin = time.perf_counter()
    for task_id in ids:
        call(task_id)
    return (time.perf_counter() - begin) / len(ids) * 1e6


def measure(rounds: int) -> dict[str, list[float]]:
    """Return the figures of all rounds: publishing and running, without and with the adapter."""
    plain, reported = _app(), _app()
    found: dict[str, list[float]] = {}
    for _ in range(rounds + 1):
        for name, app in (("without", plain), ("with", reported)):
            connected = Connected(app, Options(log_level="OFF")) if name == "with" else None
            ids = [str(uuid.uuid4()) for _ in range(ROUND_TASKS)]
            found.setdefault(f"publish {name}", []).append(_round(_publish(app), ids))
            found.setdefault(f"run {name}", []).append(_round(_run(app), ids))
            if connected is not None:
                flush()
                connected.disconnect()
    return {name: figures[1:] for name, figures in found.items()}  # the first round connects


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.micro.celery_tasks", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    logging.getLogger("celery").setLevel(logging.ERROR)
    machine.pin_client()
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as directory:
        server = NatsServer(Path(directory))
        try:
            os.environ["HEADWAY_NATS_URL"] = url = f"nats://127.0.0.1:{server.port}"
            asyncio.run(_create_streams(url))
            found = {name: statistics.median(figures) for name, figures in measure(rounds).items()}
        finally:
            server.stop()
    for part in ("publish", "run"):
        without, reported = found[f"{part} without"], found[f"{part} with"]
        print(f"{part:<8} without {without:7.0f} µs   with {reported:7.0f} µs   × {reported / without:.1f}")


if __name__ == "__main__":
    main()
