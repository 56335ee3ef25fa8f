"""`headway run`: run a command as a task."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import click

from headway.cli.child.channels import STDERR, Channels
from headway.cli.child.child import Child
from headway.cli.child.outcome import exit_code, outcome, start_failure
from headway.cli.child.output_report import OutputReport
from headway.cli.child.signal_relay import INTERRUPTING, Received, SignalRelay
from headway.cli.reporting import ReportOptions, end_unless, hurry, kind_of, report_options, reported
from headway.client import Report
from headway.values.redaction import redact_command

GRACE_SECONDS = 10.0


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="[--] COMMAND [ARG]...")
@click.option("--log", "logs", is_flag=True, help="Report each line of the output as a log line, too.")
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=GRACE_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Time between SIGTERM and SIGKILL when the task is cancelled.",
)
@report_options
def run(
    command: tuple[str, ...],
    *,
    logs: bool,
    grace: float,
    kind: str,
    title: str,
    tags: tuple[str, ...],
    id: str,
    lease: int,
    quiet: bool,
    server: str,
) -> None:
    """Run COMMAND and report it as a task, for example: headway run -- make all

    Input, output, signals and the exit code are those of the command; on a terminal it keeps its colours. Progress that
    it prints is recognised: "42%" and "420/1000" as progress bars, build tools and package managers print them. When it
    fails, the last lines of its errors are reported. A cancel request ends it with SIGTERM.

    While no server is reachable the command runs all the same. Exit code: that of the command, 128 + n when signal n
    has ended it, 127 when it is not found, 126 when it cannot be executed.
    """
    title = title or redact_command(command)
    options = ReportOptions(server, kind or kind_of(command[0]), title, tags, id, lease, quiet)
    with SignalRelay() as relay:
        code = asyncio.run(_Run(command, options, relay, grace, logs=logs).run())
    raise SystemExit(code)


class _Run:
    """One run of a command."""

    def __init__(
        self,
        command: Sequence[str],
        options: ReportOptions,
        relay: SignalRelay,
        grace_seconds: float,
        *,
        logs: bool,
    ) -> None:
        self._command, self._options, self._relay = command, options, relay
        self._grace, self._logs = grace_seconds, logs
        self._child: Child | None = None
        self._terminating: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    async def run(self) -> int:
        """Return the exit code."""
        async with reported(self._options, self._cancel) as report:
            output = OutputReport(report, logs=self._logs)
            channels = Channels(output.take)
            began = time.monotonic()
            try:
                self._child = Child(self._command, channels, self._relay.unblock)
            except OSError as error:
                channels.close()
                return await self._not_started(report, error)
            channels.start()
            self._loop = asyncio.get_running_loop()
            self._relay.start(self._receive)
            returned = await self._child.wait()
            if self._terminating is not None:
                await self._terminating  # what the command has started may outlive it
            output.finish()
            await end_unless(self._hurry, self._end(report, output, returned, time.monotonic() - began))
            return exit_code(returned)

    def _receive(self, received: Received) -> None:
        if self._child is not None and self._child.running:
            self._child.receive(received)
        elif received.number in INTERRUPTING:
            hurry(self._hurry, self._loop, received.number)

    def _cancel(self, reason: str) -> None:
        if self._child is not None:
            self._terminating = asyncio.create_task(self._child.terminate(self._grace))

    async def _not_started(self, report: Report | None, error: OSError) -> int:
        code, message = start_failure(self._command[0], error)
        click.echo(f"headway: {message}", err=True)
        if report is not None:
            await report.end("error", message, error="ExitCode")
        return code

    async def _end(self, report: Report | None, output: OutputReport, returned: int, seconds: float) -> None:
        if report is None or self._child is None:
            return
        if report.cancel_reason is not None:
            await report.end("cancelled")
            return
        lines = output.log_last_lines(STDERR) if returned else []
        end = outcome(returned, interrupted=self._child.interrupted, lines=lines)
        report.set_result({"exit_code": 0, "seconds": round(seconds, 3)})
        await report.end(end.status, end.message or None, error=end.error, text=end.text)
