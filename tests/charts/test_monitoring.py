"""Alerts and the dashboard ask for what the services count."""

import json
import re
import subprocess

import pytest
import yaml

from headway_processor.metrics import PrometheusMetrics
from headway_streamer.metrics import Metrics
from tests.charts.helm import CHARTS, merged, one, render, values

DASHBOARD = CHARTS / "headway" / "files" / "dashboards" / "headway.json"
SUFFIXES = ("", "_total", "_bucket", "_sum", "_count")


SERVICES = ["nats", "processor", "streamer"]
OF_NATS = {
    "nats_healthz_status",
    "nats_server_jetstream_disabled",
    "nats_stream_total_bytes",
    "nats_varz_connections",
    "nats_varz_in_msgs",
    "nats_varz_out_msgs",
    "nats_varz_slow_consumers",
}
"""Of what prometheus-nats-exporter 0.20.1 exports with the arguments that are rendered."""


def counted():
    """The names of all series of both services, and those of NATS."""
    pages = Metrics().exposition() + PrometheusMetrics(lambda: True).exposition()
    families = re.findall(r"^# TYPE (\S+)", pages.decode(), re.MULTILINE)
    return {family.removesuffix("_total") + suffix for family in families for suffix in SUFFIXES} | OF_NATS


def asked(expression):
    return set(re.findall(r"\b(?:headway|nats)_\w+", expression)) - {"nats_jetstream"}


@pytest.mark.parametrize("service", SERVICES)
def test_every_alert_asks_for_what_is_counted_and_says_what_to_do(service, rung):
    (group,) = one(render(given=values("monitoring")), "PrometheusRule", f"demo-{service}")["spec"]["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(names) == len(set(names))
    for rule in group["rules"]:
        assert asked(rule["expr"])
        assert asked(rule["expr"]) <= counted(), rule["alert"]
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}
    rung(f"alerts of the {service}", alerts=len(names))


def test_an_alert_that_is_disabled_is_not_installed():
    given = merged(values("monitoring"), {"streamer": {"prometheusRule": {"disabled": ["HeadwayNoProcessors"]}}})
    groups = [
        one(render(given=each), "PrometheusRule", "demo-streamer")["spec"]["groups"]
        for each in (values("monitoring"), given)
    ]
    names = [{rule["alert"] for rule in group["rules"]} for (group,) in groups]
    assert names[0] - names[1] == {"HeadwayNoProcessors"}


WELL = {
    'headway_watchers{pod="p"}': "50x90",
    'headway_events_received_total{pod="p"}': "0+60x90",
    'headway_events_sent_total{pod="p"}': "0+600x90",
    'headway_nats_connected{service="streamer",pod="p"}': "1x90",
    'headway_tail_probe_repairs_total{pod="p"}': "3x90",
    'headway_stream_resets_total{pod="p",reason="trimmed"}': "7x90",
    'headway_delivery_latency_seconds_bucket{pod="p",le="0.01"}': "0+100x90",
    'headway_delivery_latency_seconds_bucket{pod="p",le="1"}': "0+100x90",
    'headway_delivery_latency_seconds_bucket{pod="p",le="2"}': "0+100x90",
    'headway_delivery_latency_seconds_bucket{pod="p",le="+Inf"}': "0+100x90",
    'headway_drain_overdue_streams{pod="p"}': "0x90",
    'headway_limits_unheard_reports{pod="p"}': "1x90",
    'headway_processors{pod="p"}': "2x90",
    'headway_processors{pod="p2"}': "2x90",
    'headway_processors_by_version{pod="p",version="1.0"}': "1x20 2x70",
    'headway_processors_by_version{pod="p",version="0.9"}': "1x20 _x70",
    'headway_processor_slots{pod="p",state="free"}': "0x20 3x70",
    'headway_processor_slots{pod="p",state="busy"}': "20x20 17x70",
    'headway_tasks_without_processor{pod="p",kind="crawl"}': "0x40 4x3 0x47",
    'headway_store_usage_ratio{pod="p",part="store"}': "0.5x90",
    'headway_submissions_rejected_total{pod="p",reason="store_full"}': "3x90",
    'headway_submissions_rejected_total{pod="p",reason="too_large"}': "0+3x90",
    'headway_store_failures_total{pod="q",reason="store_full"}': "2x90",
    'headway_store_failures_total{pod="q",reason="unavailable"}': "0+1x90",
    'headway_nats_connected{service="processor",pod="q"}': "1x90",
    'headway_jobs_dead_lettered_total{pod="q",kind="crawl",reason="given_up"}': "2x90",
    'headway_jobs_dead_lettered_total{pod="q",kind="crawl",reason="failed"}': "0+3x90",
    'headway_jobs_pending{pod="q",kind="crawl"}': "4x90",
    'nats_healthz_status{pod="n"}': "0x90",
    'nats_server_jetstream_disabled{pod="n"}': "0x90",
    'nats_varz_slow_consumers{pod="n"}': "2x90",
    'headway_attempts_running{pod="q",kind="crawl"}': "10x90",
    'headway_handlers_abandoned{pod="q",kind="crawl"}': "0x20 1x5 0x65",
    'headway_attempts_finished_total{pod="q",kind="crawl",status="completed"}': "0+30x90",
    'headway_attempts_finished_total{pod="q",kind="crawl",status="error"}': "0+3x90",
}
"""An hour and a half in which nothing is wrong, a value a minute (promtool's notation)."""

