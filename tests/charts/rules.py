"""What Kubernetes accepts and would not work, or not be safe."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.charts import network
from tests.charts.helm import Objects, pod_labels, pods

Rule = Callable[[Objects], Iterator[str]]


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
    """Every selector finds the pods of one workload; pod templates carry selector labels and their component alone."""
    labels, templates = pod_labels(objects), dict(pods(objects))
    for item in objects:
        spec, name = item.get("spec", {}), item["metadata"]["name"]
        wanted = spec.get("podSelector", spec.get("selector"))
        if wanted is None:
            continue
        wanted = wanted.get("matchLabels", wanted)
        found = [pod for pod, its in labels.items() if wanted.items() <= its.items()]
        if len(found) != 1:
            yield f"{item['kind']} {name}: selects {found}"
        component = {"app.kubernetes.io/component": labels.get(name, {}).get("app.kubernetes.io/component")}
        if "template" in spec and templates[name]["metadata"]["labels"] != wanted | component:
            yield f"{name}: its pods have more labels than the selector"


def asks_a_port(container: dict[str, Any], probe: dict[str, Any]) -> bool:
    """Whether a probe runs a command, or asks a port that the container names."""
    port = probe.get("httpGet", probe.get("tcpSocket", {})).get("port")
    return "exec" in probe or port in {port["name"] for port in container.get("ports", [])}


def ports(objects: Objects) -> Iterator[str]:
    """Named ports exist in the pods; the first container has all probes, those beside it the one that restarts it."""
    for name, pod in pods(objects):
        if "restartPolicy" in pod["spec"]:  # a pod that ends by itself
            continue
        for place, container in enumerate(pod["spec"]["containers"]):
            asked = ("livenessProbe",) if place else ("startupProbe", "livenessProbe", "readinessProbe")
            yield from (f"{name}: {probe}" for probe in asked if not asks_a_port(container, container.get(probe, {})))
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


def budgets(objects: Objects) -> Iterator[str]:
    """A disruption budget lets a node be drained."""
    for item in objects:
        if item["kind"] == "PodDisruptionBudget":
            allowed, needed = (str(item["spec"].get(name, "")) for name in ("maxUnavailable", "minAvailable"))
            if allowed.rstrip("%") in ("", "0") and (not needed.endswith("%") or needed == "100%"):
                yield f"PodDisruptionBudget {item['metadata']['name']}: no pod may ever be evicted"


def policies(objects: Objects) -> Iterator[str]:
    """Network policies let through what the pods need, and nothing else."""
    through, wanted = network.let_through(objects), set(network.needed(objects))
    yield from (f"closed: {connection}" for connection in sorted(wanted - through))
    yield from (f"open: {connection}" for connection in sorted(through - wanted - set(network.tolerated(objects))))
    for name, pod in pods(objects):
        labels = dict(network.endpoints(objects)[name].labels)
        if "restartPolicy" not in pod["spec"] and not any(
            item["kind"] == "NetworkPolicy" and network.selects(item["spec"]["podSelector"], labels) for item in objects
        ):
            yield f"{name}: no network policy"


EXTERNAL = {"headway-tokens", "headway-nats", "nats-tls"}
"""Secrets that operators make themselves, in the ci values."""


def secrets(objects: Objects) -> Iterator[str]:
    """Every secret that is asked for is there, with its key; every other is for workers outside of the release."""
    made = {item["metadata"]["name"]: item["stringData"] for item in objects if item["kind"] == "Secret"}
    asked = set()
    for name, pod in pods(objects):
        keys = [
            e["valueFrom"]["secretKeyRef"]
            for c in pod["spec"]["containers"]
            for e in c.get("env", [])
            if "valueFrom" in e
        ]
        keys += [{"name": v["secret"]["secretName"]} for v in pod["spec"].get("volumes", []) if "secret" in v]
        for key in keys:
            asked.add(key["name"])
            if key["name"] in EXTERNAL:
                continue
            if key["name"] not in made or ("key" in key and key["key"] not in made[key["name"]]):
                yield f"{name}: asks for {key}"
    for name in {name for name in made.keys() - asked if not name.endswith("-reporter")}:
        yield f"Secret {name}: nobody asks for it"


UNITS = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def quantity(text: Any) -> float:
    """https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/; nan for what is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([a-zA-Z]*)", str(text))
    return float(found[1]) * UNITS[found[2]] if found and found[2] in UNITS else float("nan")


def quantities(objects: Objects) -> Iterator[str]:
    """Sizes are quantities; every container says what it asks for and how much memory it may take, and not less."""
    for name, pod in pods(objects):
        for container in pod["spec"]["containers"]:
            resources = container.get("resources", {})
            asked, limits = resources.get("requests", {}), resources.get("limits", {})
            if not {"cpu", "memory"} <= asked.keys() or "memory" not in limits:
                yield f"{name}: no requests, or no limit of memory"
            yield from (f"{name}: {text}" for text in [*asked.values(), *limits.values()] if not quantity(text) > 0)
            yield from (
                f"{name}: asks for more {what} than its limit"
                for what in asked.keys() & limits
                if quantity(asked[what]) > quantity(limits[what])
            )
        for volume in pod["spec"].get("volumes", []):
            size = volume.get("emptyDir", {}).get("sizeLimit", 1)
            if not quantity(size) > 0:
                yield f"{name}: {size}"


def scaling(objects: Objects) -> Iterator[str]:
    """What scales finds its workload, and nothing else says how many there are."""
    counted = []
    for item in objects:
        if item["kind"] not in ("HorizontalPodAutoscaler", "ScaledObject"):
            continue
        target = item["spec"]["scaleTargetRef"]["name"]
        counted.append(target)
        found = [o for o in objects if o["kind"] == "Deployment" and o["metadata"]["name"] == target]
        if len(found) != 1 or "replicas" in found[0]["spec"]:
            yield f"{item['kind']} {item['metadata']['name']}: {target} is not there, or has replicas of its own"
    if len(set(counted)) != len(counted):
        yield "two scale the same workload"


RULES: list[Rule] = [
    restricted, read_only, selectors, ports, mounts, environment, names,
    budgets, policies, secrets, quantities, scaling,
]  # fmt: skip
