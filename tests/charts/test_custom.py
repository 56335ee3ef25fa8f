"""Objects of kinds that are not Kubernetes' own, against the types and the schemas of `@kubernetes-models`."""

import json
import subprocess
from copy import deepcopy
from pathlib import Path

import pytest

from tests.charts.helm import Objects, render, values
from tests.charts.test_render import CUSTOM, SCENARIOS

HERE = Path(__file__).parent / "crds"
PACKAGES = {
    "gateway.networking.k8s.io/v1": "gateway-api",
    "keda.sh/v1alpha1": "keda",
    "monitoring.coreos.com/v1": "prometheus-operator",
}
pytestmark = pytest.mark.needs("node", "npm ci --prefix tests/charts/crds")


@pytest.fixture(scope="module")
def custom() -> Objects:
    """What all scenarios render of them, each once."""
    every = [item for scenario in SCENARIOS for item in render(given=values(scenario)) if item["kind"] in CUSTOM]
    assert {item["kind"] for item in every} == CUSTOM
    return list({json.dumps(item): item for item in every}.values())


def untyped(objects: Objects, directory: Path) -> str:
    """What the TypeScript compiler says against them: it knows every field, and refuses one that it does not know."""
    text = ""
    for place, item in enumerate(objects):
        module = f"@kubernetes-models/{PACKAGES[item['apiVersion']]}/{item['apiVersion']}/{item['kind']}"
        text += f'import type {{ I{item["kind"]} as I{place} }} from "{module}"\n'
        text += f"export const object{place}: I{place} = {json.dumps(item)}\n"
    (directory / "objects.ts").write_text(text)
    (directory / "node_modules").symlink_to(HERE / "node_modules")
    compiler = HERE / "node_modules" / "typescript" / "bin" / "tsc"
    options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "esnext", "--moduleResolution", "bundler"]
    command = ["node", str(compiler), *options, "objects.ts"]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=100).stdout


def invalid(objects: Objects) -> list[str]:
    """What the schemas say against them: patterns, ranges, enumerations."""
    pairs = json.dumps([[PACKAGES[item["apiVersion"]], item] for item in objects])
    done = subprocess.run(["node", "validate.mjs"], cwd=HERE, input=pairs, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_objects_of_custom_kinds_are_what_their_makers_define(custom, tmp_path, rung):
    assert untyped(custom, tmp_path) == ""
    assert invalid(custom) == []
    rung("objects of custom kinds against @kubernetes-models", kinds=len(CUSTOM), objects=len(custom))


def spoiled(objects: Objects, kind: str) -> dict:
    return next(item for item in deepcopy(objects) if item["kind"] == kind)


def test_an_unknown_field_is_found(custom, tmp_path):
    route = spoiled(custom, "HTTPRoute")
    route["spec"]["rules"][0]["timeout"] = route["spec"]["rules"][0].pop("timeouts")
    assert "TS2353" in untyped([route], tmp_path)  # an unknown property


def test_a_value_that_the_schema_refuses_is_found(custom):
    route = spoiled(custom, "HTTPRoute")
    route["spec"]["rules"][0]["timeouts"]["request"] = "without end"
    scaled = spoiled(custom, "ScaledObject")
    del scaled["spec"]["triggers"][0]["type"]
    assert len(invalid([route, scaled])) == 2
