"""The page of guarantees names tests that exist."""

import ast
import re
from functools import cache

import pytest

from tests.fixtures.pages import ROOT

PAGE = ROOT / "docs" / "explanation" / "guarantees.md"
ROWS = [
    line for line in PAGE.read_text().splitlines() if line.startswith("| ") and not line.startswith("| guarantee |")
]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@cache
def defined_in(path):
    """The names of the tests of a file, those in classes too."""
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:50])
def test_each_guarantee_names_tests_that_exist(row):
    _, _, mechanism, shown, _ = row.split("|")
    found = TEST.findall(shown)
    assert mechanism.strip()
    assert found, "no test"
    assert re.sub(TEST, "", shown).strip(" ,") == "", "tests are named as `tests/….py::test_…`"
    assert [name for path, name in found if name not in defined_in(path)] == []


def test_what_is_not_promised_is_told():
    page = PAGE.read_text()
    assert len(ROWS) > 15
    for words in ("more than once", "power failure", "Idempotency-Key", "merged", "Dead letters are kept", "clock"):
        assert words in page.partition("## What is not promised")[2]
