"""The metrics of the processor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from headway.errors import StoreFullError, UnavailableError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600)


DeadReason: TypeAlias = Literal["failed", "given_up", "malformed"]
"""Why a job was dead-lettered: its handler failed, it could not be run or vanished repeatedly, or it is not a job."""


class Metrics:
    """Counts nothing: for tests."""

    def started(self, kind: str) -> None:
        """Count a started attempt."""

    def finished(self, kind: str, status: str, seconds: float) -> None:
        """Count a finished attempt: completed, error, cancelled, retrying, handed_back or abandoned."""

    def superseded(self, kind: str) -> None:
        """Count an attempt that was ended by a newer one of the same task."""

    def malformed(self, kind: str) -> None:
        """Count a message of the queue that is not a job."""

    def dead_lettered(self, kind: str, reason: DeadReason) -> None:
        """Count a job that was moved to the dead-letter stream."""

    def abandoned(self, kind: str, change: int) -> None:
        """Count handlers that did not stop and still run: 1 for one more, -1 when one of them has ended."""

    def removed(self, reason: str) -> None:
        """Count a task that was removed with all that was stored of it: requested or expired."""

    def pending(self, kind: str, jobs: int) -> None:
        """Set the number of jobs of the kind that no processor has taken yet."""

    def store_failed(self, error: UnavailableError) -> None:
        """Count a write of a task that NATS rejected or did not answer; it is repeated."""


class PrometheusMetrics(Metrics):
    """Counts for Prometheus, in a registry of its own.

    Args:
        connected: returns whether NATS is connected now.
    """

    def __init__(self, connected: Callable[[], bool]) -> None:
        self.handlers_abandoned = 0
        """Handlers of all kinds that still run though nobody waits for them."""
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
        self._dead_lettered = Counter(
            f"{prefix}_jobs_dead_lettered",
            "Jobs moved to the dead-letter stream",
            ["kind", "reason"],
            registry=registry,
        )
        self._abandoned = Gauge(
            f"{prefix}_handlers_abandoned",
            "Handlers that did not stop when they were to, and still run",
            ["kind"],
            registry=registry,
        )
        self._removed = Counter(
            f"{prefix}_tasks_removed", "Tasks removed with all that was stored of them", ["reason"], registry=registry
        )
        self._pending = Gauge(
            f"{prefix}_jobs_pending", "Jobs that no processor has taken yet", ["kind"], registry=registry
        )
        self._store_failures = Counter(
            f"{prefix}_store_failures",
            "Writes of a task that NATS rejected or did not answer",
            ["reason"],
            registry=registry,
        )
        for reason in ("store_full", "unavailable"):
            self._store_failures.labels(reason)
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

    def dead_lettered(self, kind: str, reason: DeadReason) -> None:
        self._dead_lettered.labels(kind, reason).inc()

    def abandoned(self, kind: str, change: int) -> None:
        self.handlers_abandoned += change
        self._abandoned.labels(kind).inc(change)

    def removed(self, reason: str) -> None:
        self._removed.labels(reason).inc()

    def pending(self, kind: str, jobs: int) -> None:
        self._pending.labels(kind).set(jobs)

    def store_failed(self, error: UnavailableError) -> None:
        self._store_failures.labels("store_full" if isinstance(error, StoreFullError) else "unavailable").inc()

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
