"""Writes the generated pages and documents in docs/reference/ from the sources. `make docs` runs it; a test compares.

The text of a field is the string that follows it in the source.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill
from typing import Any

import click
import msgspec
from click.testing import CliRunner

from docs.api_documents import asyncapi_page, openapi_page
from headway.cli.group import cli
from headway.jetstream.connection import NatsSettings
from headway.reporting.settings import ReportSettings
from headway.service.usage import explanations, written
from headway_kinds.settings import Settings as KindSettings
from headway_processor.settings import Settings as ProcessorSettings
from headway_streamer import audit
from headway_streamer.access.settings import AccessSettings
from headway_streamer.api import documents
from headway_streamer.settings import Settings as StreamerSettings
from tests.fixtures import features

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"

SECTIONS = [
    ("NATS (both services)", "HEADWAY_NATS_", NatsSettings),
    ("Streamer", "HEADWAY_STREAMER_", StreamerSettings),
    ("Streamer: access control", "HEADWAY_STREAMER_", AccessSettings),
    ("Processor", "HEADWAY_PROCESSOR_", ProcessorSettings),
    ("Processor: bundled kinds", "HEADWAY_PROCESSOR_", KindSettings),
    ("Reported tasks", "HEADWAY_REPORT_", ReportSettings),
]

HEAD = """# Settings

Both services are configured by environment variables. An unknown variable is an error, so that a typo is not ignored; a
tuple takes values separated by commas; an empty variable counts as unset. Times are in seconds, sizes in bytes.

`HEADWAY_TASKS` names the modules whose `@task` functions the processor runs, separated by commas; they are also
searched in the working directory. Packages can register theirs in the entry point group `headway.tasks`.

`make docs` generates this page from the sources.
"""


COMMAND_HEAD = """# The command

In a checkout `pip install '.[cli]'` installs `submit`, `watch`, `ls`, `kinds`, `cancel`, `retry`, `result`, `logs`,
`run`, `pipe` and `completion`; `pip install '.[demo]'` also `dev` and `demo`, with a nats-server.
[Use the command](../how-to/use-the-command.md) has examples.

| exit code | |
|---|---|
| 0 | completed, or done |
| 1 | the task ended in an error, or the request failed |
| 2 | the command line is wrong |
| 3 | cancelled |
| 4 | lost: no streamer was reachable for too long, or there is no such task |
| 130 | detached by Ctrl-C; the task continues |

`run` exits with the code of its command.

`make docs` generates this page from the sources.
"""


def default(value: object) -> str:
    """A default as it would be written in the environment."""
    return f"`{written(value)}`" if written(value) else "–"


def section(title: str, prefix: str, type: type[msgspec.Struct]) -> str:
    """One table."""
    explained = explanations(type)
    rows = [
        f"| `{prefix}{field.name.upper()}` | {default(field.default)} | {explained.get(field.name, '')} |"
        for field in msgspec.structs.fields(type)
    ]
    return f"## {title}\n\n| variable | default | |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def settings_page() -> str:
    """The tables of all settings."""
    return HEAD + "\n" + "\n".join(section(*parts) for parts in SECTIONS)


def command_page() -> str:
    """What `--help` says of each command."""
    runner = CliRunner()
    texts = [f"## `headway {name}`".rstrip("` ") + "`\n\n" + _help(runner, name) for name in ("", *_commands())]
    return COMMAND_HEAD + "\n" + "\n".join(texts)


def _commands() -> Iterator[str]:
    """All commands, those of groups included."""
    context = click.Context(cli)
    for name in cli.list_commands(context):
        yield name
        command = cli.get_command(context, name)
        if isinstance(command, click.Group):
            yield from (f"{name} {inner}" for inner in command.list_commands(context))


def _help(runner: CliRunner, name: str) -> str:
    result = runner.invoke(cli, [*name.split(), "--help"], prog_name="headway", env={"COLUMNS": "100"})
    return f"```\n{result.output.rstrip()}\n```\n"


MEASURED = ROOT / "bench" / "results" / "latest.json"
MEASURED_HEAD = """# Measurements

The results of one run of `make bench`; [Performance](../performance.md) describes the method. Compare ratios; absolute
figures drift.

"""


def measurements_page() -> str:
    """The goals and the tables of the last whole run of the bench."""
    if not MEASURED.exists():
        return MEASURED_HEAD + "No complete run is stored yet: `make bench` makes one.\n"
    run = json.loads(MEASURED.read_text())
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items() if version)
    facts = f"{run['cores']} cores, {run['system']} {run['kernel'].split('-')[0]}, Python {run['python']}, {versions}"
    rows = [_goal(goal) for goal in run["goals"]]
    head = "## Goals\n\n| | workload | Headway | | peer | ratio | goal | |\n|---|---|---|---|---|---|---|---|\n"
    tables = "\n".join(_table(section) for section in run["sections"].values())
    return f"{MEASURED_HEAD}{fill(facts, 120, break_on_hyphens=False)}.\n\n{head}" + "\n".join(rows) + f"\n\n{tables}"


def _table(section: dict[str, Any]) -> str:
    """One question, with the figures of all peers."""
    columns = section["columns"]
    lines = [f"| {' | '.join(columns.values())} |", "|---" * len(columns) + "|"]
    lines += [f"| {' | '.join(_cell(row.get(key)) for key in columns)} |" for row in section["rows"]]
    return "\n".join([f"## {section['title']}", "", *lines, "", *section["notes"], ""])


def _cell(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, int | float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"
    return str(value)


def _goal(goal: dict[str, Any]) -> str:
    ratio = "" if goal["ratio"] is None else f"{goal['ratio']:.2f} ×"
    value = f"{goal['value']:,.0f}" if goal["value"] >= 1000 else f"{goal['value']:g}"
    met = "met" if goal["met"] else "**not met**"
    cells = (goal["name"], goal["workload"], value, goal["unit"], goal["peer"], ratio, goal["goal"], met)
    return f"| {' | '.join(cells)} |"


AUDIT_HEAD = f"""# Audit log

Who did what, and what was refused: the lines of the streamer's log whose `logger` is `{audit.LOGGER}`, each with one of
the keys below as `action`. Keys and fields are stable. The level of other logs does not change them.

Every line has `time`, `action`, `peer` (the address of the connection: behind a proxy, the proxy's), and where they
are known `owner` and `tenant` of who asked, `task`, `kind`, and `request_id` from the header `X-Request-Id`. No line
holds a token, a parameter, an idempotency key or a query string. [Route them](../how-to/control-access.md#audit).

"""


def audit_page() -> str:
    """The actions of the audit log."""
    rows = [f"| `{action}` | {meaning} |" for action, meaning in audit.ACTIONS.items()]
    return AUDIT_HEAD + "\n".join(["| action | |", "|---|---|", *rows, "", "`make docs` generates this page.", ""])


PAGES = {
    "adapters.md": features.page,
    "audit.md": audit_page,
    "settings.md": settings_page,
    "command.md": command_page,
    "measurements.md": measurements_page,
    "openapi.md": openapi_page,
    "openapi.json": lambda: documents.openapi_json(page=True).decode(),
    "asyncapi.md": asyncapi_page,
    "asyncapi.json": lambda: documents.asyncapi_json().decode(),
}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (REFERENCE / name).write_text(make())
