"""What may stand where: the JSON schema of a value, from its default and its place in values.yaml.

What an API server would refuse is refused here, where Helm names the value.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def text(pattern: str) -> Schema:
    """A text that the whole pattern matches."""
    return {"type": "string", "pattern": f"^({pattern})$"}


TYPES: dict[type, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer", "minimum": 0},
    float: {"type": "number", "minimum": 0},
    str: {"type": "string"},
    tuple: {"type": "array", "items": {"type": "string"}},
}
TEXT = TYPES[str]
PASSWORD = text("([A-Za-z][A-Za-z0-9_-]{15,})?")
"""nats-server reads it as a value of its configuration: a digit first may be a number, and # begins a comment."""
LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
NAME = text(f"({LABEL})?")
"""A name of an object, or nothing."""
HOST = text(rf"(\*\.)?{LABEL}(\.{LABEL})*")
"""A host name without scheme, port or path; `*.` stands for one label."""
DURATION = text(r"([0-9]+(ms|s|m|h))*")
PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
COUNT = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+%$"}, {"type": "null"}]}
"""A number of pods, or their share."""
LABELS = {
    "type": "object",
    "additionalProperties": {
        "type": ["string", "null"],
        "maxLength": 63,
        "pattern": "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
    },
}
"""Numbers and truth values need quotes."""
ANNOTATIONS = {"type": "object", "additionalProperties": {"type": ["string", "null"]}}
PLACES: dict[str, Schema] = {
    "autoscaling.hpa.minReplicas": {"type": "integer", "minimum": 1},
    "autoscaling.minReplicas": {"type": "integer", "minimum": 1},
    "fullnameOverride": NAME,
    "httpRoute.requestTimeout": DURATION,
    "image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "ingress.pathType": {"enum": ["Prefix", "Exact", "ImplementationSpecific"]},
    "metrics.image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "nameOverride": NAME,
    "nats.auth": {"enum": ["user", "creds", "nkey", None]},
    "nats.replicas": {"enum": [1, 3, 5]},
    "operator.password": PASSWORD,
    "pdb.maxUnavailable": COUNT,
    "pdb.minAvailable": COUNT,
    "prometheusRule.disabled": {"type": "array", "items": text("Headway[A-Za-z]+")},
    "pdb.unhealthyPodEvictionPolicy": {"enum": ["", "AlwaysAllow", "IfHealthyBudget"]},
    "podMonitor.interval": DURATION,
    "podMonitor.scrapeTimeout": DURATION,
    "service.externalTrafficPolicy": {"enum": ["", "Cluster", "Local"]},
    "service.ipFamilyPolicy": {"enum": ["", "SingleStack", "PreferDualStack", "RequireDualStack"]},
    "service.nodePort": {**PORT, "type": ["integer", "null"]},
    "service.port": PORT,
    "service.type": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
    **{f"auth.passwords.{role}": PASSWORD for role in ("streamer", "processor", "reporter")},
}
ITEMS: dict[str, Schema] = {
    "autoscaling.keda.kinds": TEXT,
    "extraObjects": {"type": ["object", "string"]},
    "global.imagePullSecrets": TEXT,
    "httpRoute.hostnames": HOST,
    "imagePullSecrets": TEXT,
    "ingress.hosts": HOST,
    "ingress.paths": text("/.*"),
    "service.ipFamilies": {"enum": ["IPv4", "IPv6"]},
    "service.loadBalancerSourceRanges": TEXT,
    "tasks": TEXT,
    "test.parameters": TEXT,
}
"""What lists consist of; the others of objects."""
FREE = ("podSecurityContext", "securityContext", "resources", "updateStrategy")
"""Maps that Kubernetes defines, and that take more than what is the default."""
GONE = {"auth": ("seed",)}
"""Values that pass because a template names their replacement."""


def schema(value: Any, path: str, given: dict[str, Schema]) -> Schema:
    """The schema of what may stand at `path`, where `value` is the default; `given` holds those of some places."""
    if found := given.get(path, PLACES.get(path)):
        return found
    last = path.rpartition(".")[2]
    if last.lower().endswith(("labels", "nodeselector")):
        return LABELS
    if last.lower().endswith("annotations"):
        return ANNOTATIONS
    if isinstance(value, list):
        return {"type": "array", "items": ITEMS.get(path, {"type": "object"})}
    if value is None:
        return {"type": ["integer", "null"], "minimum": 0}
    if not isinstance(value, dict):
        return TYPES[type(value)]
    if not value or last in FREE:
        return {"type": "object"}
    inner = {key: schema(one, f"{path}.{key}".lstrip("."), given) for key, one in value.items()}
    inner |= {key: {} for key in GONE.get(path, ())}
    return {"type": "object", "additionalProperties": False, "properties": inner}