WRONG = {
    "HeadwayWatchersStuck": {'headway_events_sent_total{pod="p"}': "0+600x20 12000x70"},
    "HeadwayStreamerWithoutNats": {'headway_nats_connected{service="streamer",pod="p"}': "1x40 0x50"},
    "HeadwayProbeRepairs": {'headway_tail_probe_repairs_total{pod="p"}': "0+2x90"},
    "HeadwayResets": {'headway_stream_resets_total{pod="p",reason="trimmed"}': "0+20x90"},
    "HeadwaySlowDelivery": {
        'headway_delivery_latency_seconds_bucket{pod="p",le="0.01"}': "0x90",
        'headway_delivery_latency_seconds_bucket{pod="p",le="1"}': "0+90x90",
    },
    "HeadwayNatsUnhealthy": {'nats_server_jetstream_disabled{pod="n"}': "0x40 1x50"},
    "HeadwayNatsSlowConsumers": {'nats_varz_slow_consumers{pod="n"}': "2x50 3x40"},
    "HeadwayDrainOverrun": {'headway_drain_overdue_streams{pod="p"}': "0x57 5 _x40"},
    "HeadwayNoProcessors": {'headway_processors{pod="p"}': "2x40 0x50", 'headway_processors{pod="p2"}': "2x40 0x50"},
    "HeadwayKindWithoutProcessor": {'headway_tasks_without_processor{pod="p",kind="crawl"}': "0x40 4x50"},
    "HeadwaySlotsBusy": {
        'headway_processor_slots{pod="p",state="free"}': "0x90",
        'headway_processor_slots{pod="p",state="busy"}': "20x90",
    },
    "HeadwayVersionsMixed": {'headway_processors_by_version{pod="p",version="0.9"}': "1x90"},
    "HeadwayStoreFills": {'headway_store_usage_ratio{pod="p",part="store"}': "0.5x40 0.75x50"},
    "HeadwayLimitsNotShared": {'headway_limits_unheard_reports{pod="p"}': "1x40 9x50"},
    "HeadwaySubmitsRefused": {'headway_submissions_rejected_total{pod="p",reason="store_full"}': "3x57 9x33"},
    "HeadwayTasksWaitForSpace": {
        'headway_store_failures_total{pod="q",reason="store_full"}': "2x50 2+4x40",
    },
    "HeadwayDeadJobs": {'headway_jobs_dead_lettered_total{pod="q",kind="crawl",reason="given_up"}': "2x50 3x40"},
    "HeadwayJobsWait": {'headway_jobs_pending{pod="q",kind="crawl"}': "101x90"},
    "HeadwayJobsNotTaken": {'headway_attempts_running{pod="q",kind="crawl"}': "10x40 0x50"},
    "HeadwayJobsFail": {
        'headway_attempts_finished_total{pod="q",kind="crawl",status="error"}': "0+40x90",
    },
    "HeadwayHandlersAbandoned": {'headway_handlers_abandoned{pod="q",kind="crawl"}': "0x40 2x50"},
    "HeadwayProcessorWithoutNats": {'headway_nats_connected{service="processor",pod="q"}': "1x40 0x50"},
}
"""What is different when an alert should fire, at the end of the first hour."""


def alerting(case, changed):
    """A test for promtool: exactly these alerts fire after an hour."""
    series = [
        {"series": name.replace("{", '{namespace="n",'), "values": text} for name, text in (WELL | changed).items()
    ]
    firing = [{"labels": f'{{alertname="{case}"}}', "value": 1}] if case else []
    query = 'count by (alertname) (ALERTS{alertstate="firing"})'
    return {
        "name": case or "well",
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [{"expr": query, "eval_time": "60m", "exp_samples": firing}],
    }


