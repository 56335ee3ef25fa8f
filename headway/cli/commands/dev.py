"""`headway dev`: everything on one machine, restarted when code changes."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from headway.cli.group import Failure
from headway.cli.local.log_line import read
from headway.cli.local.ports import check_free, claimed, free_ports, is_free
from headway.cli.local.print_queue import PrintQueue
from headway.cli.local.process import Child
from headway.cli.local.reload import changes, roots
from headway.cli.local.stack import Plan, Suite, last_lines, specs
from headway.cli.render.terminal import console
from headway.cli.render.text import duration

NATS_PORT = 4222
FLUSH_SECONDS = 2.0
"""What waits to be printed at the end gets this long on a terminal that does not read."""
COLOURS = {"nats": "magenta", "processor": "green"}
STREAMER_COLOURS = ("cyan", "blue", "bright_cyan", "bright_blue")
LEVELS = {"error": "bold red", "warning": "yellow", "debug": "dim", "quiet": "dim"}


class Printer:
    """Prints what the children say, each with its name in front. Neither waits nor fails, from any thread."""

    def __init__(self, out: Console, *, verbose: bool) -> None:
        self._queue = PrintQueue(out)
        self._verbose = verbose

    def line(self, child: Child, raw: str) -> None:
        """A line of a child. What nats-server tells of itself is shown only if it is verbose."""
        level, text = read(raw)
        if level == "quiet" and not self._verbose:
            return
        for part in text.splitlines():
            self._print(child, Text(part, LEVELS.get(level, "")))

    def death(self, child: Child, code: int, pause: float) -> None:
        """A child has ended that should not have."""
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        again = f"it starts again in {duration(max(pause, 1))}, or when code changes"
        self._print(child, Text(f"ended {how}; {again}. Its last lines:", "bold red"))
        for line in last_lines(child).splitlines():
            self._print(child, Text(line, "red"))

    def say(self, text: str) -> None:
        """A line of the supervisor itself."""
        self._queue.put(Text(text, "bold"))

    def close(self) -> bool:
        """Print what waits. Returns False when the terminal takes nothing."""
        return self._queue.flush(FLUSH_SECONDS)

    def _print(self, child: Child, text: Text) -> None:
        name = child.spec.name
        self._queue.put(text, Text(f"{name:<14} │ ", colour(name)))


def colour(name: str) -> str:
    """Of a part's name."""
    _, _, port = name.partition("-")
    return STREAMER_COLOURS[int(port) % len(STREAMER_COLOURS)] if port.isdigit() else COLOURS.get(name, "white")


@asynccontextmanager
async def stop_signal(suite: Suite) -> AsyncIterator[asyncio.Event]:
    """An event that SIGINT, SIGTERM and SIGHUP set. The second signal kills the children."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            suite.kill()
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, on_signal)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def supervise(plan: Plan, printer: Printer, watched: list[Path]) -> None:
    """Run the suite until a signal."""
    async with Suite(specs(plan, os.environ), printer.line, printer.death) as suite, stop_signal(suite) as stop:
        work = asyncio.create_task(_work(suite, plan, printer, watched, stop), name="work")
        waiting = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait([work, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not stop.is_set():
            await work
        printer.say("Stopping …")
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await suite.stop()
    printer.say("Stopped.")


async def _work(suite: Suite, plan: Plan, printer: Printer, watched: list[Path], stop: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_start(suite, plan, printer), name="start")
        # Also while parts are not ready: what changes may be what keeps them from it.
        if watched:
            group.create_task(_reload(suite, printer, watched, stop), name="reload")
        await stop.wait()


async def _start(suite: Suite, plan: Plan, printer: Printer) -> None:
    await suite.start(strict=False)
    urls = "  ".join(f"http://127.0.0.1:{port}" for port in plan.ports)
    nats = plan.nats_url or f"nats://127.0.0.1:{plan.nats_port}"
    printer.say(f"Ready: {urls}  ·  {nats}  ·  Ctrl-C stops")


async def _reload(suite: Suite, printer: Printer, watched: list[Path], stop: asyncio.Event) -> None:
    try:
        async for paths, parts in changes(watched, stop):
            names = ", ".join(sorted({path.name for path in paths}))
            for child in suite.children:
                if child.spec.name.partition("-")[0] in parts:  # one by one: watchers always have a streamer
                    printer.say(f"{names} changed: restarting {child.spec.name}")
                    await suite.restart(child)
    except OSError as error:  # such as the system's limit of watched files
        printer.say(f"Changes are not seen: {error}. Restart by hand, or run in a smaller folder.")


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Of the first streamer.")
@click.option(
    "--streamers", type=click.IntRange(1, 16), default=2, show_default=True, help="On ports one after another."
)
@click.option("--nats", "nats_url", default="", metavar="URL", help="A NATS that runs already. Default: start one.")
@click.option("--tasks", multiple=True, metavar="PKG.MOD", help="A module with @task functions; may be repeated.")
@click.option("--reload/--no-reload", default=True, show_default=True, help="Restart what runs changed Python files.")
@click.option("--verbose", is_flag=True, help="Also what nats-server says of itself.")
def dev(*, port: int, streamers: int, nats_url: str, tasks: tuple[str, ...], reload: bool, verbose: bool) -> None:
    """Run NATS, a processor and streamers here; restart them when code changes.

    Data is kept in .headway/ of the current folder: delete it to begin anew.
    """
    if reload:
        importlib.import_module("watchfiles")  # missing: one line, before anything has started
    here = Path.cwd()
    sys.path.insert(0, str(here))
    with claimed(here / ".headway") as folder:
        plan = Plan(
            folder=folder,
            ports=check_free(port, streamers),
            nats_url=nats_url,
            nats_port=0 if nats_url else _nats_port(),
            tasks=tuple(name for given in tasks for name in given.split(",") if name),
        )
        watched = roots(here, plan.tasks) if reload else []
        printer = Printer(console(), verbose=verbose)
        try:
            asyncio.run(supervise(plan, printer, watched))
        except OSError as error:
            raise Failure(f"cannot start: {error}") from error
        finally:
            printed = printer.close()
    if not printed:  # the printing thread is stuck in a write and would keep Python from ending
        os._exit(0)


def _nats_port() -> int:
    # The usual port, so that scripts of one's own find it; another one when it is taken.
    return NATS_PORT if is_free(NATS_PORT) else free_ports(1)[0]
