"""Writes docs/reference/settings.md from the Structs that are the settings. `make docs` runs it; a test compares.

The text of a field is the string that follows it in the source.
"""

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path

import msgspec

from headway.connection import NatsSettings
from headway_processor.settings import Settings as ProcessorSettings
from headway_streamer.settings import Settings as StreamerSettings

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs" / "reference" / "settings.md"

SECTIONS = [
    ("NATS (both services)", "HEADWAY_NATS_", NatsSettings, "headway/connection.py", "NatsSettings"),
    ("Streamer", "HEADWAY_STREAMER_", StreamerSettings, "services/streamer/headway_streamer/settings.py", "Settings"),
    (
        "Processor",
        "HEADWAY_PROCESSOR_",
        ProcessorSettings,
        "services/processor/headway_processor/settings.py",
        "Settings",
    ),
]

HEAD = """# Settings

Both services are set by environment variables. A variable that no setting has is an error, so a typo cannot be silent;
a tuple takes values separated by commas; an empty variable counts as unset. Times are seconds, sizes bytes.

`HEADWAY_TASKS` names the modules whose `@task` functions the processor runs, separated by commas; they are found in the
working directory too. Packages can register theirs under the entry point group `headway.tasks`.

This page is made by `make docs` from the sources.
"""


def texts(path: Path, name: str) -> dict[str, str]:
    """The text that follows each field of a class."""
    tree = ast.parse(path.read_text())
    body = next(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name)
    found = {}
    for node, following in pairwise(body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(following, ast.Expr):
            assert isinstance(following.value, ast.Constant)
            found[node.target.id] = " ".join(str(following.value.value).split())
    return found


def default(value: object) -> str:
    """A default as it would be written in the environment."""
    if value == "" or value == ():
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def section(title: str, prefix: str, type: type[msgspec.Struct], path: str, name: str) -> str:
    """One table."""
    explained = texts(ROOT / path, name)
    rows = [
        f"| `{prefix}{field.name.upper()}` | {default(field.default)} | {explained.get(field.name, '')} |"
        for field in msgspec.structs.fields(type)
    ]
    return f"## {title}\n\n| variable | default | |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def page() -> str:
    """The whole page."""
    return HEAD + "\n" + "\n".join(section(*parts) for parts in SECTIONS)


if __name__ == "__main__":
    TARGET.write_text(page())
