"""Helm, embedded: the few calls that the tests need."""

from __future__ import annotations

import json
import pickle
from collections.abc import Hashable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import helm_python
import yaml
from helm_python import _native

CHARTS = Path(__file__).parents[2] / "charts"
CRDS = ["gateway.networking.k8s.io/v1", "monitoring.coreos.com/v1", "keda.sh/v1alpha1"]
KUBERNETES = [f"1.{minor}" for minor in range(29, 38)]

PASSWORDS = {role: f"password-of-the-{role}" for role in ("streamer", "processor", "reporter")}
"""Given wherever there is no cluster that would keep random ones."""

Objects = list[dict[str, Any]]


def path_of(chart: str) -> Path:
    """The directory of the umbrella, or of a chart in it."""
    return CHARTS / chart if chart == "headway" else CHARTS / "headway" / "charts" / chart


def values(name: str) -> dict[str, Any]:
    """The ci values of that name."""
    loaded = yaml.safe_load((CHARTS / "headway" / "ci" / f"{name}-values.yaml").read_text())
    return loaded or {}


def merged(values: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Both, as Helm joins values files: `more` wins."""
    joined = dict(values)
    for name, value in more.items():
        joined[name] = merged(joined.get(name) or {}, value) if isinstance(value, dict) else value
    return joined


def render(
    chart: str = "headway",
    given: dict[str, Any] | None = None,
    *,
    kubernetes: str = "1.36",
    crds: bool = True,
    upgrade: bool = False,
    release: str = "demo",
    at: Path | None = None,
) -> Objects:
    """The objects of a chart. Raises HelmError."""
    files = render_files(chart, given, kubernetes=kubernetes, crds=crds, upgrade=upgrade, release=release, at=at)
    return [item for name, text in sorted(files.items()) if name.endswith(".yaml") for item in parsed(text)]


def parsed(text: str) -> Objects:
    """The objects of a rendered file. Fails on a key that appears twice, of which only the last would count."""
    return [item for item in pickle.loads(_parsed(text)) if item]


@cache
def _parsed(text: str) -> bytes:
    return pickle.dumps(list(yaml.load_all(text, UniqueKeys)))


class UniqueKeys(yaml.CSafeLoader):
    """Reads YAML by the C library, and takes no mapping with a key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]  # type: ignore[no-untyped-call]
        assert len(keys) == len(set(keys)), f"a key twice: {node.start_mark}"
        return super().construct_mapping(node, deep)


def with_passwords(chart: str, given: dict[str, Any] | None) -> dict[str, Any]:
    """The values, and the passwords that the bundled NATS needs without a cluster."""
    auth = {"auth": {"passwords": PASSWORDS}, "operator": {"password": "password-of-the-operator"}}
    return merged({"headway": {"nats": auth}, "nats": auth}.get(chart, {}), given or {})


def render_files(
    chart: str,
    given: dict[str, Any] | None = None,
    *,
    kubernetes: str = "1.36",
    crds: bool = True,
    upgrade: bool = False,
    release: str = "demo",
    at: Path | None = None,
) -> dict[str, str]:
    """What each template renders. With `at` the chart that is there is rendered again each time."""
    options = {"name": release, "namespace": "default", "kube_version": kubernetes, "is_upgrade": upgrade}
    options |= {"is_install": not upgrade, "api_versions": CRDS if crds else []}
    rendered = _rendered if at else _rendered_once
    return json.loads(rendered(at or path_of(chart), json.dumps(with_passwords(chart, given)), json.dumps(options)))


def _rendered(chart: Path, values: str, options: str) -> str:
    with helm_python.Chart.load(chart) as loaded:
        # `Chart.render` cannot say the versions of the cluster.
        return _native.call_string("helm_render", loaded._raw(), values, options)


_rendered_once = cache(_rendered)
"""The charts of the repository do not change while tests run."""


def one(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    """The only object of that kind and name."""
    (found,) = [item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name]
    return found


def pods(objects: Objects) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and pod template of everything that makes pods."""
    for item in objects:
        if item["kind"] == "Pod":
            yield item["metadata"]["name"], item
        elif template := item.get("spec", {}).get("template"):
            yield item["metadata"]["name"], template


def pod_labels(objects: Objects) -> dict[str, dict[str, str]]:
    """The labels that a cluster gives to the first pod of everything that makes pods."""
    labels = {name: dict(pod["metadata"]["labels"]) for name, pod in pods(objects)}
    for item in objects:
        if item["kind"] == "StatefulSet":
            name = item["metadata"]["name"]
            labels[name]["statefulset.kubernetes.io/pod-name"] = f"{name}-0"
    return labels
