"""`headway pipe`: report what another program prints."""

from __future__ import annotations

import asyncio
import signal
import time

import click

from headway.cli.child.copying import CopyEnd, Copying
from headway.cli.child.output_report import OutputReport
from headway.cli.child.signal_relay import INTERRUPTING, Received, SignalRelay
from headway.cli.follow import EXIT_CODES
from headway.cli.reporting import ReportOptions, end_unless, hurry, report_options, reported
from headway.client import Report

STDIN, STDOUT = 0, 1


@click.command()
@report_options
def pipe(*, kind: str, title: str, tags: tuple[str, ...], id: str, lease: int, quiet: bool, server: str) -> None:
    """Copy standard input to standard output and report it as a task: make 2>&1 | headway pipe --title build

    Progress is recognised as by `headway run`, and each line becomes a log line of the task; of a flood the first lines
    are kept and the others counted. The task is completed at the end of the input: the exit code of the other program
    is not known here. `set -o pipefail` lets the shell return it; `headway run` reports it.

    Exit code: 0 at the end of the input, 3 when the task was cancelled, which closes the input, 128 + n after signal n.
    """
    options = ReportOptions(server, kind or "pipe", title or "standard input", tags, id, lease, quiet)
    with SignalRelay() as relay:
        code = asyncio.run(_Pipe(options, relay).run())
    raise SystemExit(code)


class _Pipe:
    """One copy of the input."""

    def __init__(self, options: ReportOptions, relay: SignalRelay) -> None:
        self._options, self._relay = options, relay
        self._interrupted: signal.Signals | None = None
        self._stopping = False
        self._hurry = asyncio.Event()
        self._copy: Copying | None = None

    async def run(self) -> int:
        """Return the exit code."""
        self._loop = asyncio.get_running_loop()
        async with reported(self._options, self._cancel) as report:
            output = OutputReport(report, logs=True)
            self._copy = Copying(STDIN, STDOUT, lambda piece: output.take(STDIN, piece))
            began = time.monotonic()
            self._copy.start()
            self._relay.start(self._receive)
            await asyncio.to_thread(self._copy.join)
            output.finish()
            await end_unless(self._hurry, self._end(report, output, self._copy.end, time.monotonic() - began))
            if report is not None and report.cancelled:
                return EXIT_CODES["cancelled"]
            if self._copy.end is CopyEnd.TARGET:
                return 128 + signal.SIGPIPE
            return 0 if self._interrupted is None else 128 + self._interrupted

    def _receive(self, received: Received) -> None:
        """The terminal's signals reach the other program, too: its last output is copied. A second one ends that."""
        if received.number not in INTERRUPTING or self._copy is None:
            return
        if self._stopping or not self._copy.running:
            hurry(self._hurry, self._loop, received.number)
        elif self._interrupted is not None or not received.from_terminal:
            self._stopping = True
            self._copy.stop()
        self._interrupted = self._interrupted or received.number

    def _cancel(self, reason: str) -> None:
        if self._copy is not None:
            self._copy.stop()

    async def _end(self, report: Report | None, output: OutputReport, end: CopyEnd, seconds: float) -> None:
        if report is None:
            return
        report.set_result({"lines": output.lines, "bytes": output.bytes, "seconds": round(seconds, 3)})
        if report.cancelled:
            await report.end("cancelled")
        elif self._interrupted is not None:
            await report.end("cancelled", f"interrupted by {self._interrupted.name}")
        elif end is CopyEnd.TARGET:
            await report.end("cancelled", "nobody reads the output any more")
        else:
            await report.end("completed")
