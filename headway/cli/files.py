"""Files as parameters on the command line: which parameter each is for, and their uploads with a progress bar."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from headway.cli.params import ParamError
from headway.cli.render.text import one_line
from headway.client import Client
from headway.values.file_param import FILE_FORMAT
from headway.values.from_text import Schema

STDIN = "-"


def choose(given: tuple[str, ...], schema: Schema) -> dict[str, str]:
    """The paths by parameter. Raises ParamError that names the parameters which take a file."""
    known = _file_parameters(schema)
    chosen: dict[str, str] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not (equals and name in known):
            name, path = (known[0] if len(known) == 1 else ""), text
        if not name:
            raise ParamError(
                f"--file {text}: write it as NAME=PATH with one of {', '.join(known)}"
                if known
                else f"--file {text}: this kind takes no file"
            )
        if name in chosen:
            raise ParamError(f"--file {text}: {name} takes one file")
        if path != STDIN and not Path(path).is_file():
            raise ParamError(f"--file {text}: there is no file {path!r}")
        chosen[name] = path
    return chosen


async def upload_all(client: Client, chosen: dict[str, str]) -> dict[str, str]:
    """Upload the files. Return their ids by parameter. Raises ClientError."""
    return {name: await _upload(client, path) for name, path in chosen.items()}


async def _upload(client: Client, path: str) -> str:
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        name = "stdin" if path == STDIN else Path(path).name
        bar = shown.add_task(one_line(f"Uploading {name}"), total=None)

        def on_sent(sent: int, size: int | None) -> None:
            shown.update(bar, completed=sent, total=size)

        source = sys.stdin.buffer if path == STDIN else path
        return (await client.upload(source, name=name, on_sent=on_sent)).file


def _file_parameters(schema: Schema) -> list[str]:
    return [name for name, field in (schema.get("properties") or {}).items() if _is_file(field)]


def _is_file(field: Schema) -> bool:
    branches = field.get("anyOf") or ()
    return field.get("format") == FILE_FORMAT or any(branch.get("format") == FILE_FORMAT for branch in branches)
