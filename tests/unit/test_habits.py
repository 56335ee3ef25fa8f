"""The files by which the project is run: make targets, CI, hooks, and what a forge reads."""

import ast
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

from tests import versions
from tests.fixtures import needs

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))
CI = (ROOT / ".ci" / "run").read_text()
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


def made(commands: str) -> set[str]:
    """The targets that lines of a script call make with."""
    calls = re.findall(r"\bmake ((?:[a-z0-9-]+\b(?!=) ?)+)", re.sub(r"#.*|'.*?'|\".*?\"", "", commands))
    return {target for call in calls for target in call.split()}


def test_no_target_says_that_it_is_to_come():
    assert "to come" not in MAKEFILE


def test_every_target_is_phony_and_listed_by_help():
    (phony,) = re.findall(r"^\.PHONY: (.*)", MAKEFILE, re.MULTILINE)
    assert set(phony.split()) == TARGETS
    assert set(re.findall(r"^([a-z0-9-]+):.*## .", MAKEFILE, re.MULTILINE)) == TARGETS


def test_ci_calls_targets_that_exist():
    called = made(CI)
    assert called >= {"demo", "test", "check", "web-test"}
    assert called <= TARGETS


def test_the_workflow_calls_ci_and_targets_that_exist():
    scripts = [step["run"] for step in STEPS if "run" in step]
    assert any(".ci/run" in script for script in scripts)
    called = set().union(*map(made, scripts))
    assert called >= {"unit", "integration"}
    assert called <= TARGETS


def test_the_workflow_tests_each_supported_python():
    tested = WORKFLOW["jobs"]["python"]["strategy"]["matrix"]["python"]
    assert tested == versions.supported((ROOT / "pyproject.toml").read_text())


def test_the_workflow_may_only_read_and_names_the_version_of_each_action():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in WORKFLOW["jobs"].values())
    for step in STEPS:
        assert re.fullmatch(r"actions/[a-z-]+@v\d+(\.\d+)*|.*@[0-9a-f]{40}", step.get("uses", "actions/none@v1"))
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def required_by_ci() -> set[str]:
    """What .ci/run may put into HEADWAY_REQUIRE."""
    names = {word for words in re.findall(r"required\+=\((.*?)\)", CI) for word in shlex.split(words)}
    for variable, values in re.findall(r"for (pair|folder) in (.+); do", CI):
        for value in values.split():
            names.add(value.partition(":")[0] if variable == "pair" else f"npm ci --prefix {value}")
    return names


def test_ci_requires_all_that_tests_need():
    assert set(needs.THERE) <= required_by_ci()


def test_what_tests_need_is_known():
    named = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.needs":
                named |= {ast.literal_eval(argument) for argument in node.args}
    assert named
    assert named <= set(needs.THERE)


def test_what_the_workflow_requires_is_known():
    named = WORKFLOW["jobs"]["python"]["env"][needs.REQUIRE].split(",")
    assert set(named) <= set(needs.THERE)


def test_hooks_are_local_and_run_what_make_check_runs():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    check = MAKEFILE.partition("\ncheck:")[2].partition("\n\n")[0]
    programs = re.findall(r"\$\(BIN\)/(ruff \w+|[\w-]+)", check)
    assert [re.sub(r" --.*", "", hook["entry"]).removeprefix(".venv/bin/") for hook in hooks] == programs


@pytest.mark.parametrize("name", ["bug", "idea"])
def test_a_form_for_issues_is_one(name):
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text())
    assert form["name"]
    assert form["description"]
    ids = [item["id"] for item in form["body"]]
    assert len(set(ids)) == len(ids) > 0
    for item in form["body"]:
        assert item["type"] in ("textarea", "input", "dropdown")
        assert item["attributes"]["label"]
        assert (item["type"] == "dropdown") == ("options" in item["attributes"])
    assert any(item.get("validations", {}).get("required") for item in form["body"])


def test_vulnerabilities_are_sent_to_the_private_form_of_this_repository():
    source = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Source"]
    form = f"{source}/security/advisories/new"
    config = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml").read_text())
    assert [link["url"] for link in config["contact_links"]] == [form]
    assert form in (ROOT / "SECURITY.md").read_text()


def test_asynchronous_fixtures_of_acceptance_tests_are_in_the_loop_of_the_tests():
    for path in (ROOT / "tests" / "acceptance").glob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.AsyncFunctionDef):
                wrong = [ast.unparse(one) for one in function.decorator_list if "pytest.fixture" in ast.unparse(one)]
                assert not wrong, f'{path.name}: {function.name} needs @pytest_asyncio.fixture(loop_scope="session")'
