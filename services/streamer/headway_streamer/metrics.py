"""The metrics of the streamer.

The counters of the hot path are plain numbers, read when Prometheus asks: a counter of the client library costs a
lock per event (0.22 µs beside 0.03 µs).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

LATENCY_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class ProcessorCounts(NamedTuple):
    """The processors that are alive, by their leases."""

    versions: Mapping[str, int]
    """How many there are of each version."""
    kinds: Mapping[str, int]
    """How many offer each known kind, 0 included."""
    slots: int
    busy: int
    """Slots that run a task."""
    waiting: Mapping[str, int]
    """Waiting tasks of the kinds that none offers, at most a hundred of each."""


class Metrics:
    """The counters of one streamer. Names and units by https://prometheus.io/docs/practices/naming/."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.watchers = 0
        self.tails = 0
        self.connected: Callable[[], bool] = lambda: False
        self.overdue: Callable[[], int] = lambda: 0
        """Returns how many streams are open although a drain should have ended them."""
        self.processors: ProcessorCounts | None = None
        """As counted last; None while they are unknown. Each streamer counts all of them."""
        self.events_received = 0
        self.events_sent = 0
        self.sent_bytes = 0
        self.events_merged = 0
        self.events_malformed = 0
        self.reports_opened = 0
        self.events_reported = 0
        self.refills = 0
        self.probe_repairs = 0
        self.deadlines = 0
        self._resets: Tally[str] = Tally()
        self._ended: Tally[str] = Tally()
        self._submitted: Tally[str] = Tally()
        self._rejected: Tally[str] = Tally()
        self._malformed_records: Tally[str] = Tally()
        self._refused: Tally[str] = Tally()
        self._limited: Tally[str] = Tally()
        self.unheard: Callable[[], int] = lambda: 0
        """Returns how many reports on limits in a row have not come back."""
        self._shares: dict[str, float] = {}
        self._latency = [0] * (len(LATENCY_BUCKETS) + 1)
        self._latency_sum = 0.0
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def watcher_opened(self) -> None:
        self.watchers += 1

    def watcher_closed(self, reason: str) -> None:
        self.watchers -= 1
        self._ended[reason] += 1

    def tails_changed(self, count: int) -> None:
        self.tails = count

    def received(self, events: int) -> None:
        self.events_received += events

    def malformed(self) -> None:
        self.events_malformed += 1

    def malformed_record(self, what: str) -> None:
        """Count a record of a task, kind or processor that could not be decoded."""
        self._malformed_records[what] += 1

    def sent(self, events: int, merged: int, size_bytes: int) -> None:
        self.events_sent += events
        self.events_merged += merged
        self.sent_bytes += size_bytes

    def refilled(self) -> None:
        self.refills += 1

    def probe_repaired(self) -> None:
        self.probe_repairs += 1

    def write_deadline(self) -> None:
        self.deadlines += 1

    def reset(self, reason: str) -> None:
        self._resets[reason] += 1

    def submitted(self, kind: str) -> None:
        self._submitted[kind] += 1

    def report_opened(self) -> None:
        """Count an attempt of a task that was opened over HTTP."""
        self.reports_opened += 1

    def event_reported(self) -> None:
        """Count an event that was stored for a reporter."""
        self.events_reported += 1

    def stored(self, shares: dict[str, float]) -> None:
        """Set the used shares of the store and of the streams that have a limit, 0 to 1, by name."""
        self._shares = shares

    def submission_rejected(self, reason: str) -> None:
        """Count a rejected task; `reason` is store_full, too_large or unavailable."""
        self._rejected[reason] += 1

    def request_refused(self, reason: str) -> None:
        """Count a request that was refused before the application saw all of it, or a connection."""
        self._refused[reason] += 1

    def limited(self, limit: str) -> None:
        """Count a request that a limit of its caller refused."""
        self._limited[limit] += 1

    def delivered(self, seconds: float) -> None:
        """Count the seconds from the creation of an event by its writer to its delivery to watchers."""
        self._latency[bisect_left(LATENCY_BUCKETS, seconds)] += 1
        self._latency_sum += max(seconds, 0.0)

    def collect(self) -> Iterator[Metric]:
        """All metric families with their current values, for the registry."""
        for name, text, value in (
            ("watchers", "Open streams", self.watchers),
            ("tails", "Watched tasks", self.tails),
            ("limits_unheard_reports", "Reports on limits in a row that have not come back", self.unheard()),
            ("drain_overdue_streams", "Streams still open after their scheduled end in a drain", self.overdue()),
        ):
            yield GaugeMetricFamily(f"headway_{name}", text, value)
        for name, text, value in (
            ("events_received", "Events received from NATS, live or read", self.events_received),
            ("events_sent", "Events written to watchers", self.events_sent),
            ("sent_bytes", "Bytes written to watchers", self.sent_bytes),
            ("events_merged", "Progress events replaced by a later one for a watcher", self.events_merged),
            ("events_malformed", "Messages skipped because they are not events", self.events_malformed),
            ("reports_opened", "Attempts of tasks that were opened over HTTP", self.reports_opened),
            ("events_reported", "Events stored of tasks that are reported over HTTP", self.events_reported),
            ("tail_refills", "Reads that filled a gap in the live events", self.refills),
            ("tail_probe_repairs", "Probes that found events whose republication was lost", self.probe_repairs),
            (
                "write_timeouts",
                "Watchers closed because they accepted no byte within the write deadline",
                self.deadlines,
            ),
        ):
            yield CounterMetricFamily(f"headway_{name}", text, value)
        connected = GaugeMetricFamily("headway_nats_connected", "1 while connected to NATS", labels=["service"])
        connected.add_metric(["streamer"], float(self.connected()))
        yield connected
        yield from self._of_processors()
        yield _labelled(
            "stream_resets", "Streams whose watcher was told to discard its state of a task", "reason", self._resets
        )
        yield _labelled("streams_closed", "Closed streams", "reason", self._ended)
        yield _labelled("tasks_submitted", "Accepted tasks", "kind", self._submitted)
        yield _labelled("records_malformed", "Records that could not be decoded", "what", self._malformed_records)
        yield _labelled("submissions_rejected", "Rejected submissions", "reason", self._rejected)
        yield _labelled("requests_refused", "Requests and connections that exceeded a bound", "reason", self._refused)
        yield _labelled("limited_requests", "Requests refused by a limit of their caller", "limit", self._limited)
        used = GaugeMetricFamily(
            "headway_store_usage_ratio", "Used share of the JetStream store or stream, 0 to 1", labels=["part"]
        )
        for part, share in sorted(self._shares.items()):
            used.add_metric([part], share)
        yield used
        yield self._histogram()

    def exposition(self) -> bytes:
        """The response to a scrape by Prometheus, in the OpenMetrics format."""
        page: bytes = generate_latest(self.registry)  # type: ignore[no-untyped-call]
        return page

    def _of_processors(self) -> Iterator[Metric]:
        known = self.processors
        counts = known or ProcessorCounts({}, {}, 0, 0, {})
        total = GaugeMetricFamily("headway_processors", "Processors that are alive; every streamer counts all of them")
        slots = {"busy": counts.busy, "free": counts.slots - counts.busy}
        if known:
            total.add_metric([], sum(counts.versions.values()))
        yield total
        yield _gauge("processors_by_version", "Processors that are alive", "version", counts.versions)
        yield _gauge("processors_by_kind", "Processors that offer a kind", "kind", counts.kinds)
        yield _gauge("processor_slots", "Slots of all processors, as of their leases", "state", slots if known else {})
        yield _gauge("tasks_without_processor", "Waiting tasks of kinds that none offers", "kind", counts.waiting)

    def _histogram(self) -> HistogramMetricFamily:
        buckets, total = [], 0
        for bound, count in zip([*map(str, LATENCY_BUCKETS), "+Inf"], self._latency, strict=True):
            total += count
            buckets.append((bound, total))
        text = "Seconds from the creation of an event by its writer to its delivery to watchers"
        return HistogramMetricFamily("headway_delivery_latency_seconds", text, buckets, self._latency_sum)


def _labelled(name: str, text: str, label: str, tally: Tally[str]) -> CounterMetricFamily:
    family = CounterMetricFamily(f"headway_{name}", text, labels=[label])
    for value, count in sorted(tally.items()):
        family.add_metric([value], count)
    return family


def _gauge(name: str, text: str, label: str, values: Mapping[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"headway_{name}", text, labels=[label])
    for value, count in sorted(values.items()):
        family.add_metric([value], count)
    return family
