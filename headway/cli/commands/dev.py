"""`headway dev`: run the local stack and restart it when code changes."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from pathlib import Path

import click

from headway.cli.errors import CommandError
from headway.cli.local.data_folder import locked_folder
from headway.cli.local.log_printer import LogPrinter
from headway.cli.local.ports import HOST, check_free, free_ports, is_free
from headway.cli.local.reload import watch_changes, watch_roots
from headway.cli.local.signals import stop_signal
from headway.cli.local.stack import Stack, service_of
from headway.cli.local.stack_specs import StackOptions, stack_specs
from headway.cli.render.terminal import make_console
from headway.cli.server import advise_variable
from headway.jetstream.servers import parse_servers
from headway.values.redaction import redact_url

NATS_PORT = 4222
NATS_VARIABLE = "HEADWAY_DEV_NATS"
"""Not HEADWAY_NATS_URL: whoever has set that for the services does not expect to develop on it."""


class DevSession:
    """A run of the local stack. `roots` are the paths whose changes restart services; empty for none."""

    def __init__(self, options: StackOptions, printer: LogPrinter, roots: list[Path]) -> None:
        self._options = options
        self._printer = printer
        self._roots = roots

    async def run(self) -> None:
        """Run the stack until a stop signal."""
        specs, printer = stack_specs(self._options, os.environ), self._printer
        async with Stack(specs, printer.print_line, printer.print_exit) as stack, stop_signal(stack) as stop:
            work = asyncio.create_task(self._work(stack, stop), name="work")
            stopped = asyncio.create_task(stop.wait(), name="stop")
            await asyncio.wait([work, stopped], return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if not stop.is_set():
                await work
            printer.print_message("Stopping …")
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await stack.stop()
        printer.print_message("Stopped.")

    async def _work(self, stack: Stack, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._start(stack), name="start")
            # Also before all processes are ready: a change may fix what prevents it.
            if self._roots:
                group.create_task(self._reload(stack, stop), name="reload")
            await stop.wait()

    async def _start(self, stack: Stack) -> None:
        await stack.start(strict=False)
        urls = "  ".join(f"http://{HOST}:{port}" for port in self._options.ports)
        self._printer.print_message(f"Ready: {urls}  ·  {redact_url(self._options.nats)}  ·  Ctrl-C stops")

    async def _reload(self, stack: Stack, stop: asyncio.Event) -> None:
        try:
            async for paths, services in watch_changes(self._roots, stop):
                names = ", ".join(sorted({path.name for path in paths}))
                for process in stack.processes:
                    if service_of(process) in services:  # one by one, so that watchers always have a streamer
                        self._printer.print_message(f"{names} changed: restarting {process.spec.name}")
                        await stack.restart(process)
        except OSError as error:  # such as the system's limit of watched files
            self._printer.print_message(
                f"Cannot watch files: {error}. Restart `headway dev` after a change, or run it in a smaller folder."
            )


@click.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port of the first streamer."
)
@click.option(
    "--streamers",
    type=click.IntRange(1, 16),
    default=2,
    show_default=True,
    help="Number of streamers, on consecutive ports.",
)
@click.option(
    "--nats",
    "nats_url",
    envvar=NATS_VARIABLE,
    default="",
    show_envvar=True,
    metavar="URL",
    callback=advise_variable(NATS_VARIABLE),
    help="URL of a running NATS server. Default: start one.",
)
@click.option("--tasks", multiple=True, metavar="PKG.MOD", help="Module with @task functions; may be repeated.")
@click.option(
    "--reload/--no-reload",
    default=True,
    show_default=True,
    help="Restart the affected services when Python files change.",
)
@click.option("--verbose", is_flag=True, help="Also print the informational log lines of nats-server.")
def dev(*, port: int, streamers: int, nats_url: str, tasks: tuple[str, ...], reload: bool, verbose: bool) -> None:
    """Run NATS, a processor and streamers on this machine; restart them when code changes.

    Data is kept in .headway/ of the current folder: delete it to start from scratch.
    """
    if nats_url:
        parse_servers(nats_url)  # reported here it is one line, and not one of each service
    if reload:
        importlib.import_module("watchfiles")  # report a missing package before anything has started
    current = Path.cwd()
    sys.path.insert(0, str(current))
    with locked_folder(current / ".headway") as folder:
        options = StackOptions(
            folder=folder,
            ports=check_free(port, streamers),
            nats_url=nats_url,
            nats_port=0 if nats_url else _nats_port(),
            tasks=tuple(name for given in tasks for name in given.split(",") if name),
        )
        printed = _run(options, watch_roots(current, options.tasks) if reload else [], verbose=verbose)
    if not printed:  # the printing thread is blocked in a write and would prevent the exit of Python
        os._exit(0)


def _run(options: StackOptions, roots: list[Path], *, verbose: bool) -> bool:
    """Run a session until it is stopped. Return whether its output was printed completely."""
    printer = LogPrinter(make_console(), verbose=verbose)
    try:
        asyncio.run(DevSession(options, printer, roots).run())
    except OSError as error:
        raise CommandError(f"cannot start: {error}") from error
    finally:
        printed = printer.close()
    return printed


def _nats_port() -> int:
    # The standard port, so that the user's scripts find it; another one when it is in use.
    return NATS_PORT if is_free(NATS_PORT) else free_ports(1)[0]
