"""Helm, embedded: the few calls that the tests need."""

from __future__ import annotations

import json
from collections.abc import Iterator
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
    """The directory of a chart: of the umbrella, of one in it, or of the library."""
    return CHARTS / chart if chart in ("headway", "common") else CHARTS / "headway" / "charts" / chart


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
    documents = [yaml.safe_load_all(text) for name, text in sorted(files.items()) if name.endswith(".yaml")]
    return [item for document in documents for item in document if item]


def with_passwords(chart: str, given: dict[str, Any] | None) -> dict[str, Any]:
    """The values, and the passwords that the bundled NATS needs without a cluster."""
    auth = {"auth": {"passwords": PASSWORDS}}
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
    """What each template renders, of the chart at `at` if given. Rendering changes a loaded chart: each has its own."""
    options = {"name": release, "namespace": "default", "kube_version": kubernetes, "is_upgrade": upgrade}
    options |= {"is_install": not upgrade, "api_versions": CRDS if crds else []}
    with helm_python.Chart.load(at or path_of(chart)) as loaded:
        # `Chart.render` cannot say the versions of the cluster.
        values = json.dumps(with_passwords(chart, given))
        text = _native.call_string("helm_render", loaded._raw(), values, json.dumps(options))
    return json.loads(text)


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
