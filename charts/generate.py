"""Writes what can be derived: schemas and tables of values, the accounts of NATS, copies of the library chart.

The schema comes from values.yaml (value_types.py) and, for `config`, from the settings of the service; the accounts
come from headway/jetstream/grants.py. Each chart that can be installed alone has a copy of the library chart.
`tests/charts/test_generated.py` fails when something is out of date; `make docs` runs this.
"""

from __future__ import annotations

import json
import re
import shutil
import textwrap
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
import yaml
from value_types import TYPES, schema

from headway.jetstream.accounts import Literal, User, accounts, default_user, default_users
from headway.jetstream.grants import roles
from headway.jetstream.nats_config import render
from headway.subjects import Names
from headway_kinds.settings import Settings as Kinds
from headway_processor.settings import Settings as Processor
from headway_streamer.access.settings import AccessSettings
from headway_streamer.settings import Settings as Streamer

CHARTS = Path(__file__).parent
UMBRELLA = CHARTS / "headway"
LIBRARY = UMBRELLA / "charts" / "common"
SERVICES = ("nats", "processor", "streamer")
"""The charts of the umbrella, which can be installed alone too."""
VALUES_HA = CHARTS.parent / "deploy" / "nats" / "values-ha.yaml"
SETTINGS: dict[str, tuple[type[msgspec.Struct], ...]] = {
    "processor": (Processor, Kinds),
    "streamer": (Streamer, AccessSettings),
}
ELSEWHERE = {"grace_seconds", "drain_seconds", "jwt_secret", "oidc_client_secret", "generate_api_key"}
"""Settings that have a value of their own, because the pod's grace period is computed from them, and secrets: they come
from a Secret, as `access` and `generate` say."""
OPERATOR = re.compile(r"^ +users: .*OPERATOR_PASSWORD.*\n", re.MULTILINE)
"""Line of the accounts with the user of the operator, who is not everywhere."""
PLACEHOLDER = "namespaceplaceholder"
"""Namespace for which the accounts are made, before it becomes a value."""
PREVIOUS = """\
{{{{- if include "nats.hasPrevious" (list . "{role}") }}}}
{line}{{{{- end }}}}
"""


def path_of(chart: str) -> Path:
    """The directory of a chart."""
    return UMBRELLA if chart == UMBRELLA.name else UMBRELLA / "charts" / chart


