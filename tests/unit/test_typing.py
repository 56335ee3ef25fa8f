"""The package is typed for its users; that its types are right is checked by mypy on tests/typing."""

import ast
import tomllib
from pathlib import Path

import pytest

import headway

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
CASES = sorted((ROOT / "tests" / "typing").glob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_of_the_wheel_says_that_it_is_typed(package):
    assert (ROOT / package / "py.typed").is_file()


def test_mypy_checks_all_packages_and_the_cases_strictly():
    mypy = PYPROJECT["tool"]["mypy"]
    assert {*PACKAGES, "tests/typing"} <= set(mypy["files"])
    assert mypy["strict"] is True  # an unused `type: ignore` is an error then: a case that is no error fails


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_each_file_has_types_and_errors(path):
    source = path.read_text()
    assert source.count("assert_type(") >= 5
    assert source.count("# type: ignore[") >= 5


def test_every_public_name_has_a_case():
    used = {
        alias.name
        for path in CASES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "headway"
        for alias in node.names
    }
    assert used == set(headway.__all__) - {"__version__"}
