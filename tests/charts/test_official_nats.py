"""Three nodes by the official chart of NATS, rendered from a checkout: `NATS_CHART=k8s/helm/charts/nats`."""

import json
import os
import re
import subprocess
from pathlib import Path

import helm_python
import pytest
import yaml
from helm_python import _native

from tests.charts.helm import merged, one, values
from tests.fixtures.nats import BINARY
from tests.fixtures.pages import ROOT

CHART = Path(os.environ.get("NATS_CHART", "absent"))
pytestmark = pytest.mark.skipif(not CHART.is_dir(), reason="NATS_CHART does not name a checkout of the official chart")
HERE = ROOT / "deploy" / "nats"


def read(name):
    return yaml.safe_load((HERE / name).read_text())


def official(given):
    """The objects of the official chart for the release `nats`."""
    options = {"name": "nats", "namespace": "default", "kube_version": "1.34", "is_install": True}
    with helm_python.Chart.load(CHART) as chart:
        text = _native.call_string("helm_render", chart._raw(), json.dumps(given), json.dumps(options))
    documents = [yaml.safe_load_all(part) for part in json.loads(text).values()]
    return [item for document in documents for item in document if item]


def test_the_services_name_the_nodes_as_the_official_chart_does():
    objects = official(read("values-ha.yaml"))
    nodes = one(objects, "StatefulSet", "nats")["spec"]
    headless = one(objects, "Service", nodes["serviceName"])
    (port,) = [port["port"] for port in headless["spec"]["ports"] if port["name"] == "nats"]
    names = [f"nats://nats-{n}.{headless['metadata']['name']}:{port}" for n in range(nodes["replicas"])]
    urls = [given["global"]["nats"]["url"] for given in (read("values-headway.yaml"), values("ha"))]
    assert urls == [",".join(names)] * 2


def test_nats_accepts_what_the_official_chart_makes_of_the_values(tmp_path):
    objects = official(read("values-ha.yaml"))
    container = one(objects, "StatefulSet", "nats")["spec"]["template"]["spec"]["containers"][0]
    environment = {entry["name"]: "some-password" for entry in container["env"]}
    (tmp_path / "nats.conf").write_text(one(objects, "ConfigMap", "nats-config")["data"]["nats.conf"])
    done = subprocess.run(
        [BINARY, "--config", tmp_path / "nats.conf", "-t"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_with_tls_clients_and_nodes_are_asked_for_it(tmp_path):
    objects = official(merged(read("values-ha.yaml"), read("values-ha-tls.yaml")))
    text = one(objects, "ConfigMap", "nats-config")["data"]["nats.conf"]
    assert len(re.findall(r'"cert_file"', text)) == 2
    assert re.findall(r'"(tls://\S+)"', text) == [f"tls://nats-{n}.nats-headless:6222" for n in range(3)]
