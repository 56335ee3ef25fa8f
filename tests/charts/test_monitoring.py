"""Alerts and the dashboard ask for what the services count."""

import json
import re
import subprocess

import pytest
import yaml

from headway_processor.metrics import PrometheusMetrics
from headway_streamer.metrics import Metrics
from tests.charts.helm import CHARTS, one, render, values

DASHBOARD = CHARTS.parent / "deploy" / "grafana" / "headway.json"
SUFFIXES = ("", "_total", "_bucket", "_sum", "_count")


def counted():
    """The names of all series of both services."""
    pages = Metrics().exposition() + PrometheusMetrics(lambda: True).exposition()
    families = re.findall(r"^# TYPE (\S+)", pages.decode(), re.MULTILINE)
    return {family.removesuffix("_total") + suffix for family in families for suffix in SUFFIXES}


def asked(expression):
    return set(re.findall(r"\bheadway_\w+", expression))


@pytest.mark.parametrize("service", ["processor", "streamer"])
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
    'headway_store_usage_ratio{pod="p",part="store"}': "0.5x90",
    'headway_submissions_rejected_total{pod="p",reason="store_full"}': "3x90",
    'headway_submissions_rejected_total{pod="p",reason="too_large"}': "0+3x90",
    'headway_store_failures_total{pod="q",reason="store_full"}': "2x90",
    'headway_store_failures_total{pod="q",reason="unavailable"}': "0+1x90",
    'headway_nats_connected{service="processor",pod="q"}': "1x90",
    'headway_jobs_dead_lettered_total{pod="q",kind="crawl"}': "2x90",
    'headway_jobs_pending{pod="q",kind="crawl"}': "4x90",
    'headway_attempts_running{pod="q",kind="crawl"}': "10x90",
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
    "HeadwayDrainOverrun": {'headway_drain_overdue_streams{pod="p"}': "0x57 5 _x40"},
    "HeadwayStoreFills": {'headway_store_usage_ratio{pod="p",part="store"}': "0.5x40 0.75x50"},
    "HeadwaySubmitsRefused": {'headway_submissions_rejected_total{pod="p",reason="store_full"}': "3x57 9x33"},
    "HeadwayTasksWaitForSpace": {
        'headway_store_failures_total{pod="q",reason="store_full"}': "2x50 2+4x40",
    },
    "HeadwayDeadJobs": {'headway_jobs_dead_lettered_total{pod="q",kind="crawl"}': "2x50 3x40"},
    "HeadwayJobsWait": {'headway_jobs_pending{pod="q",kind="crawl"}': "101x90"},
    "HeadwayJobsNotTaken": {'headway_attempts_running{pod="q",kind="crawl"}': "10x40 0x50"},
    "HeadwayJobsFail": {
        'headway_attempts_finished_total{pod="q",kind="crawl",status="error"}': "0+40x90",
    },
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
        group
        for service in ("processor", "streamer")
        for group in one(objects, "PrometheusRule", f"demo-{service}")["spec"]["groups"]
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
