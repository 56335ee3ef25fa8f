"""What the pages tell people to set can be set, and what they tell them to look for is there."""

import re

import pytest
import yaml

from headway_kinds.settings import Settings as Kinds
from headway_processor.settings import Settings as Processor
from headway_streamer.settings import Settings as Streamer
from tests.charts.helm import CHARTS, one, path_of, render, values
from tests.charts.test_environment import camel

PAGES = sorted((CHARTS.parent / "docs" / "how-to").rglob("*.md"))
NAMED = re.compile(r"(?:--set |`)((?:global|nats|processor|streamer|test)\.[A-Za-z.]+?)(?:[=`\s])")


def paths(tree, above=""):
    for name, value in tree.items():
        yield above + name
        if isinstance(value, dict):
            yield from paths(value, f"{above}{name}.")


@pytest.fixture(scope="module")
def known():
    """All values: of the umbrella, and of the other charts by themselves and by their names; keys of secrets."""
    found = set(paths(yaml.safe_load((CHARTS / "headway" / "values.yaml").read_text())))
    for chart in ("nats", "processor", "streamer"):
        tree = yaml.safe_load((path_of(chart) / "values.yaml").read_text())
        found |= {*paths(tree), *paths(tree, f"{chart}.")}
        found |= {text for name, text in tree.get("nats", {}).items() if name.endswith("Key")}
    for chart, settings in (("processor", Processor), ("processor", Kinds), ("streamer", Streamer)):
        found |= {f"{chart}.config.{camel(name)}" for name in settings.__struct_fields__}
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_values_that_pages_name_are_there(page, known):
    assert [name for name in NAMED.findall(page.read_text()) if name not in known] == []


def test_the_pages_on_kubernetes_explain_every_alert():
    page = "".join(path.read_text() for path in PAGES if path.parent.name == "kubernetes")
    assert len(NAMED.findall(page)) > 40
    objects = render(given=values("monitoring"))
    for service in ("nats", "processor", "streamer"):
        for group in one(objects, "PrometheusRule", f"demo-{service}")["spec"]["groups"]:
            assert [rule["alert"] for rule in group["rules"] if f"`{rule['alert']}`" not in page] == []
