"""Shell completion of task kinds and task ids, queried from the streamer. Empty when the query fails."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from headway.cli.render.text import one_line
from headway.cli.server import DEFAULT_SERVER, call_server
from headway.client import Client
from headway.subjects import is_name

TIMEOUT_SECONDS = 1.5
"""A user who presses Tab does not wait longer."""
MAX_TASKS = 100

Items = list[dict[str, Any]]


def complete_task(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the id of a recent task; the help text is its kind and status."""
    tasks = _query(ctx, lambda client: client.tasks(limit=MAX_TASKS))
    items = [
        (str(task.get("task")), f"{task.get('kind')} {(task.get('state') or {}).get('status', '')}") for task in tasks
    ]
    return _completion_items(items, incomplete)


def complete_kind(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a kind; the help text is the first line of its description."""
    kinds = _query(ctx, lambda client: client.kinds())
    items = [(str(kind.get("kind")), str(kind.get("description", "")).partition("\n")[0]) for kind in kinds]
    return _completion_items(items, incomplete)


def _completion_items(items: list[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    # Only valid names: the shell could interpret other characters.
    return [
        CompletionItem(name, help=one_line(text))
        for name, text in items
        if name.startswith(incomplete) and is_name(name)
    ]


def _query(ctx: click.Context, call: Callable[[Client], Awaitable[Items]]) -> Items:
    server = ctx.params.get("server") or os.environ.get("HEADWAY_SERVER") or DEFAULT_SERVER

    async def call_with_timeout(client: Client) -> Items:
        return await asyncio.wait_for(call(client), TIMEOUT_SECONDS)

    try:
        return call_server(server, call_with_timeout)
    except Exception:  # noqa: BLE001 - a message would appear inside the command line being edited
        return []
