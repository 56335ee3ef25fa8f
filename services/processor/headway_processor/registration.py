"""Finding the kinds that this processor runs: by importing the modules that define them."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from importlib.metadata import entry_points

from headway.errors import SettingsError
from headway.task import REGISTRY, Registry

BUILTIN = ("headway_kinds.crawl.kind", "headway_kinds.bulk.kind", "headway_kinds.check")
"""Not `script`: whoever may submit it can crash the processor. Name `headway_kinds.script` to have it."""
ENTRY_POINTS = "headway.tasks"
VARIABLE = "HEADWAY_TASKS"


def load_kinds(modules: Iterable[str], *, builtin: bool = True, registry: Registry = REGISTRY) -> Registry:
    """Import `modules`, the installed entry points and, unless told otherwise, the kinds that come with Headway.

    Modules are also found in the current directory. Raises SettingsError, with the name and the reason, for one that
    cannot be imported, and when no kind was defined at all.
    """
    if (here := os.getcwd()) not in sys.path:  # noqa: PTH109 - sys.path holds strings
        sys.path.insert(0, here)
    for name in (*(BUILTIN if builtin else ()), *modules):
        _import(f"module {name!r}", partial(importlib.import_module, name))
    for entry in entry_points(group=ENTRY_POINTS):
        _import(f"entry point {entry.name!r} ({entry.value})", entry.load)
    if not len(registry):
        raise SettingsError(f"there is nothing to run: name modules with @task functions in {VARIABLE}, like a.b,c")
    return registry


def module_names(text: str) -> list[str]:
    """The names in a list separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _import(what: str, load: Callable[[], object]) -> None:
    try:
        load()
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}"
        raise SettingsError(f"{VARIABLE}: {what} cannot be imported: {reason}") from error
