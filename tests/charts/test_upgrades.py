"""An upgrade from the last released charts keeps every name, selector and immutable field."""

import copy
import json

import pytest

from tests.charts.helm import CHARTS, one, render
from tests.charts.upgrades import PREVIOUS, changes, immutable, rendered

SCENARIOS = json.loads(PREVIOUS.read_text())


@pytest.mark.parametrize("name", SCENARIOS)
def test_an_upgrade_changes_nothing_that_cannot_change(name):
    scenario = SCENARIOS[name]
    assert changes(scenario["objects"], rendered(scenario)) == []


def test_the_figures(chart_figures):
    objects = sum(len(scenario["objects"]) for scenario in SCENARIOS.values())
    fields = sum(len(one) for scenario in SCENARIOS.values() for one in scenario["objects"].values())
    assert objects > 80
    chart_figures(
        22, "upgrade from the last release", scenarios=len(SCENARIOS), objects=objects, fields=fields, changed=0
    )


def test_a_larger_store_is_what_the_how_to_changes_by_hand(chart_figures):
    small, large = render(), render(given={"nats": {"jetstream": {"size": "20Gi"}}})
    assert changes(immutable(small), immutable(large)) == ["StatefulSet demo-nats: spec.volumeClaimTemplates"]
    (template,) = one(large, "StatefulSet", "demo-nats")["spec"]["volumeClaimTemplates"]
    page = (CHARTS.parent / "docs" / "how-to" / "kubernetes" / "operate.md").read_text()
    assert f"persistentvolumeclaim {template['metadata']['name']}-demo-nats-0 " in page
    assert "kubectl delete statefulset demo-nats --cascade=orphan" in page
    chart_figures(10, "fields that a larger store may not change", by_hand=1, others=0)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("StatefulSet demo-nats", "spec.serviceName"), "demo-nats"),
        (("StatefulSet demo-nats", "spec.volumeClaimTemplates"), None),
        (("Deployment demo-streamer", "spec.selector"), {"matchLabels": {"app": "streamer"}}),
        (("Service demo-nats-headless", "spec.clusterIP"), None),
        (("Secret demo-nats-accounts", "type"), "kubernetes.io/basic-auth"),
    ],
)
def test_a_change_is_found(path, value):
    before = SCENARIOS["default"]["objects"]
    after = copy.deepcopy(before)
    name, field = path
    after[name][field] = value
    assert changes(before, after) == [f"{name}: {field}"]
    del after[name]
    assert changes(before, after) == [f"{name} is gone"]
