"""What Kubernetes accepts and would not work, or not be safe. Each rule is shown to fire."""

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.charts.helm import Objects, render, values
from tests.charts.test_render import SCENARIOS

Rule = Callable[[Objects], Iterator[str]]


def pods(objects: Objects) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and pod template of everything that makes pods."""
    for item in objects:
        if item["kind"] == "Pod":
            yield item["metadata"]["name"], item
        elif template := item.get("spec", {}).get("template"):
            yield item["metadata"]["name"], template


def restricted(objects: Objects) -> Iterator[str]:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    for name, pod in pods(objects):
        spec = pod["spec"]
        whole = spec.get("securityContext", {})
        if whole.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{name}: no seccomp profile"
        if not whole.get("runAsNonRoot") or not whole.get("runAsUser"):
            yield f"{name}: may run as root"
        if spec.get("automountServiceAccountToken") is not False or spec.get("enableServiceLinks") is not False:
            yield f"{name}: gets a token or service links"
        if any("hostPath" in volume for volume in spec.get("volumes", [])) or spec.get("hostNetwork"):
            yield f"{name}: sees the host"
        for container in spec["containers"] + spec.get("initContainers", []):
            own = container.get("securityContext", {})
            if own.get("allowPrivilegeEscalation") is not False or own.get("capabilities") != {"drop": ["ALL"]}:
                yield f"{name}: may gain privileges"


def read_only(objects: Objects) -> Iterator[str]:
    """Nothing writes to its root."""
    for name, pod in pods(objects):
        for container in pod["spec"]["containers"]:
            if not container.get("securityContext", {}).get("readOnlyRootFilesystem"):
                yield f"{name}: may write to its root"


def selectors(objects: Objects) -> Iterator[str]:
    """Every selector finds the pods of one workload; pod templates carry selector labels alone."""
    labels = {name: pod["metadata"]["labels"] for name, pod in pods(objects)}
    for item in objects:
        spec, name = item.get("spec", {}), item["metadata"]["name"]
        wanted = spec.get("podSelector", spec.get("selector"))
        if wanted is None:
            continue
        wanted = wanted.get("matchLabels", wanted)
        found = [pod for pod, its in labels.items() if wanted.items() <= its.items()]
        if len(found) != 1:
            yield f"{item['kind']} {name}: selects {found}"
        if "template" in spec and labels[name] != wanted:
            yield f"{name}: its pods have more labels than the selector"


def ports(objects: Objects) -> Iterator[str]:
    """Named ports exist in the pods."""
    for name, pod in pods(objects):
        if "restartPolicy" in pod["spec"]:  # a pod that ends by itself
            continue
        for container in pod["spec"]["containers"]:
            known = {port["name"] for port in container.get("ports", [])}
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                port = container.get(probe, {}).get("httpGet", {}).get("port")
                if port not in known:
                    yield f"{name}: {probe} asks {port}"
    every = {p["name"] for _, pod in pods(objects) for c in pod["spec"]["containers"] for p in c.get("ports", [])}
    for item in objects:
        if item["kind"] == "Service":
            for port in item["spec"]["ports"]:
                if port["targetPort"] not in every:
                    yield f"Service {item['metadata']['name']}: no port {port['targetPort']}"


def mounts(objects: Objects) -> Iterator[str]:
    """Every mount has a volume, every volume a mount."""
    for name, pod in pods(objects):
        volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])}
        for owner in objects:
            if owner["metadata"]["name"] == name:
                claims = owner.get("spec", {}).get("volumeClaimTemplates", [])
                volumes |= {claim["metadata"]["name"] for claim in claims}
        mounted = {mount["name"] for c in pod["spec"]["containers"] for mount in c.get("volumeMounts", [])}
        if volumes != mounted:
            yield f"{name}: volumes {sorted(volumes)}, mounted {sorted(mounted)}"


def environment(objects: Objects) -> Iterator[str]:
    """No variable twice, and all values are strings."""
    for name, pod in pods(objects):
        for container in pod["spec"]["containers"]:
            entries = container.get("env", [])
            if len({entry["name"] for entry in entries}) != len(entries):
                yield f"{name}: a variable twice"
            if any("e+" in str(entry.get("value", "")) for entry in entries):
                yield f"{name}: a number with an exponent"


def names(objects: Objects) -> Iterator[str]:
    """DNS labels of at most 63 characters."""
    for item in objects:
        name = item["metadata"]["name"]
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name):
            yield f"{item['kind']} {name}: not a DNS label"


RULES: list[Rule] = [restricted, read_only, selectors, ports, mounts, environment, names]


EXCEPT = [(read_only, "tilt")]
"""Tilt replaces sources in the running containers."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
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
    ],
    ids=lambda value: value.__name__,
)
def test_each_rule_fires(rule, spoil):
    objects = copy.deepcopy(render())
    spoil(objects)
    assert list(rule(objects))
