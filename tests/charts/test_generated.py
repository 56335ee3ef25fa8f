"""Schemas and tables are what the values and the settings say."""

import importlib.util

from tests.charts.helm import CHARTS


def test_schemas_and_tables_are_up_to_date(rung):
    spec = importlib.util.spec_from_file_location("generate", CHARTS / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    made = generate.files()
    for path, text in made.items():
        assert path.read_text() == text, f"{path.name} of {path.parent.name}: run `make docs`"
    rung("schemas and tables of values", files=len(made))
