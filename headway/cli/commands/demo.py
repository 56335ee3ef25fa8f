"""`headway demo`: the whole product on one machine, at work on real data, without a network."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.text import Text

from headway.cli.commands.dev import Printer, stop_signal
from headway.cli.commands.watch import Following, follow, print_result
from headway.cli.group import Misuse
from headway.cli.local.demo_site import private_host, pydoc_site
from headway.cli.local.ports import check_free, free_ports, next_free
from headway.cli.local.process import Child
from headway.cli.local.stack import Plan, Suite, specs
from headway.cli.render.bars import Bar
from headway.cli.render.terminal import console
from headway.cli.render.views import view_for
from headway.client import Client

STREAMERS = 2
FIRST_PORT = 8000


class StreamRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    url: str = ""
    csv: Path | None = None
    port: int | None = None
    pages: int = 300
    leaving: bool = False


class Demo:
    """One demonstration."""

    def __init__(self, wish: StreamRequest, out: Console) -> None:
        self._wish = wish
        self._out = out
        self._csv = wish.csv or airports()
        self._tasks: dict[str, str] = {}

    async def run(self) -> int:
        """Returns the exit code: 0 when all tasks completed."""
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headway-demo-")))
            url = self._wish.url or await self._open_site(stack, folder)
            plan = self._plan(folder, url)
            printer = Printer(self._out, verbose=False)
            suite = await stack.enter_async_context(Suite(specs(plan, os.environ), _quiet, printer.death))
            stop = await stack.enter_async_context(stop_signal(suite))
            show = asyncio.create_task(self._show(suite, plan, url), name="demo")
            stay = asyncio.create_task(stop.wait(), name="stop")
            await asyncio.wait([show, stay], return_when=asyncio.FIRST_COMPLETED)
            if not show.done():
                show.cancel()
                await asyncio.gather(show, return_exceptions=True)
                return 130
            code = await show
            if not self._wish.leaving:
                self._invite(plan)
                await stay
                self._say("Stopping …")
            stay.cancel()
            return code

    async def _open_site(self, stack: AsyncExitStack, folder: Path) -> str:
        empty = folder / "empty"
        empty.mkdir()
        with self._busy("Starting Python's own documentation server, a site to crawl"):
            return await stack.enter_async_context(pydoc_site(empty))

    def _plan(self, folder: Path, url: str) -> Plan:
        given = self._wish.port
        allowed = private_host(url)
        settings = {"HEADWAY_PROCESSOR_DATA_DIR": str(self._csv.parent)}
        if allowed:
            settings["HEADWAY_PROCESSOR_CRAWL_ALLOW"] = allowed
        return Plan(
            folder=folder,
            ports=next_free(FIRST_PORT, STREAMERS) if given is None else check_free(given, STREAMERS),
            nats_port=free_ports(1)[0],
            settings=settings,
        )

    async def _show(self, suite: Suite, plan: Plan, url: str) -> int:
        began = time.monotonic()
        with self._busy("Starting nats-server, a processor and two streamers"):
            await suite.start(strict=True)
        self._say(f"Ready in {time.monotonic() - began:.1f} s. The page: {plan.url}/")
        async with Client(plan.url) as client:
            following = await self._submit(client, url)
            bars = [Bar(task, kind) for task, kind in self._tasks.items()]
            await follow(client, following, view_for(bars, as_json=False))
            for bar in bars:
                await print_result(client, following, bar, self._out)
        return 0 if following.exit_code == 0 else 1

    async def _submit(self, client: Client, url: str) -> Following:
        wanted: list[tuple[str, dict[str, Any]]] = [
            ("crawl", {"url": url, "max_pages": self._wish.pages}),
            ("bulk", {"source": self._csv.name}),
        ]
        for kind, params in wanted:
            self._say(f"Submitting {kind} of {url if kind == 'crawl' else self._csv.name}")
            self._tasks[(await client.submit(kind, params))["task"]] = kind
        return Following(list(self._tasks))

    def _invite(self, plan: Plan) -> None:
        task = next(iter(self._tasks))
        self._say(f"\nThe page:    {plan.url}/")
        self._say(f"The stream:  curl -N {plan.url}/tasks/{task}/stream")
        self._say(f"Your turn:   headway submit script --watch --server {plan.url}")
        self._say("Ctrl-C stops.")

    def _say(self, text: str) -> None:
        self._out.print(Text(text))

    @contextmanager
    def _busy(self, text: str) -> Iterator[None]:
        if self._out.is_terminal:
            with self._out.status(Text(f"{text} …")):
                yield
            return
        self._say(f"{text} …")
        yield


def airports() -> Path:
    """A table of 28,000 airports from the package airportsdata."""
    import airportsdata

    return Path(airportsdata.__file__).parent / "airports.csv"


def _quiet(child: Child, raw: str) -> None:
    """What the parts log is kept for the case of their death, not shown."""


@click.command()
@click.option("--exit", "leaving", is_flag=True, help="End when the tasks have: 0 if all completed, else 1.")
@click.option("--url", default="", help="A site of yours to crawl. Default: Python's documentation, served here.")
@click.option(
    "--csv",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A table of yours to profile. Default: 28,000 airports.",
)
@click.option("--port", type=click.IntRange(1, 65534), help="Of the first streamer. Default: 8000, or the next free.")
@click.option("--pages", type=click.IntRange(1, 100_000), default=300, show_default=True, help="Crawl at most so many.")
def demo(*, leaving: bool, url: str, csv: Path | None, port: int | None, pages: int) -> None:
    """See it work: crawl a real site and profile a real table, live here and in your browser. Needs no network.

    A site of your own at a private address is crawled because you name it here.
    """
    if url and not url.startswith(("http://", "https://")):
        raise Misuse(f"--url {url}: it begins with http:// or https://")
    wish = StreamRequest(url=url, csv=csv.resolve() if csv else None, port=port, pages=pages, leaving=leaving)
    raise SystemExit(asyncio.run(Demo(wish, console()).run()))
