"""What is counted, behind a few verbs of the trade."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from headway.errors import StoreFullError, UnavailableError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600)


class Metrics:
    """Counts nothing: the default of tests."""

    def started(self, kind: str) -> None:
        """An attempt has begun."""

    def finished(self, kind: str, status: str, seconds: float) -> None:
        """An attempt has ended: completed, error, cancelled, retrying, handed_back, superseded or failed."""

    def superseded(self, kind: str) -> None:
        """An attempt has met a newer one of the same task."""

    def malformed(self, kind: str) -> None:
        """A message in the queue was no job."""

    def buried(self, kind: str) -> None:
        """A job was put aside: it was given up, or was none."""

    def waiting(self, kind: str, jobs: int) -> None:
        """So many jobs of the kind wait for a processor."""

    def refused(self, error: UnavailableError) -> None:
        """NATS did not store something of a task, for want of space or of an answer; it is tried again."""


class PrometheusMetrics(Metrics):
    """Counts for Prometheus, in a registry of its own."""

    def __init__(self, connected: Callable[[], bool]) -> None:
        self._registry = registry = CollectorRegistry()
        prefix = "headway"
        self._started = Counter(f"{prefix}_attempts_started", "Started attempts", ["kind"], registry=registry)
        self._finished = Counter(
            f"{prefix}_attempts_finished", "Finished attempts", ["kind", "status"], registry=registry
        )
        self._running = Gauge(f"{prefix}_attempts_running", "Running attempts", ["kind"], registry=registry)
        self._seconds = Histogram(
            f"{prefix}_attempt_duration_seconds",
            "Duration of attempts",
            ["kind"],
            buckets=_BUCKETS_SECONDS,
            registry=registry,
        )
        self._superseded = Counter(
            f"{prefix}_attempts_superseded",
            "Attempts ended by a newer attempt of the same task",
            ["kind"],
            registry=registry,
        )
        self._malformed = Counter(
            f"{prefix}_jobs_malformed", "Messages of the queue that are not jobs", ["kind"], registry=registry
        )
        self._buried = Counter(
            f"{prefix}_jobs_dead_lettered", "Jobs moved to the dead-letter stream", ["kind"], registry=registry
        )
        self._waiting = Gauge(
            f"{prefix}_jobs_pending", "Jobs that no processor has taken yet", ["kind"], registry=registry
        )
        self._refused = Counter(
            f"{prefix}_store_failures",
            "Writes of a task that NATS rejected or did not answer",
            ["reason"],
            registry=registry,
        )
        for reason in ("store_full", "unavailable"):
            self._refused.labels(reason)
        nats = Gauge(f"{prefix}_nats_connected", "1 while connected to NATS", ["service"], registry=registry)
        nats.labels("processor").set_function(connected)

    def started(self, kind: str) -> None:
        self._started.labels(kind).inc()
        self._running.labels(kind).inc()

    def finished(self, kind: str, status: str, seconds: float) -> None:
        self._finished.labels(kind, status).inc()
        self._running.labels(kind).dec()
        self._seconds.labels(kind).observe(seconds)

    def superseded(self, kind: str) -> None:
        self._superseded.labels(kind).inc()

    def malformed(self, kind: str) -> None:
        self._malformed.labels(kind).inc()

    def buried(self, kind: str) -> None:
        self._buried.labels(kind).inc()

    def waiting(self, kind: str, jobs: int) -> None:
        self._waiting.labels(kind).set(jobs)

    def refused(self, error: UnavailableError) -> None:
        self._refused.labels("store_full" if isinstance(error, StoreFullError) else "unavailable").inc()

    def exposition(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)
