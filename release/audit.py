"""`make audit`: asks the OSV database (https://google.github.io/osv.dev/api/) for advisories about all that is locked.

Exit code 0: none is known. 1: some are, each printed with the versions that fix it. 3: no answer can be trusted, as
the database cannot be reached or does not know advisories that it must know.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from release.dependencies import NATS_SERVER, ROOT, Dependency, dependencies

DATABASE = "https://api.osv.dev"
BATCH = 500
"""Questions in one request; the database allows 1,000."""
TIMEOUT_SECONDS = 30.0
CONTROLS = (
    Dependency("PyPI", "jinja2", "2.4.1"),
    Dependency("npm", "lodash", "4.17.20"),
    Dependency("Go", NATS_SERVER, "2.9.0"),
)
"""Versions with published advisories, one per ecosystem. A database that finds none has no data."""


class NoDataError(Exception):
    """The database gave no answer that says anything."""


def advisories(client: httpx.Client, asked: Sequence[Dependency]) -> dict[Dependency, list[str]]:
    """The ids of the advisories for each of `asked` that has any. Raises NoDataError."""
    found: dict[Dependency, list[str]] = {}
    for start in range(0, len(asked), BATCH):
        found |= _batch(client, asked[start : start + BATCH])
    return found


def _batch(client: httpx.Client, asked: Sequence[Dependency]) -> dict[Dependency, list[str]]:
    queries = [{"package": {"ecosystem": one.ecosystem, "name": one.name}, "version": one.version} for one in asked]
    results = _json(client, "POST", "/v1/querybatch", json={"queries": queries}).get("results")
    if not isinstance(results, list) or len(results) != len(asked):
        raise NoDataError("the database did not answer every question")
    return {
        one: [vulnerability["id"] for vulnerability in result["vulns"]]
        for one, result in zip(asked, results, strict=True)
        if result.get("vulns")
    }


def _json(client: httpx.Client, method: str, path: str, **given: Any) -> dict[str, Any]:
    try:
        answer = client.request(method, path, **given)
        answer.raise_for_status()
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise NoDataError(str(error) or type(error).__name__) from error
    if not isinstance(body, dict):
        raise NoDataError("the database answered with something else than an object")
    return body


def describe(client: httpx.Client, advisory: str, package: str) -> str:
    """One line: what `advisory` says, and the versions of `package` that fix it. Raises NoDataError."""
    known = _json(client, "GET", f"/v1/vulns/{advisory}")
    names = [advisory, *(alias for alias in known.get("aliases", ()) if alias.startswith("CVE-"))]
    fixed = sorted(set(_fixed(known.get("affected", ()), package)))
    summary = known.get("summary") or known.get("details", "").partition("\n")[0]
    return f"{' '.join(names)}: {summary} (fixed in {', '.join(fixed) or 'no version'})"


def _fixed(affected: Iterable[Mapping[str, Any]], package: str) -> Iterable[str]:
    for one in affected:
        if one.get("package", {}).get("name", "").lower() == package.lower():
            for span in one.get("ranges", ()):
                yield from (event["fixed"] for event in span["events"] if "fixed" in event)


def audit(client: httpx.Client, locked: Mapping[Dependency, list[str]], ignored: Sequence[str]) -> list[str]:
    """A line for each advisory about `locked` that is not `ignored`, by its id. Raises NoDataError."""
    asked = [*locked, *(control for control in CONTROLS if control not in locked)]
    found = advisories(client, asked)
    for control in CONTROLS:
        if control not in found:
            raise NoDataError(f"no advisory is known for {control.name} {control.version}, which has some")
    return [
        f"{one.name} {one.version} ({', '.join(places)}): {describe(client, advisory, one.name)}"
        for one, places in locked.items()
        for advisory in found.get(one, ())
        if advisory not in ignored
    ]


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Print what is found. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="make audit", description="Find advisories about locked dependencies.")
    parser.add_argument("--database", default=os.environ.get("OSV_URL", DATABASE), help="URL of an OSV database")
    parser.add_argument("--ignore", action="append", default=[], metavar="ID", help="an advisory that does not apply")
    options = parser.parse_args(arguments)
    locked = dependencies(root)
    try:
        with httpx.Client(base_url=options.database, timeout=TIMEOUT_SECONDS) as client:
            lines = audit(client, locked, options.ignore)
    except NoDataError as error:
        print(f"audit: no advisories could be had from {options.database}: {error}", file=sys.stderr)
        return 3
    print("\n".join([*lines, f"audit: {len(lines)} advisories about {len(locked)} locked packages"]))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
