"""Printed output of the local stack."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from headway.cli.local.log_printer import LogPrinter, name_colour
from headway.cli.local.process import ProcessSpec, SupervisedProcess


class Output:
    """A printer and what it has printed."""

    def __init__(self, *, verbose: bool = False) -> None:
        self.file = io.StringIO()
        self.printer = LogPrinter(Console(file=self.file, width=200), verbose=verbose)
        self.process = SupervisedProcess(
            ProcessSpec("nats", (), {}, ""), self.printer.print_line, self.printer.print_exit
        )

    @property
    def lines(self) -> list[str]:
        assert self.printer.close()
        return [line.rstrip() for line in self.file.getvalue().splitlines()]


def test_lines_have_the_name_of_their_process() -> None:
    output = Output()
    output.printer.print_line(output.process, '{"level": "info", "message": "ready", "exception": "one\\ntwo"}')
    output.printer.print_message("Stopping …")
    assert output.lines == ["nats           │ ready", "nats           │ one", "nats           │ two", "Stopping …"]


@pytest.mark.parametrize("verbose", [False, True])
def test_informational_lines_of_nats_server_are_printed_only_if_verbose(verbose: bool) -> None:
    output = Output(verbose=verbose)
    output.printer.print_line(output.process, "[1] 2026/11/21 03:23:48.847624 [INF] Server is ready")
    assert bool(output.lines) is verbose


@pytest.mark.parametrize(("code", "how"), [(3, "with exit code 3"), (-9, "by SIGKILL")])
def test_exit_is_printed_with_its_reason_and_the_last_lines(code: int, how: str) -> None:
    output = Output()
    output.process.last_lines.append("boom")
    output.printer.print_exit(output.process, code, 0.5)
    assert output.lines == [
        f"nats           │ ended {how}; restarting in 1 s, or when code changes. Last lines:",
        "nats           │   boom",
    ]


def test_streamers_differ_in_colour() -> None:
    assert name_colour("streamer-8000") != name_colour("streamer-8001")
    assert name_colour("other") == "white"
