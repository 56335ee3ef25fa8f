"""The page that Prometheus scrapes."""

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from headway_streamer.metrics import Metrics, ProcessorCounts


def samples(metrics):
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_what_is_counted_is_exposed_under_its_name():
    metrics = Metrics()
    metrics.connected = lambda: True
    metrics.watcher_opened()
    metrics.watcher_opened()
    metrics.watcher_closed("lifetime")
    metrics.received(3)
    metrics.sent(5, 2, 700)
    metrics.reset("trimmed")
    metrics.submitted("crawl")
    metrics.write_deadline()
    shown = samples(metrics)
    assert shown[("headway_watchers",)] == 1
    assert shown[("headway_nats_connected", "streamer")] == 1
    assert shown[("headway_events_received_total",)] == 3
    assert shown[("headway_events_sent_total",)] == 5
    assert shown[("headway_events_merged_total",)] == 2
    assert shown[("headway_sent_bytes_total",)] == 700
    assert shown[("headway_write_timeouts_total",)] == 1
    assert shown[("headway_stream_resets_total", "trimmed")] == 1
    assert shown[("headway_streams_closed_total", "lifetime")] == 1
    assert shown[("headway_tasks_submitted_total", "crawl")] == 1


def test_the_histogram_counts_each_event_in_all_buckets_above_it():
    metrics = Metrics()
    for seconds in (0.0005, 0.003, 0.003, 0.4, 60.0, -0.001):
        metrics.delivered(seconds)
    shown = samples(metrics)
    counts = {key[1]: value for key, value in shown.items() if key[0] == "headway_delivery_latency_seconds_bucket"}
    assert (counts["0.001"], counts["0.005"], counts["0.5"], counts["5.0"], counts["+Inf"]) == (2, 4, 5, 5, 6)
    assert shown[("headway_delivery_latency_seconds_count",)] == 6


def test_every_family_is_explained():
    families = text_string_to_metric_families(Metrics().exposition().decode())
    assert all(family.documentation for family in families)


def test_processors_are_exposed_once_they_are_counted():
    metrics = Metrics()
    assert not [name for name, *_ in samples(metrics) if "processor" in name]
    metrics.processors = ProcessorCounts({"1": 2, "0.9": 1}, {"k": 3, "gone": 0}, 30, 7, {"gone": 4})
    shown = samples(metrics)
    assert shown[("headway_processors",)] == 3
    assert shown[("headway_processors_by_version", "0.9")] == 1
    assert shown[("headway_processors_by_kind", "gone")] == 0
    assert (shown[("headway_processor_slots", "busy")], shown[("headway_processor_slots", "free")]) == (7, 23)
    assert shown[("headway_tasks_without_processor", "gone")] == 4
