"""Following tasks to their end: shared by `watch`, `submit --watch`, `retry --watch` and `demo`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import click
from rich.console import Console
from rich.text import Text

from headway.cli import parts
from headway.cli.errors import UnknownOutcomeError, format_error
from headway.cli.render.bars import Bar
from headway.cli.render.result_tables import result_tables
from headway.cli.render.terminal import make_console
from headway.cli.render.views import View, view_for
from headway.cli.server import call_server, command_line
from headway.client import Client
from headway.client.event_stream import Watched
from headway.errors import ClientError
from headway.events import TERMINAL
from headway.service.supervisor import cancel_and_wait

LOST = "lost"
"""Outcome of a task that does not exist, or whose end is unknown."""
EXIT_CODES = {"completed": 0, "cancelled": 3, "error": 1, LOST: 4}
"""Exit code by the outcome of a task, from best to worst; of several tasks the worst counts."""
DETACHED = 130
PATIENCE_SECONDS = 300.0


class WatchState:
    """The tasks of a watch, its cursor, and the outcomes so far: enough to resume after Ctrl-C."""

    def __init__(self, tasks: Sequence[str], cursor: str = "") -> None:
        self.tasks = list(dict.fromkeys(tasks))
        self.cursor = cursor
        self.outcomes: dict[str, str] = {}

    @property
    def exit_code(self) -> int:
        """Exit code of the worst outcome; a task without an outcome counts as lost."""
        order = list(EXIT_CODES)
        worst = max((self.outcomes.get(task, LOST) for task in self.tasks), key=order.index)
        return EXIT_CODES[worst]

    def update(self, watched: Watched) -> None:
        """Take the cursor and the outcome from an event."""
        self.cursor = watched.cursor or self.cursor
        if watched.terminal:
            self.outcomes[watched.task] = watched.data["status"]
        elif watched.event == "reset":
            self.outcomes.pop(watched.task, None)


async def follow(client: Client, state: WatchState, view: View, patience: float | None = None) -> None:
    """Show the events of the tasks in `view` until all of them have ended. Raises ClientError."""
    tasks = [task for task in state.tasks if state.outcomes.get(task) != LOST]
    with view:
        events = client.watch(*tasks, cursor=state.cursor, patience_seconds=patience or None, on_drop=view.drop)
        showing = asyncio.create_task(parts.keep_shown(client, tasks, view))
        async with aclosing(events):
            try:
                async for watched in events:
                    state.update(watched)
                    view.show(watched)
            finally:
                await cancel_and_wait(showing)
        await parts.show(client, tasks, view)
        for task in tasks:
            if task not in state.outcomes:
                await _fetch_outcome(client, task, state, view)


async def _fetch_outcome(client: Client, task: str, state: WatchState, view: View) -> None:
    # With a cursor at the end of the log the server has nothing more to send.
    found = (await client.task(task)).get("state") or {}
    if found.get("status") in TERMINAL:
        watched = Watched("progress", {"task": task, **found}, state.cursor)
        state.update(watched)
        view.show(watched)


async def create_bars(client: Client, state: WatchState, *, tracebacks: bool = False) -> list[Bar]:
    """Return a bar for each task that exists. Report the others on stderr and mark them as lost."""
    bars = []
    for task in state.tasks:
        try:
            kind = str((await client.task(task)).get("kind", ""))
            bars.append(Bar(task, kind, tracebacks=tracebacks))
        except ClientError as error:
            if error.status not in (404, 410):
                raise
            state.outcomes[task] = LOST
            click.echo(f"{task}: there is no such task; see `headway ls`", err=True)
    return bars


async def print_result(client: Client, state: WatchState, bar: Bar, out: Console) -> None:
    """Print the result of a completed task as tables; print nothing for another outcome or an empty result."""
    if state.outcomes.get(bar.task) != "completed":
        return
    try:
        tables = result_tables(bar.kind, await client.result(bar.task))
    except ClientError as error:
        out.print(Text(f"{bar.name}: no result: {error}", "yellow"))
        return
    if tables:
        out.print(Text(f"\n{bar.kind} {bar.task}", "bold"))
    for table in tables:
        out.print(table)


def run_watch(
    server: str,
    state: WatchState,
    *,
    as_json: bool,
    patience: float = PATIENCE_SECONDS,
    tracebacks: bool = False,
) -> int:
    """Follow the tasks and print their results. Return the exit code.

    Ctrl-C detaches. Raises UnknownOutcomeError when the server is unreachable for `patience` seconds.
    """

    async def call(client: Client) -> None:
        bars = await create_bars(client, state, tracebacks=tracebacks)
        if bars:
            await follow(client, state, view_for(bars, as_json=as_json), patience)
        if not as_json:
            for bar in bars:
                await print_result(client, state, bar, make_console())

    try:
        call_server(server, call)
    except KeyboardInterrupt:
        click.echo(detach_message(server, state), err=True)
        return DETACHED
    except ClientError as error:
        raise _unknown_outcome(server, state, error) from error
    return state.exit_code


def _unknown_outcome(server: str, state: WatchState, error: ClientError) -> UnknownOutcomeError:
    hint = f"\nResume with: {resume_command(server, state)}" if state.cursor else ""
    return UnknownOutcomeError(format_error(error) + hint)


def resume_command(server: str, state: WatchState) -> str:
    """Return the command that resumes this watch."""
    cursor = ["--cursor", state.cursor] if state.cursor else []
    return command_line(server, "watch", *state.tasks, *cursor)


def detach_message(server: str, state: WatchState) -> str:
    """Return the message printed after Ctrl-C."""
    subject = "task continues" if len(state.tasks) == 1 else "tasks continue"
    return f"\nDetached; the {subject}. Resume with:\n  {resume_command(server, state)}"
