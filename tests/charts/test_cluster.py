"""What `make cluster` sets and reads is in the charts: it runs only where there is a cluster."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.charts.helm import one, render
from tests.cluster import steps
from tests.cluster.release import NAME, QUICK, ClusterError
from tests.cluster.steps import STEPS


def values_of(text):
    """The values of `--set` options, as a tree."""
    tree = {}
    for path, value in re.findall(r'"((?:nats|processor|streamer)\.[A-Za-z.]+)=([^"]*)"', text):
        *above, last = path.split(".")
        inner = tree
        for name in above:
            inner = inner.setdefault(name, {})
        inner[last] = {"true": True}.get(value, int(value) if value.isdigit() else value)
    return tree


SOURCE = "".join(map(json.dumps, QUICK)) + Path(steps.__file__).read_text()
GIVEN = values_of(SOURCE.replace("{SMALL}", steps.SMALL).replace("{LARGE}", steps.LARGE))


def test_every_value_that_a_step_sets_exists(chart_figures):
    objects = render(given=GIVEN, release=NAME)
    assert GIVEN["nats"]["auth"] == {"rotation": 2, "revocation": 2}
    for kind, name in (
        ("Deployment", steps.STREAMER),
        ("Deployment", steps.PROCESSOR),
        ("StatefulSet", steps.NATS),
        ("Secret", steps.SECRET),
        ("Job", f"{NAME}-adapt"),
    ):
        assert one(objects, kind, name)
    (template,) = one(objects, "StatefulSet", steps.NATS)["spec"]["volumeClaimTemplates"]
    assert f"{template['metadata']['name']}-{steps.NATS}-0" == steps.CLAIM
    assert len([item for item in objects if item["kind"] == "HorizontalPodAutoscaler"]) == 2
    chart_figures(21, "steps on a cluster", steps=len(STEPS), objects=len(objects))


def test_a_step_that_finds_what_it_must_not_find_is_false():
    pods = {"nats": {"a": True}, "processor": {"b": False}, "streamer": {"c": True, "d": True}}
    release = SimpleNamespace(
        namespace="n", values=[], kubectl=lambda *_: "", install=lambda: None, pods=lambda component: pods[component]
    )
    with pytest.raises(ClusterError, match="0 of 1 pods of processor are ready"):
        steps.install(release, True)
    pods["processor"]["b"] = True
    assert steps.install(release, True) == "4 pods ready in a restricted namespace"
