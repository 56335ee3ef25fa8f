"""Watches Python files and selects the services to restart. Needs `headway[demo]` for watchfiles."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

HEADWAY_PACKAGES = ("headway", "headway_processor", "headway_kinds", "headway_streamer")


def module_path(module: str) -> Path | None:
    """Return the folder or file of a module's top-level package without importing it; None if it is not found."""
    found = importlib.util.find_spec(module.partition(".")[0])
    if found is None or found.origin is None:
        return None
    path = Path(found.origin)
    return path.parent if path.name == "__init__.py" else path


def watch_roots(current: Path, tasks: Iterable[str]) -> list[Path]:
    """Return the paths to watch: `current`, and the modules of `tasks` and of Headway where they are outside of it.

    Installed packages are excluded because they do not change; a home directory and the root of the file system
    because they contain too many files.
    """
    roots = [] if current in (Path.home(), Path(current.anchor)) else [current]
    for module in (*tasks, *HEADWAY_PACKAGES):
        path = module_path(module)
        covered = path is not None and any(path.is_relative_to(root) for root in roots)
        if path is not None and not covered and "site-packages" not in path.parts:
            roots.append(path)
    return roots


def affected_services(changed: Iterable[Path], packages: dict[str, Path]) -> set[str]:
    """Return the services that run the changed files: the processor runs everything but the streamer's own package.

    >>> sorted(affected_services([Path("/w/tasks.py")], {"headway_streamer": Path("/h/headway_streamer")}))
    ['processor']
    """
    services: set[str] = set()
    for path in changed:
        package = next((name for name, folder in packages.items() if path.is_relative_to(folder)), "")
        if package in ("headway", "headway_streamer"):
            services.add("streamer")
        if package != "headway_streamer":
            services.add("processor")
    return services


async def watch_changes(roots: list[Path], stop: asyncio.Event) -> AsyncIterator[tuple[set[Path], set[str]]]:
    """Yield each batch of changed Python files with the services to restart. Ends when `stop` is set."""
    from watchfiles import PythonFilter, awatch

    packages = {name: path for name in HEADWAY_PACKAGES if (path := module_path(name)) is not None}
    async for batch in awatch(*roots, watch_filter=PythonFilter(), stop_event=stop, debounce=300, step=50):
        paths = {Path(path) for _, path in batch}
        yield paths, affected_services(paths, packages)
