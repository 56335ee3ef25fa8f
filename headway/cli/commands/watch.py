"""`headway watch`: follow tasks to their end."""

from __future__ import annotations

import click

from headway.cli.completions import complete_task
from headway.cli.follow import PATIENCE_SECONDS, WatchState, run_watch
from headway.cli.server import server_option


@click.command()
@click.argument("tasks", nargs=-1, required=True, metavar="ID...", shell_complete=complete_task)
@click.option("--json", "as_json", is_flag=True, help="Print the data of each event as it arrives, one per line.")
@click.option("--cursor", default="", help="Resume after this event: a cursor printed by an earlier watch.")
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=PATIENCE_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Give up when the server is unreachable for this long; 0 means never.",
)
@click.option(
    "--traceback",
    "tracebacks",
    is_flag=True,
    help="Print the full traceback of failed attempts, not only its last frame.",
)
@server_option
def watch(
    tasks: tuple[str, ...], *, as_json: bool, cursor: str, patience: float, tracebacks: bool, server: str
) -> None:
    """Follow tasks until they have ended. Ctrl-C detaches; the tasks continue.

    Exit code: 0 completed, 1 error, 3 cancelled, 4 lost; of several tasks the worst. 130 detached.
    """
    raise SystemExit(
        run_watch(server, WatchState(tasks, cursor), as_json=as_json, patience=patience, tracebacks=tracebacks)
    )
