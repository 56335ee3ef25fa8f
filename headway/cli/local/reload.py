"""Which parts to restart when files change. Needs `headway[demo]` for watchfiles."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

OWN = ("headway", "headway_processor", "headway_kinds", "headway_streamer")


def origin(module: str) -> Path | None:
    """The folder or file of a top-level module, found without importing it."""
    found = importlib.util.find_spec(module.partition(".")[0])
    if found is None or found.origin is None:
        return None
    path = Path(found.origin)
    return path.parent if path.name == "__init__.py" else path


def roots(here: Path, tasks: Iterable[str]) -> list[Path]:
    """What to watch: `here`, and the modules of `tasks` and of Headway itself where they lie elsewhere.

    Installed packages are left out: they do not change. So are a home and the root of the disk: too many files.
    """
    found = [] if here in (Path.home(), Path(here.anchor)) else [here]
    for module in (*tasks, *OWN):
        path = origin(module)
        inside = path is not None and any(path.is_relative_to(root) for root in found)
        if path is not None and not inside and "site-packages" not in path.parts:
            found.append(path)
    return found


def parts_of(changed: Iterable[Path], own: dict[str, Path]) -> set[str]:
    """The parts that run the changed files: the processor runs everything but the streamer's own package.

    >>> sorted(parts_of([Path("/w/tasks.py")], {"headway_streamer": Path("/h/headway_streamer")}))
    ['processor']
    """
    parts: set[str] = set()
    for path in changed:
        package = next((name for name, folder in own.items() if path.is_relative_to(folder)), "")
        if package in ("headway", "headway_streamer"):
            parts.add("streamer")
        if package != "headway_streamer":
            parts.add("processor")
    return parts


async def changes(watched: list[Path], stop: asyncio.Event) -> AsyncIterator[tuple[set[Path], set[str]]]:
    """The Python files that changed together, and the parts to restart. Ends when `stop` is set."""
    from watchfiles import PythonFilter, awatch

    own = {name: path for name in OWN if (path := origin(name)) is not None}
    async for batch in awatch(*watched, watch_filter=PythonFilter(), stop_event=stop, debounce=300, step=50):
        paths = {Path(path) for _, path in batch}
        yield paths, parts_of(paths, own)
