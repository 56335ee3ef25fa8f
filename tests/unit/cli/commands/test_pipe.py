"""`headway pipe` in this process, with a scripted server."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator

import pytest
from click.testing import Result

from headway.cli.child.signal_relay import Received
from headway.cli.commands import pipe
from headway.cli.reporting import ReportOptions
from tests.fixtures.condition import until
from tests.fixtures.scripted_reports import ScriptedReports
from tests.fixtures.scripted_server import headway


class Relay:
    """Keeps whom the signals go to."""

    receive: Callable[[Received], object] | None = None

    def start(self, receive: Callable[[Received], object]) -> None:
        self.receive = receive


Piped = Callable[..., tuple[Result, bytes]]


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Iterator[Piped]:
    """Call it with what the input holds; it returns the result and the output."""
    (source, given), (out, target) = os.pipe(), os.pipe()
    monkeypatch.setattr(pipe, "STDIN", source)
    monkeypatch.setattr(pipe, "STDOUT", target)

    def run(text: bytes, *words: str, ends: bool = True) -> tuple[Result, bytes]:
        os.write(given, text)
        if ends:
            os.close(given)
        result = headway("pipe", "--id", "t1", *words)
        if not ends:
            os.close(given)
        os.close(target)
        return result, os.read(out, 1000)

    yield run
    os.close(out)


def test_bytes_pass_and_lines_are_reported(reports: ScriptedReports, piped: Piped) -> None:
    result, out = piped(b"[1/2] a\n\xff\x1b[1mb\n", "--title", "numbers", "--lease", "30")
    assert (result.exit_code, out) == (0, b"[1/2] a\n\xff\x1b[1mb\n")
    assert reports.opened == {"id": "t1", "kind": "pipe", "title": "numbers", "lease_seconds": 30}
    assert [event["message"] for event in reports.events if event["type"] == "log"] == ["[1/2] a", "\ufffdb"]
    assert reports.end["status"] == "completed"
    assert (reports.end["result"]["lines"], reports.end["result"]["bytes"]) == (2, 15)


def test_a_cancel_request_closes_the_input(reports: ScriptedReports, piped: Piped) -> None:
    reports.cancel = "enough"
    result, out = piped(b"line\n", ends=False)
    assert (result.exit_code, out) == (3, b"line\n")
    assert reports.end["status"] == "cancelled"


def test_without_a_server_bytes_pass(piped: Piped) -> None:
    result, out = piped(b"text", "--server", "foo")
    assert (result.exit_code, out) == (0, b"text")
    assert "'foo' is not a URL of a server" in result.stderr


def test_help_says_whose_exit_code_is_unknown() -> None:
    assert "set -o pipefail" in headway("pipe", "--help").output


def test_wrong_usage_exits_with_2() -> None:
    result = headway("pipe", "--kind", "a.b")
    assert result.exit_code == 2
    assert "'a.b' is not a valid kind" in result.stderr


@pytest.mark.parametrize(
    ("received", "code"),
    [(Received(signal.SIGINT, from_terminal=True), 130), (Received(signal.SIGTERM, from_terminal=False), 143)],
    ids=["by the terminal", "by somebody else"],
)
async def test_an_interrupted_pipe_is_cancelled(
    reports: ScriptedReports, monkeypatch: pytest.MonkeyPatch, received: Received, code: int
) -> None:
    """After Ctrl-C what the other program still prints is copied; another signal ends the copy."""
    (source, given), (out, target) = os.pipe(), os.pipe()
    monkeypatch.setattr(pipe, "STDIN", source)
    monkeypatch.setattr(pipe, "STDOUT", target)
    relay = Relay()
    copying = pipe._Pipe(ReportOptions("http://streamer", "pipe", id="t1", quiet=True), relay)  # type: ignore[arg-type]
    running = asyncio.create_task(copying.run())
    await until(lambda: relay.receive is not None, 20)
    assert relay.receive is not None
    relay.receive(received)
    if received.from_terminal:
        os.write(given, b"last words\n")
        os.close(given)
    assert await running == code
    assert reports.end["message"] == f"interrupted by {received.number.name}"
    if received.from_terminal:
        assert os.read(out, 100) == b"last words\n"
    else:
        os.close(given)
    os.close(out)
    os.close(target)


def test_a_reader_that_goes_away_ends_the_task(reports: ScriptedReports, monkeypatch: pytest.MonkeyPatch) -> None:
    (source, given), (out, target) = os.pipe(), os.pipe()
    monkeypatch.setattr(pipe, "STDIN", source)
    monkeypatch.setattr(pipe, "STDOUT", target)
    os.close(out)
    os.write(given, b"line\n")
    assert headway("pipe", "--id", "t1").exit_code == 141
    assert (reports.end["status"], reports.end["message"]) == ("cancelled", "nobody reads the output any more")
    os.close(given)
    os.close(target)
