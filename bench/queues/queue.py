"""A task queue under test: what it is, and one drain of its backlog."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from bench.harness import machine
from bench.harness.errors import StartError
from bench.harness.nats_server import NatsServer
from bench.harness.process import Process, cpu_seconds
from bench.harness.redis_server import RedisServer, program

ROOT = Path(__file__).parents[2]
NEWER = Path(sys.prefix) / "bench-queues"
"""Where `make bench` installs the queues that need a newer redis than arq."""
DRAIN_SECONDS = 120.0
SUBMIT_SECONDS = 120.0
JETSTREAM = "written to a file, before the job is accepted"
AOF = "written to a file (appendonly everysec), before the job is accepted"


class Drain(NamedTuple):
    """One drain of a backlog, from the start of its first job to that of its last."""

    seconds: float
    cpu_seconds: float
    """Of the worker, user and system."""
    broker_cpu_seconds: float
    """From the start of the worker to the last job."""


class Queue(NamedTuple):
    """A task queue."""

    name: str
    app: str
    """Module of `bench.queues.apps`: `submit COUNT` fills the queue."""
    broker: type[NatsServer] | type[RedisServer]
    worker: tuple[str, ...]
    """Arguments of Python that start one worker process."""
    stores: str
    """What is stored of each job, from its submission to its end."""
    acknowledged: str
    needs: tuple[str, ...] = ()
    path: Path | None = None
    """Where its packages are, if not in this environment."""

    def missing(self) -> str:
        """Why it cannot run on this machine, and how to install it; empty when it can."""
        if self.broker is RedisServer and not program():
            return "redis-server is not installed (Debian: redis-server)"
        if self.path is not None and not self.path.exists():
            return f"{self.path} is missing: `make bench` installs it"
        absent = [] if self.path else [name for name in self.needs if importlib.util.find_spec(name) is None]
        return f"{' and '.join(absent)} not installed (pip install -r requirements/dev.lock)" if absent else ""

    def drain(self, directory: Path, jobs: int) -> Drain:
        """Submit `jobs` jobs, start a worker, and measure how long it takes them. Raises StartError."""
        directory.mkdir()
        broker = self.broker(directory)
        try:
            return self._drain(directory, jobs, broker)
        finally:
            broker.stop()

    def _drain(self, directory: Path, jobs: int, broker: NatsServer | RedisServer) -> Drain:
        done = directory / "done.json"
        environment = {
            "BENCH_URL": broker.url,
            "HEADWAY_NATS_URL": broker.url,
            "HEADWAY_TASKS": f"bench.queues.apps.{self.app}",
            "HEADWAY_PROCESSOR_OPS_PORT": "0",
            "BENCH_JOBS": str(jobs),
            "BENCH_DONE": str(done),
            "PYTHONPATH": ":".join(str(path) for path in (self.path, ROOT) if path),
        }
        self._submit(directory, jobs, environment)
        before = cpu_seconds([broker])
        command = [sys.executable, *self.worker]
        worker = Process(self.name, command, directory, cores=machine.SERVER_CORES, environment=environment)
        try:
            worker.wait_for(done.exists, DRAIN_SECONDS)
            used = cpu_seconds([broker]) - before
        finally:
            worker.stop()
        return Drain(**json.loads(done.read_text()), broker_cpu_seconds=used)

    def _submit(self, directory: Path, jobs: int, environment: dict[str, str]) -> None:
        command = [sys.executable, "-m", f"bench.queues.apps.{self.app}", "submit", str(jobs)]
        submitter = Process(
            f"{self.name}-submit", command, directory, cores=machine.CLIENT_CORES, environment=environment
        )
        try:
            if code := submitter.wait(SUBMIT_SECONDS):
                raise StartError(
                    f"{self.name}: the jobs could not be submitted (exit code {code}): {submitter.output()}"
                )
        except subprocess.TimeoutExpired:
            raise StartError(f"{self.name}: the jobs were not submitted within {SUBMIT_SECONDS:.0f} s") from None
        finally:
            submitter.stop()


def _app(module: str, *words: str) -> tuple[str, ...]:
    return ("-m", f"bench.queues.apps.{module}", *words)


QUEUES = (
    Queue(
        "headway",
        "headway_app",
        NatsServer,
        ("-m", "headway_processor"),
        "job, record, 3 events (queued, processing, completed)",
        JETSTREAM,
    ),
    Queue(
        "SAQ (Redis)",
        "saq_app",
        RedisServer,
        _app("saq_app", "work"),
        "job with its result, 10 min",
        AOF,
        ("saq", "redis"),
    ),
    Queue("arq (Redis)", "arq_app", RedisServer, _app("arq_app", "work"), "job, then its result, 1 h", AOF, ("arq",)),
    Queue(
        "Taskiq (Redis)",
        "taskiq_app",
        RedisServer,
        ("-m", "taskiq", "worker", "bench.queues.apps.taskiq_app:broker", "--workers", "1"),
        "job, in a stream",
        AOF,
        path=NEWER,
    ),
    Queue(
        "Taskiq (NATS)",
        "taskiq_app",
        NatsServer,
        ("-m", "taskiq", "worker", "bench.queues.apps.taskiq_app:broker", "--workers", "1"),
        "job",
        JETSTREAM,
        path=NEWER,
    ),
    Queue(
        "Celery (Redis)",
        "celery_app",
        RedisServer,
        ("-m", "celery", "-A", "bench.queues.apps.celery_app", "worker", "--pool=solo", "--loglevel=WARNING"),
        "job",
        AOF,
        path=NEWER,
    ),
)
