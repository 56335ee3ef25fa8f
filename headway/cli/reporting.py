"""Options of the commands that report what they run, and their task: shared by `run` and `pipe`."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple, TypeVar

import click

from headway.cli.completions import complete_kind
from headway.cli.server import command_line, server_option
from headway.cli.token import read_token
from headway.client import Client, Report
from headway.errors import InvalidNameError
from headway.reporting.settings import ReportSettings
from headway.service.settings import load
from headway.subjects import check_kind, check_task
from headway.values.redaction import redact

F = TypeVar("F", bound=Callable[..., Any])
OnCancel = Callable[[str], object]


class ReportOptions(NamedTuple):
    """What the options say of a task."""

    server: str
    kind: str = ""
    title: str = ""
    tags: tuple[str, ...] = ()
    id: str = ""
    lease_seconds: int = 60
    quiet: bool = False


def report_options(command: F) -> F:
    """Add the options of a task that is reported; its parameters are the fields of `ReportOptions`."""
    options = (
        click.option(
            "--kind", default="", callback=_checked(check_kind), shell_complete=complete_kind, help="Kind of the task."
        ),
        click.option("--title", default="", help="What people see."),
        click.option("--tag", "tags", multiple=True, metavar="WORD", help="A word to find the task by. Repeatable."),
        click.option(
            "--id",
            default="",
            callback=_checked(check_task),
            help="Id of the task: with an id that was used before, and has not ended, its next attempt.",
        ),
        click.option(
            "--lease",
            type=click.IntRange(15, 86_400),
            default=60,
            show_default=True,
            metavar="SECONDS",
            help="The task ends as lost when nothing is heard for this long, as from a machine that sleeps.",
        ),
        click.option("-q", "--quiet", is_flag=True, help="Print nothing but the output, neither the id nor a warning."),
        server_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


@asynccontextmanager
async def reported(options: ReportOptions, on_cancel: OnCancel) -> AsyncGenerator[Report | None, None]:
    """Open a task in the background; None when the settings are wrong. Warn at the end when its end is not stored.

    The block ends the task. Nothing here raises: the work goes on without a streamer.
    """
    try:
        client = Client(options.server, token=read_token)
        report = Report(
            client,
            options.kind,
            title=redact(options.title),
            tags=options.tags,
            id=options.id,
            lease_seconds=options.lease_seconds,
            flush_seconds=load(ReportSettings, "HEADWAY_REPORT_", os.environ).flush_seconds,
            on_cancel=on_cancel,
        )
    except Exception as error:  # noqa: BLE001 - an address, a proxy or a certificate of the environment
        yield None
        _warn(options, str(error))
        return
    _say(options, f"headway: {report.task}  {command_line(options.server, 'watch', report.task)}")
    report.start()
    try:
        yield report
    finally:
        await client.close()
        if not report.ended:
            _warn(options, report.problem, report.left_out)
        elif report.left_out:
            _say(options, f"headway: {report.left_out:,} lines were not reported")


async def end_unless(stop: asyncio.Event, ending: Any) -> None:
    """Await the end of a report, unless `stop` is set: somebody presses Ctrl-C while it waits."""
    waits = {asyncio.ensure_future(ending), asyncio.ensure_future(stop.wait())}
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    await asyncio.wait(waits)


def hurry(event: asyncio.Event, loop: asyncio.AbstractEventLoop, number: signal.Signals) -> None:
    """Set the event of a loop that runs in another thread; the second time end this process at once."""
    if event.is_set():
        os._exit(128 + number)
    with suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(event.set)


def kind_of(program: str) -> str:
    """The kind of a program's tasks: its name without its directory, with "-" for other characters.

    >>> kind_of("/usr/bin/make"), kind_of("./build all.sh"), kind_of("/")
    ('make', 'build-all-sh', 'command')
    """
    return re.sub(r"[^A-Za-z0-9_-]+", "-", program.rpartition("/")[2]).strip("-")[:64] or "command"


def _checked(check: Callable[[str], str]) -> Callable[[click.Context, click.Parameter, str], str]:
    def checked(ctx: click.Context, param: click.Parameter, value: str) -> str:
        try:
            return check(value) if value else ""
        except InvalidNameError as error:
            raise click.BadParameter(str(error)) from error

    return checked


def _warn(options: ReportOptions, problem: str, left_out: int = 0) -> None:
    lines = f" ({left_out:,} lines were left out)" if left_out else ""
    _say(options, f"headway: warning: the task was not reported to its end: {problem}{lines}")


def _say(options: ReportOptions, text: str) -> None:
    if not options.quiet:
        click.echo(text, err=True)
