"""Kinds are found by importing modules and by loading the entry points of installed packages."""

import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from headway.errors import SettingsError
from headway.kind import REGISTRY, Registry
from headway.task import task
from headway_kinds.settings import Settings as Kinds
from headway_processor import registration
from headway_processor.registration import declared_settings, load_kinds, module_names

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
SHOP = """
from headway import task
from headway.service.usage import SettingsGroup
import msgspec

class Settings(msgspec.Struct):
    currency: str = "EUR"
    "What prices are in."

GROUP = SettingsGroup("Shop", "SHOP_", Settings)
seen = []

@task
def order(job): ...

def register(environ):
    seen.append(environ)

    @task("refund")
    def handler(job):
        return environ["SHOP_CURRENCY"]

class Other:
    def __init__(self, environ):
        raise AssertionError("called")
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current directory; what is imported from it, and what that registers, is undone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(REGISTRY, "_kinds", {})
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


@pytest.fixture
def install(here):
    """Put a distribution with entry points of `shop.py` into the current directory."""

    def install(**groups):
        (here / "shop.py").write_text(SHOP)
        folder = here / "shop-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
        lines = [f"[headway.{group}]\n" + "\n".join(entries) + "\n" for group, entries in groups.items()]
        (folder / "entry_points.txt").write_text("\n".join(lines))
        sys.path.insert(0, str(here))

    return install


@pytest.fixture
def bundled(here, monkeypatch):
    """The entry points that this checkout declares, whatever is installed."""

    def entry_points(group):
        entries = PROJECT["entry-points"].get(group, {})
        found = [EntryPoint(name, value, group) for name, value in entries.items()]
        for entry in found:
            vars(entry)["dist"] = SimpleNamespace(name=PROJECT["name"])
        return found

    monkeypatch.setattr(registration, "entry_points", entry_points)
    for module in ("headway_kinds.check", "headway_kinds.script"):  # importing them registers their kinds
        monkeypatch.delitem(sys.modules, module, raising=False)


def names(registry=REGISTRY):
    return {kind.name for kind in registry}


def test_module_in_the_current_directory_is_found(here):
    (here / "orders_tasks.py").write_text("imported = True")
    registry = Registry()
    task("k", registry=registry)(lambda job: None)
    assert load_kinds(["orders_tasks"], {}, registry=registry) is registry
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
    with pytest.raises(SettingsError, match="HEADWAY_TASKS: module 'failing_tasks'") as caught:
        load_kinds(["failing_tasks"], {}, registry=Registry())
    assert reason in str(caught.value)


def test_nothing_to_run_is_an_error(here):
    with pytest.raises(SettingsError, match="HEADWAY_TASKS"):
        load_kinds([], {}, registry=Registry())


@pytest.mark.security
def test_bundled_kinds_are_offered_only_when_they_are_named(bundled, security_figures):
    """They fetch URLs and end processes for everybody who may submit a task."""
    with pytest.raises(SettingsError, match=r"nothing to run.*HEADWAY_TASKS.*HEADWAY_PROCESSOR_BUILTIN_KINDS"):
        load_kinds([], {})
    assert names() == set()
    assert names(load_kinds([], {}, builtin=["crawl", "script"])) == {"crawl", "script"}
    security_figures(9, "bundled kinds of a processor without settings", offered=0)


def test_bundled_kind_that_does_not_exist_is_named_with_those_that_do(bundled):
    with pytest.raises(
        SettingsError, match=r"bundled kinds: bulk, check, cluster, crawl, generate, script\. There is none named 'x'"
    ):
        load_kinds([], {}, builtin=["crawl", "x"])
    assert names() == set()


async def test_bundled_kinds_get_their_settings_from_the_environment(bundled, tmp_path):
    environ = {"HEADWAY_PROCESSOR_DATA_DIR": str(tmp_path), "HEADWAY_PROCESSOR_OPS_PORT": "0"}
    bulk = load_kinds([], environ, builtin=["bulk"]).get("bulk")
    with pytest.raises(Exception, match="It is empty"):
        await bulk.handler(None, bulk.params(source="a.csv"))


def test_bundled_kinds_that_are_not_registered_are_an_error_and_not_missed_silently(here, monkeypatch):
    """An editable installation that is older than its sources."""
    monkeypatch.setattr(registration, "entry_points", lambda group: [])
    with pytest.raises(SettingsError, match=r"BUILTIN_KINDS.*not registered in this installation.*pip install"):
        load_kinds([], {}, builtin=["check"])


def test_module_of_a_bundled_kind_may_be_named_like_any_other(bundled):
    assert names(load_kinds(["headway_kinds.script"], {})) == {"script"}
    assert names(load_kinds(["headway_kinds.script"], {}, builtin=["script"])) == {"script"}


def test_old_name_of_script_is_an_error_with_the_new_one(bundled):
    with pytest.raises(SettingsError, match=r"'headway_processor\.kinds\.script' is now named 'headway_kinds\.script'"):
        load_kinds(["headway_processor.kinds.script"], {})


@pytest.mark.parametrize("value", ["shop", "shop:order", "shop:Other", "shop:seen"])
def test_entry_point_that_is_a_module_or_a_task_is_loaded(install, value):
    """So is any other object: loading its module has registered the tasks."""
    install(tasks=[f"any = {value}"])
    assert names(load_kinds([], {})) == {"order"}
    assert sys.modules["shop"].seen == []


def test_entry_point_that_is_a_function_registers_its_kinds_with_the_environment(install):
    install(tasks=["shop = shop:register", "again = shop"])
    environ = {"SHOP_CURRENCY": "CHF"}
    registry = load_kinds([], environ)
    assert (names(registry), sys.modules["shop"].seen) == ({"order", "refund"}, [environ])
    assert registry.get("refund").handler(None) == "CHF"


@pytest.mark.parametrize(
    ("value", "reason"),
    [("shop:missing", "AttributeError"), ("shops", "ModuleNotFoundError"), ("shop:register", "KeyError")],
)
def test_entry_point_that_fails_is_named_with_the_reason(install, here, value, reason):
    install(tasks=[f"shop = {value}"])
    (here / "shop.py").write_text(SHOP.replace("seen.append(environ)", "environ['SHOP_CURRENCY']"))
    with pytest.raises(SettingsError, match=rf"^entry point 'shop' \({value}\) cannot be loaded: {reason}"):
        load_kinds([], {})


def test_settings_that_a_package_declares_are_found(install):
    install(settings=["shop = shop:GROUP"])
    (shop,) = (group for group in declared_settings() if group.title == "Shop")
    assert (shop.prefix, [field.name for field in msgspec.structs.fields(shop.type)]) == ("SHOP_", ["currency"])


def test_settings_of_bundled_kinds_are_declared(bundled):
    (group,) = declared_settings()
    assert (group.prefix, group.type.__struct_fields__) == ("HEADWAY_PROCESSOR_", Kinds.__struct_fields__)


def test_settings_that_are_not_a_group_are_named(install):
    install(settings=["shop = shop:Settings"])
    with pytest.raises(SettingsError, match=r"settings 'shop' \(shop:Settings\).*not a SettingsGroup"):
        declared_settings()


@pytest.mark.parametrize(("text", "names"), [("", []), (" a.b , c,", ["a.b", "c"])])
def test_module_names_stand_between_commas(text, names):
    assert module_names(text) == names
