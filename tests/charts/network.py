"""Network policies, evaluated: which connections they let through, and which the rendered objects need.

As https://kubernetes.io/docs/concepts/services-networking/network-policies/ has it: a pod that no policy selects for a
direction is open in it; otherwise one rule must allow the connection, at either end.
"""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.charts.helm import Objects, pod_labels, pods

NAMESPACE = "default"


class Endpoint(NamedTuple):
    """A pod, or an address outside of the cluster."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()
    namespace: str = NAMESPACE
    ports: tuple[tuple[str, int], ...] = ()
    """Names and numbers of its ports."""
    address: str = ""


class Connection(NamedTuple):
    source: str
    target: str
    port: int
    protocol: str = "TCP"


STRANGER = Endpoint("stranger", (("app.kubernetes.io/name", "other"),))
IMITATOR = Endpoint("imitator", (("app.kubernetes.io/component", "streamer"), ("app.kubernetes.io/instance", "other")))
SCRAPER = Endpoint("prometheus", (("app.kubernetes.io/name", "prometheus"),), "monitoring")
DNS = Endpoint("dns", (("k8s-app", "kube-dns"),), "kube-system", (("dns", 53),))
PUBLIC = Endpoint("public", address="93.184.215.14")
PRIVATE = Endpoint("private", address="10.9.8.7")
METADATA = Endpoint("metadata", address="169.254.169.254")
OUTSIDE = (STRANGER, IMITATOR, SCRAPER, DNS, PUBLIC, PRIVATE, METADATA)
PORTS = (53, 80, 443, 4222, 4333, 5432, 8222)
"""Tried besides those that the pods name."""


def endpoints(objects: Objects) -> dict[str, Endpoint]:
    """The pods of the release, and others in the cluster and outside."""
    found = {one.name: one for one in OUTSIDE}
    labels = pod_labels(objects)
    for name, pod in pods(objects):
        ports = [(p["name"], p["containerPort"]) for c in pod["spec"]["containers"] for p in c.get("ports", [])]
        found[name] = Endpoint(name, tuple(labels[name].items()), ports=tuple(ports))
    return found


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """A label selector; an empty one selects everything."""
    given = selector.get("matchLabels", {}).items() <= labels.items()
    return given and all(
        {"In": labels.get(one["key"]) in one["values"]}[one["operator"]] for one in selector.get("matchExpressions", [])
    )


def matches_peer(peer: dict[str, Any], other: Endpoint) -> bool:
    """Whether the other end is that peer of a policy in the release's namespace."""
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        inside = (
            [ip_address(other.address) in ip_network(net) for net in block.get("except", [])] if other.address else []
        )
        return bool(other.address) and ip_address(other.address) in ip_network(block["cidr"]) and not any(inside)
    if other.address:
        return False
    if "namespaceSelector" in peer:
        if not selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": other.namespace}):
            return False
    elif other.namespace != NAMESPACE:
        return False
    return selects(peer.get("podSelector", {}), dict(other.labels))


def matches(rule: dict[str, Any], key: str, other: Endpoint, target: Endpoint, connection: Connection) -> bool:
    """Whether the rule allows the connection; a port's name is that of the target."""
    for port in rule.get("ports", [{"protocol": connection.protocol}]):
        number = port.get("port", connection.port)
        number = dict(target.ports).get(number) if isinstance(number, str) else number
        if number == connection.port and port.get("protocol", "TCP") == connection.protocol:
            return key not in rule or any(matches_peer(peer, other) for peer in rule[key])
    return False


def policies_of(objects: Objects, own: Endpoint, direction: str) -> list[dict[str, Any]]:
    """The policies that select the pod for that direction."""
    if own.address or own.namespace != NAMESPACE:
        return []
    every = [item["spec"] for item in objects if item["kind"] == "NetworkPolicy"]
    found = [policy for policy in every if selects(policy["podSelector"], dict(own.labels))]
    return [policy for policy in found if direction in policy["policyTypes"]]


