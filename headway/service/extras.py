"""The command that installs a missing extra."""

from __future__ import annotations

import json
import shlex
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

CHECKOUT = Path(__file__).parents[2]


def missing(prog: str, error: ModuleNotFoundError, extra: str) -> str:
    """A line for stderr: the missing package, and the command that installs its extra."""
    return f"{prog}: {error.name} is not installed. Run: {install(extra)}\n"


def install(extra: str) -> str:
    """The command that installs `extra` from the same source as Headway itself.

    The source is what pip has recorded (PEP 610): a checkout, a wheel, a repository; otherwise a package index.
    """
    origin = _origin()
    url, vcs = str(origin.get("url", "")), origin.get("vcs_info", {})
    if url.startswith("file:"):
        editable = ["-e"] if origin.get("dir_info", {}).get("editable") else []
        return shlex.join(["pip", "install", *editable, f"{url2pathname(urlsplit(url).path)}[{extra}]"])
    if vcs:
        source = f"{vcs.get('vcs', 'git')}+{url}@{vcs.get('commit_id', 'HEAD')}"
        return shlex.join(["pip", "install", f"headway[{extra}] @ {source}"])
    return shlex.join(["pip", "install", f"headway[{extra}]"])


def _origin() -> dict[str, Any]:
    try:
        origin = json.loads(distribution("headway").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        origin = {}
    if not origin and (CHECKOUT / "pyproject.toml").exists():  # run from a checkout that is not installed
        return {"url": CHECKOUT.as_uri(), "dir_info": {"editable": True}}
    return origin if isinstance(origin, dict) else {}
