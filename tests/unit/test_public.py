"""What an import brings along: the SDK is small, and the contract knows nothing of NATS."""

import subprocess
import sys
from types import ModuleType

import pytest

import headway
from headway.ids import nonce

HEAVY = ("httpx", "click", "rich", "litestar", "uvicorn", "jsonschema", "prometheus_client", "jinja2")
MSGSPEC = {"headway", "msgspec", "typing_extensions"}  # msgspec takes the last where it is installed
PURE = (
    *(
        "events",
        "codec",
        "subjects",
        "errors",
        "records",
        "ids",
        "kind",
        "task",
        "retry_delay",
        "jetstream.stored",
        "eventlog.log",
    ),
    *("progress.counting", "progress.pending", "progress.state", "progress.estimate", "service.settings"),
    *(
        "values.coercion",
        "values.from_text",
        "values.params",
        "values.results",
        "values.json_forms",
        "values.exact_json",
    ),
)

LOADED = """
import sys
before = set(sys.modules)
{code}
roots = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(*sorted(root for root in roots if root not in sys.stdlib_module_names and not root.startswith("_")))
"""

ALONE = """
import types
package = types.ModuleType("headway")
package.__path__ = {path!r}
sys.modules["headway"] = package  # so that headway/__init__.py, which offers the whole SDK, does not run
import headway.{module}
"""


NEW = """
import sys
before = set(sys.modules)
{code}
print(*sorted(set(sys.modules) - before))
"""

HIDDEN = """
import headway.task, headway.track, headway.reporting.report
import headway
assert headway.__dict__.get("task") is None and "report" in dir(headway)
function = headway.task
import headway.task
assert headway.task is function and function.__name__ == "task"
for name in headway.__all__:
    assert getattr(headway, name) is getattr(headway, name)
headway.report = "another"
assert headway.report == "another"
from headway import *
assert track is headway.track
"""


def new_modules(code: str) -> set[str]:
    """The modules that `code` loads in a fresh interpreter."""
    command = [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n" + NEW.format(code=code)]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def loaded(code: str) -> set[str]:
    """The packages outside of the standard library that `code` loads in a fresh interpreter."""
    script = LOADED.format(code=code)
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


def test_importing_headway_loads_two_modules_of_the_standard_library():
    assert new_modules("import headway") == {"headway", "__future__", "types"}


def test_a_loop_outside_of_tasks_loads_neither_asyncio_nor_msgspec():
    slow = {"asyncio", "inspect", "logging", "msgspec", "nats", "re", "threading", "typing"}
    new = new_modules("from headway import track; list(track([]))")
    assert {name for name in new if name.startswith("headway")} == {"headway", "headway.current", "headway.track"}
    assert not new & slow


def test_a_name_is_the_public_one_also_where_a_module_has_the_same():
    subprocess.run([sys.executable, "-c", HIDDEN], check=True)


def test_reporting_loads_nothing_but_msgspec_and_nats():
    assert loaded("import headway; headway.report, headway.task, headway.Job") <= MSGSPEC | {"nats"}


def test_the_whole_sdk_loads_nothing_of_the_services():
    modules = ("testing", "jetstream.connection", "eventlog.follow", "jetstream.provision", "service.logging_setup")
    code = "import " + ", ".join(f"headway.{module}" for module in modules)
    assert not loaded(code) & {*HEAVY, "headway_processor", "headway_streamer"}


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_loads_msgspec_at_most(module):
    assert loaded(ALONE.format(path=list(headway.__path__), module=module)) <= MSGSPEC


def test_the_check_sees_what_is_loaded():
    assert "nats" in loaded(ALONE.format(path=list(headway.__path__), module="jetstream.connection"))


def test_a_name_is_loaded_at_its_first_use():
    headway._Package.nonce = headway._Name("nonce", "headway.ids.nonce")
    headway.nonce = ModuleType("headway.nonce")  # as the import of a module does
    assert headway._Package.nonce is nonce
    assert "nonce" not in vars(headway)
    assert headway.nonce is nonce
    assert vars(headway).pop("nonce") is nonce
    assert not hasattr(headway, "nonce")


def test_a_name_may_be_replaced_before_it_is_used():
    headway._Package.nonce = headway._Name("nonce", "headway.ids.nonce")
    headway.nonce = replaced = object()
    assert vars(headway).pop("nonce") is replaced


def test_names_are_listed_before_they_are_used():
    assert set(headway.__all__) <= set(dir(headway))


def test_every_public_name_is_there():
    assert all(hasattr(headway, name) for name in headway.__all__)
    assert headway.__all__ == sorted(headway.__all__)