def allows(objects: Objects, ends: dict[str, Endpoint], connection: Connection) -> bool:
    """Whether the policies let the connection through at both ends."""
    source, target = ends[connection.source], ends[connection.target]
    for direction, own, other, key in (("Egress", source, target, "to"), ("Ingress", target, source, "from")):
        policies = policies_of(objects, own, direction)
        rules = [rule for policy in policies for rule in policy.get(direction.lower()) or []]
        if policies and not any(matches(rule, key, other, target, connection) for rule in rules):
            return False
    return True


def let_through(objects: Objects) -> set[Connection]:
    """The connections that the policies allow, of those that begin or end at a pod with a policy."""
    ends = endpoints(objects)
    closed = {name for name, end in ends.items() if policies_of(objects, end, "Ingress")}
    return {
        connection
        for source in ends
        for target in ends
        if source != target and {source, target} & closed
        for number in numbers(ends)
        for protocol in ("TCP", "UDP")
        if allows(objects, ends, connection := Connection(source, target, number, protocol))
    }


def numbers(ends: dict[str, Endpoint]) -> set[int]:
    """The ports that are tried."""
    return {number for end in ends.values() for _, number in end.ports} | set(PORTS)


def behind(objects: Objects, ends: dict[str, Endpoint], host: str, port: int) -> Iterator[tuple[str, int]]:
    """The pods and ports behind the name of a Service; of another name anything outside of the release."""
    services = [item["spec"] for item in objects if item["kind"] == "Service" and item["metadata"]["name"] == host]
    for service in services:
        (wanted,) = [one["targetPort"] for one in service["ports"] if one["port"] == port]
        for name, end in ends.items():
            if service["selector"].items() <= dict(end.labels).items():
                yield name, dict(end.ports)[wanted]
    if not services:
        yield from ((name, port) for name in ends if not policies_of(objects, ends[name], "Ingress"))


def variables(pod: dict[str, Any]) -> dict[str, str]:
    """The plain environment of a pod's first container."""
    return {entry["name"]: entry.get("value", "") for entry in pod["spec"]["containers"][0].get("env", [])}


def needed(objects: Objects) -> Iterator[Connection]:
    """What the rendered objects connect to: NATS, a resolver, streamers, what monitors scrape, the web."""
    ends = endpoints(objects)
    for name, pod in pods(objects):
        known = variables(pod)
        for url in map(urlsplit, filter(None, known.get("HEADWAY_NATS_URL", "").split(","))):
            for target, port in behind(objects, ends, url.hostname or "", url.port or 4222):
                yield Connection(name, target, port)
            yield from (Connection(name, DNS.name, 53, protocol) for protocol in ("TCP", "UDP"))
        if {"crawl", "bulk", "cluster"} & set(known.get("HEADWAY_PROCESSOR_BUILTIN_KINDS", "").split(",")):
            yield from (Connection(name, PUBLIC.name, port) for port in numbers(ends))
        if dict(ends[name].labels).get("app.kubernetes.io/component") == "streamer":
            callers = [one for one, end in ends.items() if not policies_of(objects, end, "Egress")]
            yield from (Connection(one, name, dict(ends[name].ports)["http"]) for one in callers)
    for monitor in [item["spec"] for item in objects if item["kind"] == "PodMonitor"]:
        for name, end in ends.items():
            if selects(monitor["selector"], dict(end.labels)):
                for port in (dict(end.ports)[one["port"]] for one in monitor["podMetricsEndpoints"]):
                    yield Connection(SCRAPER.name, name, port)


def tolerated(objects: Objects) -> Iterator[Connection]:
    """What is open besides, because nobody can say from the objects who it is: any resolver, scrapers in any pod."""
    ends = endpoints(objects)
    for name, pod in pods(objects):
        if "HEADWAY_NATS_URL" in variables(pod):
            yield from (Connection(name, one, 53, protocol) for one in ends for protocol in ("TCP", "UDP"))
    for scraped in [one for one in needed(objects) if one.source == SCRAPER.name]:
        yield from (scraped._replace(source=name) for name, end in ends.items() if not end.address)
