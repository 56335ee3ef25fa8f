"""Collects the pages of the documentation site in `.site/`; `make site` then builds it.

The site holds docs/ and the pages beside it that the repository keeps elsewhere. A link between pages is rewritten to
where its target stands in the site; a link to another file of the repository leads to a copy under `files/`.
Raises FileNotFoundError for a link to a file that is missing.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import get_origin

ROOT = Path(__file__).parent.parent
STAGE = ROOT / ".site"

CHARTS = ("headway", "nats", "processor", "streamer")
PLACES = {
    "README.md": "index.md",
    "docs/README.md": "contents.md",
    "CONTRIBUTING.md": "contributing.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
    "SECURITY.md": "security.md",
    "UPGRADING.md": "upgrading.md",
    "CHANGELOG.md": "changelog.md",
    "charts/README.md": "reference/charts/index.md",
    "charts/headway/README.md": "reference/charts/headway.md",
    **{
        f"charts/headway/charts/{name}/README.md": f"reference/charts/{name}.md"
        for name in ("nats", "processor", "streamer")
    },
}
"""Where a page stands in the site that is not where docs/ has it. The path is relative to the repository."""

API = {
    "headway": (
        *("task", "Job", "File", "track", "current_job", "report", "ReportedJob", "flush_reports"),
        *("TaskError", "TaskCancelledError"),
    ),
    "headway.celery": ("connect", "ProgressTask"),
    "headway.client": (
        *("Client", "SyncClient", "Report", "TaskPage", "TaskFilters", "DeadLetterPage", "Watched", "ClientError"),
        *("UploadedFile", "sign_token"),
    ),
    "headway.dramatiq": ("Headway", "Cancelled"),
    "headway.rq": ("Queue", "Job", "Worker", "SimpleWorker", "SpawnWorker", "ReportingMixin"),
    "headway.taskiq": ("Headway",),
    "headway.saq": ("connect", "hooks", "before_process", "after_process"),
    "headway.arq": ("connect", "create_pool", "Job"),
    "headway.executor": ("ContextThreadPoolExecutor",),
    "headway.logging": ("connect", "TaskHandler"),
    "headway.rich": ("connect",),
    "headway.tqdm": ("connect",),
    "headway.testing": (
        "MemoryLog",
        "MemoryBucket",
        "MemoryJobQueue",
        "MemoryResults",
        "MemoryCheckpoints",
        "MemoryFiles",
        "start_job",
        "progress",
    ),
    "headway.values.results": ("default_encoder",),
}
"""The public modules, each with a page in the API reference, and the names that it describes."""

LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[^)\s]*)?\))")


def pages() -> dict[Path, str]:
    """The pages that the repository holds, each with its path in the site."""
    docs = {path: path.relative_to(ROOT / "docs").as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))}
    return docs | {ROOT / source: place for source, place in PLACES.items()}


def api_pages() -> dict[str, str]:
    """The pages of the API reference by their paths in the site, as text for mkdocstrings."""
    return {
        f"reference/api/{module}.md": "\n".join(
            [
                f"# `{module}`\n",
                f"::: {module}\n    options:\n      members: []\n      show_root_toc_entry: false\n",
                *(_described(module, name) for name in names),
            ]
        )
        for module, names in API.items()
    }


def _described(module: str, name: str) -> str:
    """The directive for a public name, by the module that defines it: `headway.task` is also a module."""
    thing = getattr(importlib.import_module(module), name)
    defined = hasattr(thing, "__qualname__") and get_origin(thing) is None  # an alias has the name of its origin
    place = f"{thing.__module__}.{thing.__qualname__}" if defined else f"{module}.{name}"
    return f"::: {place}\n    options:\n      show_root_heading: true\n      heading: {name}\n      toc_label: {name}\n"


def assets() -> dict[str, Path]:
    """Files that the configuration of the site names, by their paths in the site."""
    icon = next((ROOT / "services" / "streamer").rglob("favicon.svg"))
    return {"img/favicon.svg": icon, "img/site.css": ROOT / "docs" / "site.css"}


def place(target: Path) -> str:
    """Where a file that is linked to stands in the site."""
    if not target.exists():
        raise FileNotFoundError(target)
    if target in pages():
        return pages()[target]
    if target.is_relative_to(ROOT / "docs" / "img"):
        return target.relative_to(ROOT / "docs").as_posix()
    return f"files/{target.relative_to(ROOT).as_posix()}"


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """The page with `change` applied to what stands outside its fenced blocks."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else change(part) for part in parts)


def staged(source: Path) -> tuple[str, set[Path]]:
    """The text of a page as it stands in the site, and the files other than pages that it links to."""
    here = Path(pages()[source]).parent
    linked: set[Path] = set()

    def moved(link: re.Match[str]) -> str:
        if "://" in link[2] or link[2].startswith("mailto:"):
            return link[0]
        target = (source.parent / link[2]).resolve()
        there = place(target)
        if target not in pages():
            linked.add(target)
        return f"{link[1]}{os.path.relpath(there, here)}{link[3]}"

    return outside_code(source.read_text(), lambda part: LINK.sub(moved, part)), linked


def collect() -> None:
    """Writes all pages and the files that they link to."""
    shutil.rmtree(STAGE, ignore_errors=True)
    for source, there in pages().items():
        text, linked = staged(source)
        _write(STAGE / there, text)
        for file in linked:
            copy = STAGE / place(file)
            copy.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if file.is_dir() else shutil.copy)(file, copy)
    for there, file in assets().items():
        shutil.copy(file, STAGE / there)
    for there, text in api_pages().items():
        _write(STAGE / there, text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    collect()
