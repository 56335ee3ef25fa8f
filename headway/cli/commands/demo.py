"""`headway demo`: run the local stack on real data, without a network."""

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

from headway.cli.errors import InvalidUsageError
from headway.cli.follow import DETACHED, WatchState, follow, print_result
from headway.cli.local.demo_site import private_host, pydoc_site
from headway.cli.local.log_printer import LogPrinter
from headway.cli.local.model_settings import missing_for_generate
from headway.cli.local.ports import check_free, free_ports, next_free
from headway.cli.local.process import SupervisedProcess
from headway.cli.local.signals import stop_signal
from headway.cli.local.stack import Stack
from headway.cli.local.stack_specs import StackOptions, bundled_kinds, stack_specs
from headway.cli.render.bars import Bar
from headway.cli.render.terminal import make_console
from headway.cli.render.views import view_for
from headway.client import Client

STREAMERS = 2
FIRST_PORT = 8000
PROMPT = "Explain in three short paragraphs why people like to see how far a long task is."


class DemoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of the command line."""

    url: str = ""
    csv: Path | None = None
    port: int | None = None
    pages: int = 300
    exit_when_done: bool = False
    prompt: str = ""
    """What a language model is asked, in place of the other tasks; empty for these."""


class Demo:
    """One demonstration."""

    def __init__(self, options: DemoOptions, out: Console) -> None:
        self._options = options
        self._out = out
        self._csv = options.csv or airports_csv()

    async def run(self) -> int:
        """Run the demonstration. Return the exit code: 0 when all tasks completed."""
        async with AsyncExitStack() as contexts:
            folder = Path(contexts.enter_context(tempfile.TemporaryDirectory(prefix="headway-demo-")))
            url = self._options.url or ("" if self._options.prompt else await self._open_site(contexts, folder))
            stack_options = self._stack_options(folder, url)
            specs = stack_specs(stack_options, os.environ)
            printer = LogPrinter(self._out, verbose=False)
            stack = await contexts.enter_async_context(Stack(specs, _ignore_line, printer.print_exit))
            stop = await contexts.enter_async_context(stop_signal(stack))
            return await self._run_until(stop, stack, stack_options.url, url)

    async def _run_until(self, stop: asyncio.Event, stack: Stack, server: str, site: str) -> int:
        show = asyncio.create_task(self._show(stack, server, site), name="demo")
        stopped = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait([show, stopped], return_when=asyncio.FIRST_COMPLETED)
        if not show.done():
            show.cancel()
            await asyncio.gather(show, return_exceptions=True)
            return DETACHED
        code = await show
        if not self._options.exit_when_done:
            self._print("Ctrl-C stops.")
            await stopped
            self._print("Stopping …")
        stopped.cancel()
        return code

    async def _open_site(self, contexts: AsyncExitStack, folder: Path) -> str:
        empty = folder / "empty"
        empty.mkdir()
        with self._status("Starting Python's own documentation server, a site to crawl"):
            return await contexts.enter_async_context(pydoc_site(empty))

    def _stack_options(self, folder: Path, url: str) -> StackOptions:
        port = self._options.port
        settings = bundled_kinds(os.environ) | {"HEADWAY_PROCESSOR_DATA_DIR": str(self._csv.parent)}
        if url and (host := private_host(url)):
            settings["HEADWAY_PROCESSOR_CRAWL_ALLOW"] = host
        return StackOptions(
            folder=folder,
            ports=next_free(FIRST_PORT, STREAMERS) if port is None else check_free(port, STREAMERS),
            nats_port=free_ports(1)[0],
            settings=settings,
        )

    async def _show(self, stack: Stack, server: str, site: str) -> int:
        started = time.monotonic()
        with self._status("Starting nats-server, a processor and two streamers"):
            await stack.start(strict=True)
        self._print(f"Ready in {time.monotonic() - started:.1f} s. The page: {server}/")
        async with Client(server) as client:
            bars = await self._submit(client, site)
            state = WatchState([bar.task for bar in bars])
            await follow(client, state, view_for(bars, as_json=False))
            for bar in bars:
                await print_result(client, state, bar, self._out)
        if not self._options.exit_when_done:
            self._print_next_steps(server, bars[0].task)
        return 0 if state.exit_code == 0 else 1

    async def _submit(self, client: Client, site: str) -> list[Bar]:
        bars = []
        for kind, subject, params in self._submissions(site):
            self._print(f"Submitting {kind} of {subject}")
            bars.append(Bar((await client.submit(kind, params))["task"], kind))
        return bars

    def _submissions(self, site: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Kind, subject and parameters of each task."""
        if self._options.prompt:
            return [("generate", "text", {"prompt": self._options.prompt})]
        return [
            ("crawl", site, {"url": site, "max_pages": self._options.pages}),
            ("bulk", self._csv.name, {"source": self._csv.name}),
        ]

    def _print_next_steps(self, server: str, task: str) -> None:
        self._print(f"\nThe page:    {server}/")
        self._print(f"The stream:  curl -N {server}/tasks/{task}/stream")
        self._print(f"Your turn:   headway submit script --watch --server {server}")

    def _print(self, text: str) -> None:
        self._out.print(Text(text))

    @contextmanager
    def _status(self, text: str) -> Iterator[None]:
        if self._out.is_terminal:
            with self._out.status(Text(f"{text} …")):
                yield
            return
        self._print(f"{text} …")
        yield


def airports_csv() -> Path:
    """Return the path of a table of 28,000 airports from the package airportsdata."""
    import airportsdata

    return Path(airportsdata.__file__).parent / "airports.csv"


def _ignore_line(process: SupervisedProcess, raw: str) -> None:
    """Lines of output are printed only after an unexpected exit, from `process.last_lines`."""


@click.command()
@click.option(
    "--exit", "exit_when_done", is_flag=True, help="Exit when the tasks have ended: 0 if all completed, otherwise 1."
)
@click.option("--url", default="", help="Site to crawl. Default: Python's documentation, served locally.")
@click.option(
    "--csv",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Table to profile. Default: 28,000 airports.",
)
@click.option(
    "--port", type=click.IntRange(1, 65534), help="Port of the first streamer. Default: 8000, or the next free port."
)
@click.option(
    "--pages", type=click.IntRange(1, 100_000), default=300, show_default=True, help="Maximum number of pages to crawl."
)
@click.option(
    "--generate", is_flag=True, help="Ask a language model instead, and say what to set where its server is not known."
)
@click.option("--prompt", default=PROMPT, help="What --generate asks.")
def demo(
    *, exit_when_done: bool, url: str, csv: Path | None, port: int | None, pages: int, generate: bool, prompt: str
) -> None:
    """Crawl a real site and profile a real table, shown live here and in your browser. Needs no network.

    A site at a private address is crawled because --url names it.
    """
    if generate and (missing := missing_for_generate(os.environ)):
        click.echo(missing, err=True)
        raise SystemExit(1)
    if url and not url.startswith(("http://", "https://")):
        raise InvalidUsageError(f"--url {url}: must begin with http:// or https://")
    options = DemoOptions(
        url=url,
        csv=csv.resolve() if csv else None,
        port=port,
        pages=pages,
        exit_when_done=exit_when_done,
        prompt=prompt if generate else "",
    )
    raise SystemExit(asyncio.run(Demo(options, make_console()).run()))
