"""`headway watch`: follow tasks to their end. What submit, retry and demo use to follow theirs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

import click
from rich.console import Console
from rich.text import Text

from headway.cli.completions import complete_task
from headway.cli.group import Lost, ask, command_line, explain, server_option
from headway.cli.render.bars import Bar
from headway.cli.render.report import tables
from headway.cli.render.terminal import console
from headway.cli.render.views import View, view_for
from headway.client import Client
from headway.client.event_stream import Watched
from headway.errors import ClientError
from headway.events import TERMINAL

EXIT_CODES = {"completed": 0, "cancelled": 3, "error": 1, "lost": 4}
"""By the status of the task, from well to bad: of several tasks the worst counts."""
DETACHED = 130
PATIENCE_SECONDS = 300.0


class Following:
    """How far a watch has got: what is needed to go on after Ctrl-C, and to name the end."""

    def __init__(self, tasks: Sequence[str], cursor: str = "") -> None:
        self.tasks = list(dict.fromkeys(tasks))
        self.cursor = cursor
        self.ends: dict[str, str] = {}

    @property
    def exit_code(self) -> int:
        """Of the worst task; one without a known end is lost."""
        order = list(EXIT_CODES)
        worst = max((self.ends.get(task, "lost") for task in self.tasks), key=order.index)
        return EXIT_CODES[worst]

    def take(self, watched: Watched) -> None:
        """Remember what counts."""
        self.cursor = watched.cursor or self.cursor
        if watched.terminal:
            self.ends[watched.task] = watched.data["status"]
        elif watched.event == "reset":
            self.ends.pop(watched.task, None)


async def follow(client: Client, following: Following, view: View, patience: float | None = None) -> None:
    """Show the events of the tasks in `view` until all of them have ended. Raises ClientError."""
    open_tasks = [task for task in following.tasks if following.ends.get(task) != "lost"]
    with view:
        events = client.watch(
            *open_tasks, cursor=following.cursor, patience_seconds=patience or None, on_drop=view.drop
        )
        async with aclosing(events):
            async for watched in events:
                following.take(watched)
                view.show(watched)
        for task in open_tasks:
            if task not in following.ends:
                await _catch_up(client, task, following, view)


async def _catch_up(client: Client, task: str, following: Following, view: View) -> None:
    # With a cursor at the end of the log the server has nothing more to send.
    state = (await client.task(task)).get("state") or {}
    if state.get("status") in TERMINAL:
        watched = Watched("progress", {"task": task, **state}, following.cursor)
        following.take(watched)
        view.show(watched)


async def known(client: Client, following: Following, *, tracebacks: bool = False) -> list[Bar]:
    """A bar per task that exists; a message for each that does not, which is lost."""
    bars = []
    for task in following.tasks:
        try:
            kind = str((await client.task(task)).get("kind", ""))
            bars.append(Bar(task, kind, tracebacks=tracebacks))
        except ClientError as error:
            if error.status not in (404, 410):
                raise
            following.ends[task] = "lost"
            click.echo(f"{task}: there is no such task; see `headway ls`", err=True)
    return bars


async def print_result(client: Client, following: Following, bar: Bar, out: Console) -> None:
    """The result of a completed task as tables; nothing for another one, and for a result that is empty."""
    if following.ends.get(bar.task) != "completed":
        return
    try:
        parts = tables(bar.kind, await client.result(bar.task))
    except ClientError as error:
        out.print(Text(f"{bar.name}: no result: {error}", "yellow"))
        return
    if parts:
        out.print(Text(f"\n{bar.kind} {bar.task}", "bold"))
    for part in parts:
        out.print(part)


def run(
    server: str,
    following: Following,
    *,
    as_json: bool,
    patience: float = PATIENCE_SECONDS,
    tracebacks: bool = False,
) -> int:
    """Follow from the command line. Returns the exit code; Ctrl-C only detaches."""

    async def call(client: Client) -> None:
        bars = await known(client, following, tracebacks=tracebacks)
        if bars:
            await follow(client, following, view_for(bars, as_json=as_json), patience)
        if not as_json:
            for bar in bars:
                await print_result(client, following, bar, console())

    try:
        ask(server, call)
    except KeyboardInterrupt:
        click.echo(detached(server, following), err=True)
        return DETACHED
    except ClientError as error:
        go_on = f"\nGo on with: {resume_line(server, following)}" if following.cursor else ""
        raise Lost(explain(error) + go_on) from error
    return following.exit_code


def resume_line(server: str, following: Following) -> str:
    """The command that goes on where this watch stopped."""
    at = ["--cursor", following.cursor] if following.cursor else []
    return command_line(server, "watch", *following.tasks, *at)


def detached(server: str, following: Following) -> str:
    """What Ctrl-C answers."""
    one = len(following.tasks) == 1
    return f"\nDetached; the {'task goes' if one else 'tasks go'} on. Resume:\n  {resume_line(server, following)}"


@click.command()
@click.argument("tasks", nargs=-1, required=True, metavar="ID...", shell_complete=complete_task)
@click.option("--json", "as_json", is_flag=True, help="The data of each event, one per line, also while following.")
@click.option("--cursor", default="", help="Go on after this event, as an earlier watch printed it.")
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=PATIENCE_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Give up when cut off from the server for so long; 0 never.",
)
@click.option("--traceback", "tracebacks", is_flag=True, help="All of a failed attempt's traceback, not its last line.")
@server_option
def watch(
    tasks: tuple[str, ...], *, as_json: bool, cursor: str, patience: float, tracebacks: bool, server: str
) -> None:
    """Follow tasks until they have ended. Ctrl-C detaches; the tasks go on.

    Exit code: 0 completed, 1 error, 3 cancelled, 4 lost; of several tasks the worst. 130 detached.
    """
    raise SystemExit(run(server, Following(tasks, cursor), as_json=as_json, patience=patience, tracebacks=tracebacks))
