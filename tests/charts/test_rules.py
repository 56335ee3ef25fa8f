"""No object breaks a rule, and each rule is shown to fire."""

import copy
from typing import Any

import pytest

from tests.charts.helm import Objects, merged, one, pods, render, values
from tests.charts.rules import (
    RULES,
    budgets,
    environment,
    mounts,
    names,
    policies,
    ports,
    quantities,
    read_only,
    restricted,
    scaling,
    secrets,
    selectors,
)  # fmt: skip
from tests.charts.test_render import SCENARIOS

EXCEPT = [(read_only, "tilt"), (selectors, "full")]
"""Tilt replaces sources in the running containers; pods of the full scenario have labels of their own."""


HARDENING = (policies, read_only, restricted, secrets)
MARKED = [pytest.param(rule, marks=pytest.mark.security) if rule in HARDENING else rule for rule in RULES]


@pytest.mark.parametrize("rule", MARKED, ids=lambda rule: rule.__name__)
def test_no_object_breaks_a_rule(rule, rung):
    checked = 0
    scenarios = [scenario for scenario in SCENARIOS if (rule, scenario) not in EXCEPT]
    for scenario in scenarios:
        objects = render(given=values(scenario))
        checked += len(objects)
        assert list(rule(objects)) == [], scenario
    rung(f"rule: {rule.__name__}", scenarios=len(scenarios), objects=checked)


def pod_of(objects: Objects, name: str) -> dict[str, Any]:
    return dict(pods(objects))[name]["spec"]


def root(objects):
    pod_of(objects, "demo-streamer")["securityContext"]["runAsNonRoot"] = False


def writable(objects):
    pod_of(objects, "demo-streamer")["containers"][0]["securityContext"]["readOnlyRootFilesystem"] = False


def lost_selector(objects):
    next(item for item in objects if item["kind"] == "Service")["spec"]["selector"] = {"app": "other"}


def lost_port(objects):
    pod_of(objects, "demo-processor")["containers"][0]["ports"] = []


def lost_volume(objects):
    pod_of(objects, "demo-streamer")["volumes"] = []


def twice(objects):
    entries = pod_of(objects, "demo-streamer")["containers"][0]["env"]
    entries.append(entries[0])


def closed_for_ever(objects):
    next(item for item in objects if item["kind"] == "PodDisruptionBudget")["spec"]["maxUnavailable"] = 0


def policy_of(objects, name):
    return next(o for o in objects if o["kind"] == "NetworkPolicy" and o["metadata"]["name"] == name)["spec"]


def no_names(objects):
    del policy_of(objects, "demo-streamer")["egress"][0]


def no_service(objects):
    policy_of(objects, "demo-nats")["ingress"][0]["from"][0]["podSelector"]["matchLabels"] = {"app": "other"}


def no_nats(objects):
    del policy_of(objects, "demo-processor")["egress"][1]


def no_scraping(objects):
    policy_of(objects, "demo-processor")["ingress"] = []


def any_client(objects):
    del policy_of(objects, "demo-nats")["ingress"][0]["from"]


def any_port(objects):
    policy_of(objects, "demo-streamer")["ingress"].append({"from": [{"namespaceSelector": {}}]})


def private_addresses(objects):
    policy_of(objects, "demo-processor")["egress"].append({"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]})


def no_policy(objects):
    objects[:] = [
        item for item in objects if (item["kind"], item["metadata"]["name"]) != ("NetworkPolicy", "demo-nats")
    ]


def no_secret(objects):
    objects[:] = [item for item in objects if item["kind"] != "Secret"]


def lost_key(objects):
    del one(objects, "Secret", "demo-nats-accounts")["stringData"]["streamer-password"]


def no_quantity(objects):
    pod_of(objects, "demo-streamer")["containers"][0]["resources"]["limits"]["memory"] = "1gb"


def more_than_the_limit(objects):
    pod_of(objects, "demo-streamer")["containers"][0]["resources"]["requests"]["memory"] = "2Gi"


def counted_twice(objects):
    next(o for o in objects if o["kind"] == "Deployment" and "replicas" not in o["spec"])["spec"]["replicas"] = 2


def bad_name(objects):
    objects[0]["metadata"]["name"] = "Not_A_Label"


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        (restricted, root),
        (read_only, writable),
        (selectors, lost_selector),
        (ports, lost_port),
        (mounts, lost_volume),
        (environment, twice),
        (names, bad_name),
        (budgets, closed_for_ever),
        (policies, no_names),
        (policies, no_service),
        (policies, no_nats),
        (policies, no_scraping),
        (policies, any_client),
        (policies, any_port),
        (policies, private_addresses),
        (policies, no_policy),
        (secrets, no_secret),
        (secrets, lost_key),
        (quantities, no_quantity),
        (quantities, more_than_the_limit),
        (scaling, counted_twice),
    ],
    ids=lambda value: value.__name__,
)
def test_each_rule_fires(rule, spoil):
    objects = copy.deepcopy(
        render(given=merged(values("monitoring"), {"streamer": {"autoscaling": {"enabled": True}}}))
    )
    assert not list(rule(objects))
    spoil(objects)
    assert list(rule(objects))