def camel(name: str) -> str:
    """`flush_ms` as `flushMs`."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def fields(chart: str) -> Iterator[msgspec.structs.FieldInfo]:
    """The settings of the service."""
    for settings in SETTINGS[chart]:
        yield from msgspec.structs.fields(settings)


def config(chart: str) -> dict[str, Any]:
    """The schema of `config`: the settings of the service."""
    properties = {}
    for field in fields(chart):
        if field.name not in ELSEWHERE:
            properties[camel(field.name)] = setting(field.type)
    return {"type": "object", "additionalProperties": False, "properties": properties}


def setting(kind: Any) -> dict[str, Any]:
    """The schema of a setting of that type."""
    if get_origin(kind) is typing.Literal:
        return {"enum": list(get_args(kind))}
    return TYPES[kind if isinstance(kind, type) else tuple]


def chart_schema(chart: str) -> str:
    """values.schema.json."""
    values = yaml.safe_load((path_of(chart) / "values.yaml").read_text())
    whole = schema(values, "", {"config": config(chart)} if chart in SETTINGS else {})
    if chart == "headway":
        # Each sub-chart's own schema says what it takes.
        for name in SERVICES:
            whole["properties"][name] = {"type": "object", "properties": {"enabled": TYPES[bool]}}
    else:
        whole["properties"] |= {"global": {"type": "object"}, "enabled": TYPES[bool]}
    # Helm adds an empty map for each dependency.
    whole["properties"][LIBRARY.name] = {"type": "object"}
    return json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **whole}, indent=2) + "\n"


def rows(text: str) -> Iterator[tuple[str, str, str]]:
    """Name, default and comment of each value in a values.yaml; one without a comment has that of its group."""
    stack: list[tuple[int, str, str]] = []
    comment: list[str] = []
    for line in text.splitlines():
        if match := re.fullmatch(r" *# ?(.*)", line):
            comment.append(match[1])
        elif match := re.fullmatch(r"( *)([A-Za-z]+):(.*)", line):
            indent, default = len(match[1]), match[3].strip()
            stack = [group for group in stack if group[0] < indent]
            said = " ".join(comment) or (stack[-1][2] if stack else "")
            stack.append((indent, match[2], said))
            if default:
                yield ".".join(name for _, name, _ in stack), default, said
            comment = []
        else:
            comment = []


def readme(chart: str) -> str:
    """README.md."""
    about = yaml.safe_load((path_of(chart) / "Chart.yaml").read_text())["description"]
    text = (path_of(chart) / "values.yaml").read_text()
    lines = [f"# {chart}", "", f"{about}.", "", "| value | default | |", "|---|---|---|"]
    lines += [f"| `{name}` | `{default}` | {comment} |" for name, default, comment in rows(text)]
    if chart in SETTINGS:
        lines += [
            "",
            "## Settings",
            "",
            "In addition to the values above, `config` takes:",
            "",
            "| value | sets |",
            "|---|---|",
        ]
        lines += [
            f"| `config.{camel(field.name)}` | `HEADWAY_{chart.upper()}_{field.name.upper()}` |"
            for field in fields(chart)
            if field.name not in ELSEWHERE
        ]
        lines += ["", "Meaning and defaults: [Settings](../../../../docs/reference/settings.md)."]
    return "\n".join([*lines, "", "`make docs` generates this page from values.yaml.", ""])


def nats_accounts() -> str:
    """The accounts of the bundled NATS, as a template: its namespace is a value, and there may be previous users."""
    names = Names(PLACEHOLDER)
    users = {role.name: (_user(role.name), _user(f"{role.name}_previous")) for role in roles(names)}
    users["operator"] = (User("operator", Literal("$OPERATOR_PASSWORD")),)
    size = '{{ include "nats.maxFile" . }}'
    text = render({"accounts": accounts(names, users, max_file=size)})
    previous = re.compile(r"^ +\{ user: \$(\w+)_PREVIOUS_USER.*\n", re.MULTILINE)
    text = previous.sub(lambda line: PREVIOUS.format(role=line[1].lower(), line=line[0]), text)
    text = OPERATOR.sub('    {{- if include "nats.operatorSecret" . }}\n\\g<0>    {{- end }}\n', text)
    text = text.replace(PLACEHOLDER.upper(), "{{ upper .Values.namespace }}")
    return "# `make docs` generates this file.\n" + text.replace(PLACEHOLDER, "{{ .Values.namespace }}")


def _user(variable: str) -> User:
    return User(Literal(f"${variable}_user".upper()), Literal(f"${variable}_password".upper()))


def external_nats() -> str:
    """Values of the official NATS chart, with the accounts of the namespace `hw`, two users in each."""
    names = Names()
    head, mark, rest = VALUES_HA.read_text().partition("    accounts:\n")
    users = default_users(names, pairs=True) | {"operator": (default_user(names, "operator"),)}
    found = accounts(names, users, max_file="54GB", admin=default_user(names, "admin"))
    made = yaml.safe_dump(unquoted(found), sort_keys=False, width=110)
    return head + mark + textwrap.indent(made, " " * 6) + rest[rest.index("container:\n") :]


def unquoted(value: Any) -> Any:
    """As the official chart takes it: what it is to write without quotes is in angle brackets."""
    match value:
        case Literal(text):
            return f"<< {text} >>"
        case dict():
            return {key: unquoted(item) for key, item in value.items()}
        case list():
            return [unquoted(item) for item in value]
        case _:
            return value


def files() -> dict[Path, str]:
    """Everything that is derived, with its text."""
    made = {path_of("nats") / "files" / "accounts.conf": nats_accounts(), VALUES_HA: external_nats()}
    for chart in (*SERVICES, UMBRELLA.name):
        made[path_of(chart) / "values.schema.json"] = chart_schema(chart)
        made[path_of(chart) / "README.md"] = readme(chart)
    return made | library_copies()


def library_copies() -> dict[Path, str]:
    """The library chart, once for each chart: packaging from Git drops links, and installing needs no other step."""
    shared = [path for path in sorted(LIBRARY.rglob("*")) if path.is_file()]
    return {copy / path.relative_to(LIBRARY): path.read_text() for copy in copies() for path in shared}


def copies() -> list[Path]:
    """The directories that `library_copies` fills, and nothing else."""
    return [path_of(chart) / "charts" / LIBRARY.name for chart in SERVICES]


if __name__ == "__main__":
    for directory in copies():
        shutil.rmtree(directory, ignore_errors=True)
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
