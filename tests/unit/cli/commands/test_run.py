"""`headway run` in this process, with a scripted server. `tests/acceptance/test_run.py` has signals and terminals."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headway.cli.child.signal_relay import Received
from headway.cli.commands import run
from headway.cli.reporting import ReportOptions
from tests.fixtures.condition import until
from tests.fixtures.scripted_reports import ScriptedReports
from tests.fixtures.scripted_server import headway


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "Missing argument '[--] COMMAND [ARG]...'"),
        (["--id", "a b", "true"], "'a b' is not a valid task id"),
        (["--kind", "a.b", "true"], "'a.b' is not a valid kind"),
        (["--grace", "-1", "true"], "--grace"),
        (["--nosuch", "true"], "--nosuch"),
    ],
)
def test_wrong_usage_exits_with_2_and_runs_nothing(words: list[str], error: str) -> None:
    result = headway("run", *words)
    assert result.exit_code == 2
    assert error in result.stderr


def test_a_command_is_a_task(reports: ScriptedReports, capfd: pytest.CaptureFixture[str]) -> None:
    result = headway("run", "--id", "t1", "--tag", "ci", "--log", "--", "sh", "-c", "echo '[1/2] one'; echo two >&2")
    assert (result.exit_code, result.stderr) == (0, "headway: t1  headway watch t1\n")
    assert capfd.readouterr() == ("[1/2] one\n", "two\n")
    title = "sh -c 'echo '\"'\"'[1/2] one'\"'\"'; echo two >&2'"
    assert reports.opened == {"id": "t1", "kind": "sh", "title": title, "tags": ["ci"], "lease_seconds": 60}
    assert {event["message"] for event in reports.events if event["type"] == "log"} == {"[1/2] one", "two"}
    assert [event["done"] for event in reports.events if event["type"] == "progress"] == [1]
    assert (reports.end["status"], reports.end["result"]["exit_code"]) == ("completed", 0)


def test_a_command_that_fails_ends_in_an_error(reports: ScriptedReports, capfd: pytest.CaptureFixture[str]) -> None:
    result = headway("run", "-q", "--id", "t1", "--", "sh", "-c", "echo no luck >&2; exit 3")
    assert (result.exit_code, result.output) == (3, "")
    assert capfd.readouterr() == ("", "no luck\n")
    assert reports.events == [{"type": "log", "level": "error", "message": "no luck", "logger": "stderr"}]
    assert (reports.end["status"], reports.end["message"]) == ("error", "exit code 3")
    assert reports.end["error"]["message"] == "exit code 3\nno luck"


def test_a_command_that_is_not_found_exits_with_127(reports: ScriptedReports) -> None:
    result = headway("run", "--id", "t1", "no-such-command")
    assert result.exit_code == 127
    assert result.stderr.splitlines()[1:] == ["headway: no-such-command: command not found"]
    assert (reports.end["status"], reports.end["message"]) == ("error", "no-such-command: command not found")


def test_a_cancel_request_ends_the_command(reports: ScriptedReports, capfd: pytest.CaptureFixture[str]) -> None:
    """As soon as it has printed its first progress, which is what the request answers."""
    reports.cancel = "enough"
    script = "import time; print('[1/2] one', flush=True); time.sleep(600)"
    result = headway("run", "--id", "t1", "--", sys.executable, "-c", script)
    assert result.exit_code == 143
    assert reports.end["status"] == "cancelled"


def test_without_a_server_the_command_runs(capfd: pytest.CaptureFixture[str]) -> None:
    result = headway("run", "--server", "foo", "--", "sh", "-c", "echo text; exit 5")
    assert result.exit_code == 5
    assert capfd.readouterr().out == "text\n"
    assert result.stderr.startswith("headway: warning: the task was not reported to its end: 'foo' is not a URL")


def test_a_server_that_refuses_is_one_warning(reports: ScriptedReports) -> None:
    reports.refuse(403, "no scope")
    result = headway("run", "--id", "t1", "--", "true")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[1:] == [
        "headway: warning: the task was not reported to its end: no scope (HTTP 403)"
    ]


def test_the_grace_has_a_default() -> None:
    assert f"[default: {run.GRACE_SECONDS}" in " ".join(headway("run", "--help").output.split())


class Relay:
    """Keeps whom the signals go to."""

    receive: Callable[[Received], object] | None = None

    def start(self, receive: Callable[[Received], object]) -> None:
        self.receive = receive

    def unblock(self) -> None:
        pass


async def test_an_interrupted_command_is_cancelled(reports: ScriptedReports, tmp_path: Path) -> None:
    """A signal after its end hurries the report."""
    ready, relay = tmp_path / "ready", Relay()
    command = ["sh", "-c", f"trap 'exit 9' TERM; touch {ready}; while :; do sleep 0.05; done"]
    options = ReportOptions("http://streamer", "sh", id="t1", quiet=True)
    running = run._Run(command, options, relay, 10.0, logs=False)  # type: ignore[arg-type]
    ending = asyncio.create_task(running.run())
    await until(lambda: ready.exists() and relay.receive is not None, 20)
    assert relay.receive is not None
    relay.receive(Received(signal.SIGTERM, from_terminal=False))
    relay.receive(Received(signal.SIGWINCH, from_terminal=True))
    assert await ending == 9
    assert (reports.end["status"], reports.end["message"]) == ("cancelled", "interrupted by SIGTERM")
    relay.receive(Received(signal.SIGINT, from_terminal=True))
    await asyncio.wait_for(running._hurry.wait(), 20)
