"""What a shell can complete: kinds and ids of tasks, as the streamer has them. Silent when there is none."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from headway.cli import group
from headway.cli.render.text import one_line
from headway.client import Client
from headway.subjects import is_name

PATIENCE_SECONDS = 1.5
"""Whoever presses Tab does not wait longer."""
MAX_TASKS = 100

Found = list[dict[str, Any]]


def complete_task(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of the newest tasks that begin so, each with its kind and status."""
    found = _ask(ctx, lambda client: client.tasks(limit=MAX_TASKS))
    items = [
        (str(task.get("task")), f"{task.get('kind')} {(task.get('state') or {}).get('status', '')}") for task in found
    ]
    return _items(items, incomplete)


def complete_kind(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Kinds that begin so, each with the first line of its description."""
    found = _ask(ctx, lambda client: client.kinds())
    return _items(
        [(str(kind.get("kind")), str(kind.get("description", "")).partition("\n")[0]) for kind in found], incomplete
    )


def _items(found: list[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    # A name that is none could be read by the shell as more than a word.
    return [
        CompletionItem(name, help=one_line(text))
        for name, text in found
        if name.startswith(incomplete) and is_name(name)
    ]


def _ask(ctx: click.Context, call: Callable[[Client], Awaitable[Found]]) -> Found:
    server = ctx.params.get("server") or os.environ.get("HEADWAY_SERVER") or group.DEFAULT_SERVER

    async def within_patience(client: Client) -> Found:
        return await asyncio.wait_for(call(client), PATIENCE_SECONDS)

    try:
        return group.ask(server, within_patience)
    except Exception:  # noqa: BLE001 - a message would stand in the middle of the command line
        return []
