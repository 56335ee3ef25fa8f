"""What the streamer counts, behind verbs of its own domain."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest


class Metrics:
    """The counters of one streamer. Names and units by https://prometheus.io/docs/practices/naming/."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._watchers = self._gauge("watchers", "Streams that are open")
        self._tails = self._gauge("tails", "Tasks that are watched")
        self._connected = self._gauge("nats_connected", "1 while NATS is there")
        self._received = self._counter("events_received", "Events that came from NATS, live or read")
        self._sent = self._counter("events_sent", "Events written to watchers")
        self._bytes = self._counter("sent_bytes", "Bytes written to watchers")
        self._merged = self._counter("events_merged", "Ticks that a later one replaced for a watcher")
        self._malformed = self._counter("events_malformed", "Messages set aside because they are no events")
        self._refills = self._counter("refills", "Reads that repaired a hole in what was shown live")
        self._repairs = self._counter("probe_repairs", "Probes that found events whose republish was lost")
        self._resets = self._counter("resets", "Watchers told to forget what they have", ["reason"])
        self._ended = self._counter("streams_ended", "Streams that ended", ["reason"])
        self._submitted = self._counter("tasks_submitted", "Tasks accepted", ["kind"])

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"headway_{name}", text, registry=self.registry)

    def _counter(self, name: str, text: str, labels: list[str] | None = None) -> Counter:
        return Counter(f"headway_{name}", text, labels or [], registry=self.registry)

    def watcher_opened(self) -> None:
        self._watchers.inc()

    def watcher_closed(self, reason: str) -> None:
        self._watchers.dec()
        self._ended.labels(reason).inc()

    def tails_changed(self, count: int) -> None:
        self._tails.set(count)

    def connection_changed(self, connected: bool) -> None:
        self._connected.set(connected)

    def received(self, events: int) -> None:
        self._received.inc(events)

    def malformed(self) -> None:
        self._malformed.inc()

    def sent(self, events: int, merged: int, size_bytes: int) -> None:
        self._sent.inc(events)
        self._bytes.inc(size_bytes)
        if merged:
            self._merged.inc(merged)

    def refilled(self) -> None:
        self._refills.inc()

    def probe_repaired(self) -> None:
        self._repairs.inc()

    def reset(self, reason: str) -> None:
        self._resets.labels(reason).inc()

    def submitted(self, kind: str) -> None:
        self._submitted.labels(kind).inc()

    def exposition(self) -> bytes:
        """The page that Prometheus scrapes."""
        page: bytes = generate_latest(self.registry)  # type: ignore[no-untyped-call]
        return page
