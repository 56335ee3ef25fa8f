"""Schemas and tables are what the values and the settings say."""

import importlib.util
import re

import pytest

from tests.charts.helm import CHARTS, path_of


def test_schemas_and_tables_are_up_to_date(rung, monkeypatch):
    monkeypatch.syspath_prepend(CHARTS)  # as for a script that is run there
    spec = importlib.util.spec_from_file_location("generate", CHARTS / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    made = generate.files()
    for path, text in made.items():
        assert path.read_text() == text, f"{path.name} of {path.parent.name}: run `make docs`"
    rung("schemas and tables of values", files=len(made))


@pytest.mark.parametrize("chart", ["headway", "nats", "processor", "streamer"])
def test_every_value_is_explained(chart):
    table = (path_of(chart) / "README.md").read_text()
    assert "| `fullnameOverride` |" in table or chart == "headway"
    assert not re.findall(r"^\| `.*` \| *\|$", table, re.MULTILINE)
