"""Kinds are found by importing modules."""

import sys

import pytest

from headway.errors import SettingsError
from headway.task import Registry, task
from headway_processor import registration
from headway_processor.registration import load_kinds, module_names


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current directory; what is imported from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


def test_module_in_the_current_directory_is_found(here):
    (here / "orders_tasks.py").write_text("imported = True")
    registry = Registry()
    task("k", registry=registry)(lambda job: None)
    assert load_kinds(["orders_tasks"], builtin=False, registry=registry) is registry
    assert sys.modules["orders_tasks"].imported


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nowhere_at_all", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("raise ValueError('bad luck')", "ValueError: bad luck"),
        ("def f(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("from headway import task\n@task('a b')\ndef f(job): ...", "TaskDefinitionError"),
    ],
)
def test_module_that_fails_is_named_with_the_reason(here, text, reason):
    (here / "failing_tasks.py").write_text(text)
    with pytest.raises(SettingsError, match="failing_tasks") as caught:
        load_kinds(["failing_tasks"], builtin=False, registry=Registry())
    assert reason in str(caught.value)


def test_nothing_to_run_is_an_error(here):
    with pytest.raises(SettingsError, match="HEADWAY_TASKS"):
        load_kinds([], builtin=False, registry=Registry())


def test_builtin_kinds_are_imported_unless_told_otherwise(here, monkeypatch):
    (here / "own_builtin.py").write_text("")
    monkeypatch.setattr(registration, "BUILTIN", ("own_builtin",))
    registry = Registry()
    task("k", registry=registry)(lambda job: None)
    load_kinds([], builtin=False, registry=registry)
    assert "own_builtin" not in sys.modules
    load_kinds([], registry=registry)
    assert "own_builtin" in sys.modules


def test_entry_points_are_loaded(here, monkeypatch):
    class Entry:
        name, value = "shop", "shop.tasks"

        def load(self):
            raise ImportError("not today")

    monkeypatch.setattr(registration, "entry_points", lambda group: [Entry()])
    with pytest.raises(SettingsError, match=r"entry point 'shop' \(shop\.tasks\).*not today"):
        load_kinds([], builtin=False, registry=Registry())


@pytest.mark.parametrize(("text", "names"), [("", []), (" a.b , c,", ["a.b", "c"])])
def test_module_names_stand_between_commas(text, names):
    assert module_names(text) == names
