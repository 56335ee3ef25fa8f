"""The parts of watched tasks, for the tree of their bars."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from headway.cli.render.bars import Bar
from headway.cli.render.views import SPLIT_UNITS, View
from headway.client import Client
from headway.errors import ClientError

SECONDS = 2.0
"""How often the parts are asked for."""
MAX_PARTS = 20
"""Parts of one task that are shown, those that have not ended first."""
MAX_DEPTH = 3


async def keep_shown(client: Client, tasks: Sequence[str], view: View) -> None:
    """Show the parts of `tasks` in `view`, as far as they have some, until cancelled."""
    while True:
        await show(client, tasks, view)
        await asyncio.sleep(SECONDS)


async def show(client: Client, tasks: Sequence[str], view: View) -> None:
    """Show the parts of `tasks` once. Without an answer nothing changes."""
    for task in tasks:
        if view.is_split(task):
            with suppress(ClientError):
                view.show_parts(task, await parts_of(client, task))


async def parts_of(client: Client, task: str, depth: int = 1) -> list[Bar]:
    """Return a bar for each part of `task`, in the order of their submission, each followed by its own parts."""
    bars: list[Bar] = []
    for summary in _chosen(await client.tasks(parent=task, limit=100)):
        bar = Bar(str(summary.get("task", "")), str(summary.get("title") or summary.get("kind", "")), depth=depth)
        bar.state = summary.get("state") or {}
        bars.append(bar)
        if depth < MAX_DEPTH and bar.unit in SPLIT_UNITS and not bar.ended:
            bars += await parts_of(client, bar.task, depth + 1)
    return bars


def _chosen(newest_first: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return at most `MAX_PARTS`, in the order of their submission: those that run before those that have ended."""
    ordered = newest_first[::-1]
    if len(ordered) <= MAX_PARTS:
        return ordered

    def ended(summary: dict[str, Any]) -> bool:
        bar = Bar("")
        bar.state = summary.get("state") or {}
        return bar.ended

    kept = sorted(range(len(ordered)), key=lambda place: (ended(ordered[place]), place))[:MAX_PARTS]
    return [ordered[place] for place in sorted(kept)]