@pytest.mark.needs("promtool")
def test_every_alert_fires_when_it_should_and_only_then(tmp_path, rung):
    objects = render(given=values("monitoring"))
    groups = [
        group for service in SERVICES for group in one(objects, "PrometheusRule", f"demo-{service}")["spec"]["groups"]
    ]
    assert {rule["alert"] for group in groups for rule in group["rules"]} == set(WRONG)
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))
    tests = [alerting("", {}), *(alerting(name, changed) for name, changed in WRONG.items())]
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": tests}))
    done = subprocess.run(["promtool", "test", "rules", "tests.yaml"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rung("alerts that fire in promtool", alerts=len(WRONG), quiet_when_well=len(WRONG))


def test_the_dashboard_asks_for_what_is_counted(rung):
    panels = [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]
    for panel in panels:
        assert panel["description"]
        for target in panel["targets"]:
            assert asked(target["expr"])
            assert asked(target["expr"]) <= counted(), panel["title"]
    rung("Grafana dashboard", panels=len(panels))


def test_the_exporter_tells_totals_and_no_subjects():
    objects = render(given=values("monitoring"))
    _, exporter = one(objects, "StatefulSet", "demo-nats")["spec"]["template"]["spec"]["containers"]
    assert exporter["image"] == "natsio/prometheus-nats-exporter:0.20.1"
    *flags, url = exporter["args"]
    assert url == "http://127.0.0.1:8222"
    assert "http: 127.0.0.1:8222" in one(objects, "ConfigMap", "demo-nats")["data"]["nats.conf"]
    assert {flag.partition("=")[0] for flag in flags} == {
        "-addr", "-port", "-prefix", "-use_internal_server_name", "-varz", "-healthz", "-jsz"
    }  # fmt: skip
    (port,) = exporter["ports"]
    assert f"-port={port['containerPort']}" in flags
    assert "readinessProbe" not in exporter  # NATS serves without it
    image = {"registry": "registry.example.org", "digest": "sha256:" + "0" * 64}
    given = merged(values("monitoring"), {"nats": {"metrics": {"image": image}}})
    _, pinned = one(render(given=given), "StatefulSet", "demo-nats")["spec"]["template"]["spec"]["containers"]
    assert pinned["image"] == f"registry.example.org/natsio/prometheus-nats-exporter@{image['digest']}"


JOBS = [
    ("nothing is known yet", {}, 0),
    ("jobs wait and none has run", {'headway_jobs_pending{pod="demo-processor-a",kind="check"}': "7x10"}, 7),
    (
        "all processors count the same queue, and each its own attempts",
        {
            'headway_jobs_pending{pod="demo-processor-a",kind="check"}': "30x10",
            'headway_jobs_pending{pod="demo-processor-b",kind="check"}': "30x10",
            'headway_jobs_pending{pod="demo-processor-b",kind="crawl"}': "9x10",
            'headway_jobs_pending{pod="heavy-processor-b",kind="check"}': "99x10",
            'headway_attempts_running{pod="demo-processor-a",kind="check"}': "10x10",
            'headway_attempts_running{pod="demo-processor-b",kind="check"}': "5x10",
        },
        45,
    ),
]


@pytest.mark.needs("promtool")
def test_keda_counts_the_jobs_that_wait_and_run(tmp_path, rung):
    (trigger,) = one(render(given=values("keda")), "ScaledObject", "demo-processor")["spec"]["triggers"]
    query = trigger["metadata"]["query"]
    assert trigger["type"] == "prometheus"
    assert asked(query) <= counted()
    tests = [
        {
            "name": name,
            "interval": "1m",
            "input_series": [
                {"series": series.replace("{", '{namespace="default",'), "values": text}
                for series, text in given.items()
            ],
            "promql_expr_test": [
                {"expr": query, "eval_time": "5m", "exp_samples": [{"labels": "{}", "value": expected}]}
            ],
        }
        for name, given, expected in JOBS
    ]
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"tests": tests}))
    done = subprocess.run(["promtool", "test", "rules", "tests.yaml"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rung("KEDA's query in promtool", cases=len(JOBS))


def test_keda_asks_the_monitor_of_an_external_nats():
    keda = {"prometheus": "", "monitoringEndpoint": "nats.messaging:8222", "minReplicas": 0}
    given = merged(values("external-nats"), values("keda"))
    given = merged(given, {"processor": {"autoscaling": {"keda": keda}}})
    (trigger,) = one(render(given=given), "ScaledObject", "demo-processor")["spec"]["triggers"]
    assert trigger["type"] == "nats-jetstream"
    assert trigger["metadata"]["natsServerMonitoringEndpoint"] == "nats.messaging:8222"
    assert trigger["metadata"]["consumer"] == "check"
