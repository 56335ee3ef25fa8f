"""Finding what the processor runs: modules named by the user, and the entry points of installed packages."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points

from headway.errors import SettingsError
from headway.kind import REGISTRY, Registry
from headway.service.extras import install
from headway.service.usage import SettingsGroup

TASKS_GROUP = "headway.tasks"
"""Entry points that are modules with @task functions, such functions, or functions that register kinds."""
SETTINGS_GROUP = "headway.settings"
"""Entry points that are a `SettingsGroup`: what configures the kinds of a package, for --help."""
VARIABLE = "HEADWAY_TASKS"
BUILTIN_VARIABLE = "HEADWAY_PROCESSOR_BUILTIN_KINDS"
BUNDLED = "headway"
"""The distribution whose entry points are the bundled kinds."""
MOVED = {"headway_processor.kinds.script": "headway_kinds.script"}


def load_kinds(
    modules: Iterable[str], environ: Mapping[str, str], *, builtin: Collection[str] = (), registry: Registry = REGISTRY
) -> Registry:
    """Load the entry points of installed packages, then import `modules`; return the kinds that they registered.

    Args:
        modules: names of modules, which are also found in the current directory.
        environ: passed to entry points that are functions which register kinds.
        builtin: names of the bundled kinds that are loaded too.

    Raises SettingsError, with the name and the reason, for one that cannot be loaded or does not exist, and when no
    kind was registered.
    """
    if (here := os.getcwd()) not in sys.path:  # noqa: PTH109 - sys.path holds strings
        sys.path.insert(0, here)
    for entry in _entry_points(builtin):
        with _naming(f"entry point {entry.name!r} ({entry.value})"):
            _register(entry, environ, registry)
    for name in modules:
        with _naming(f"{VARIABLE}: module {name!r}"):
            _import(name)
    if not len(registry):
        raise SettingsError(
            f"there is nothing to run: name modules with @task functions in {VARIABLE}, like a.b,c, "
            f"or bundled kinds in {BUILTIN_VARIABLE}, like check"
        )
    return registry


def declared_settings() -> list[SettingsGroup]:
    """Return the settings that installed packages declare for their kinds. Raises SettingsError."""
    groups: list[SettingsGroup] = []
    for entry in sorted(entry_points(group=SETTINGS_GROUP), key=lambda entry: (not _is_bundled(entry), entry.name)):
        with _naming(f"settings {entry.name!r} ({entry.value})"):
            groups.append(_settings_group(entry))
    return groups


def module_names(text: str) -> list[str]:
    """Split a list of names separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _entry_points(builtin: Collection[str]) -> list[EntryPoint]:
    """The entry points in the order of loading: where two register one kind, the error names the user's."""
    found = entry_points(group=TASKS_GROUP)
    bundled = {entry.name: entry for entry in found if _is_bundled(entry)}
    if builtin and not bundled:
        raise SettingsError(
            f"{BUILTIN_VARIABLE}: the kinds that come with Headway are not registered in this installation. "
            f"Run: {install('processor')}"
        )
    if unknown := [name for name in builtin if name not in bundled]:
        raise SettingsError(
            f"{BUILTIN_VARIABLE} names bundled kinds: {', '.join(sorted(bundled))}. There is none named {unknown[0]!r}."
        )
    return [*(bundled[name] for name in builtin), *(entry for entry in found if not _is_bundled(entry))]


def _is_bundled(entry: EntryPoint) -> bool:
    return entry.dist is not None and entry.dist.name == BUNDLED


def _register(entry: EntryPoint, environ: Mapping[str, str], registry: Registry) -> None:
    found = entry.load()
    # A class is callable too, and so is a task, which its decorator has registered.
    if inspect.isroutine(found) and all(kind.handler is not found for kind in registry):
        found(environ)


def _settings_group(entry: EntryPoint) -> SettingsGroup:
    group = entry.load()
    if not isinstance(group, SettingsGroup):
        raise TypeError(f"not a SettingsGroup but {type(group).__name__}")
    return group


def _import(name: str) -> None:
    if name in MOVED:
        raise SettingsError(f"{VARIABLE}: the module {name!r} is now named {MOVED[name]!r}")
    importlib.import_module(name)


@contextmanager
def _naming(what: str) -> Iterator[None]:
    try:
        yield
    except SettingsError:
        raise
    except (Exception, SystemExit) as error:
        raise SettingsError(f"{what} cannot be loaded: {type(error).__name__}: {error}") from error
