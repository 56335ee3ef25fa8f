"""Alerts and the dashboard ask for what the services count."""

import json
import re
import shutil
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


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (of Debian's prometheus) is not on PATH")
@pytest.mark.parametrize("service", ["processor", "streamer"])
def test_prometheus_understands_every_alert(service, tmp_path):
    rules = {"groups": one(render(given=values("monitoring")), "PrometheusRule", f"demo-{service}")["spec"]["groups"]}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules))
    done = subprocess.run(["promtool", "check", "rules", "rules.yaml"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_dashboard_asks_for_what_is_counted(rung):
    panels = [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]
    for panel in panels:
        assert panel["description"]
        for target in panel["targets"]:
            assert asked(target["expr"])
            assert asked(target["expr"]) <= counted(), panel["title"]
    rung("Grafana dashboard", panels=len(panels))
