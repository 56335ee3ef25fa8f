"""`headway run` and `headway pipe` as they are installed, with a streamer, a processor and NATS."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from headway.client import SyncClient
from headway.client.event_stream import Watched
from tests.fixtures.condition import holds_blocking
from tests.fixtures.pages import Block
from tests.fixtures.process import is_running, start_process

HEADWAY = str(Path(sys.executable).with_name("headway"))
SECONDS = 60.0
BUILD = "echo '[1/2] one'; echo warn >&2; printf 'loading:  50%% (1/2)\\rloading: 100%% (2/2)\\n'; echo '[2/2] two'"
FAILING = "for n in 1 2 3; do echo step $n; echo error $n at https://app:s3cret@host/ >&2; done; exit 3"
ENDLESS = "echo ready; sleep 600 & sleep 600"


def environ(server: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADWAY_")}
    return clean | {"HEADWAY_SERVER": server, "HEADWAY_REPORT_FLUSH_SECONDS": "60"}


def start(server: str, *words: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start the command; a background job of a shell ignores SIGINT, and so would the command."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    default_sigint = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen([HEADWAY, *words], env=environ(server), preexec_fn=default_sigint, **pipes | options)


def sh(script: str, *options: str) -> list[str]:
    return ["run", *options, "--", "sh", "-c", script]


class Runs:
    """Commands that run at once, and the client that looks at their tasks."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.client = SyncClient(server)
        self.prefix = uuid.uuid4().hex[:8]

    def id(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def state(self, name: str) -> dict[str, Any]:
        return self.client.task(self.id(name)).get("state") or {}

    def events(self, name: str) -> list[Watched]:
        return list(self.client.watch(self.id(name), merge=False, timeout_seconds=SECONDS))

    def logs(self, name: str) -> list[str]:
        return [event.data["message"] for event in self.events(name) if event.event == "log"]


@pytest.fixture(scope="module")
def runs(shared: Any) -> Iterator[Runs]:
    """The task `lost` is reported by a command that is killed at the beginning."""
    made = Runs(shared.s1.url)
    words = ["run", "--id", made.id("lost"), "--lease", "15", "--", "sleep", "600"]
    lost = start_process([HEADWAY, *words], env=environ(made.server), stderr=subprocess.DEVNULL)
    try:
        assert holds_blocking(lambda: _is_processing(made, "lost"), SECONDS)
        left = children(lost.pid)
        lost.kill()
        lost.wait()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        yield made
    finally:
        made.client.close()
        lost.kill()


@pytest.fixture(scope="module")
def ended(runs: Runs) -> dict[str, tuple[int, bytes, bytes]]:
    """Commands of which only the end matters: exit code, output, errors."""
    commands: dict[str, tuple[str, list[str], bytes]] = {
        "good": (
            runs.server,
            sh(f"cat; {BUILD}", "--title", "Build", "--tag", "ci", "--tag", "eu", "--id", runs.id("good")),
            b"input\n",
        ),
        "bad": (runs.server, sh(FAILING, "--id", runs.id("bad")), b""),
        "missing": (
            runs.server,
            ["run", "--id", runs.id("missing"), "--", "no-such-command", "--password", "s3cret"],
            b"",
        ),
        "piped": (runs.server, ["pipe", "--id", runs.id("piped")], b"[1/2] a\n[2/2] b\n" + b"\xff\x00\x1b[1mraw"),
        "alone": ("http://127.0.0.1:9", sh("echo out; echo err >&2; exit 3"), b""),
    }
    started = {
        name: (start(server, *words, stdin=subprocess.PIPE), given) for name, (server, words, given) in commands.items()
    }
    found = {}
    for name, (process, given) in started.items():
        out, err = process.communicate(given, timeout=SECONDS)
        found[name] = (process.returncode, out, err)
    return found


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_processing(runs: Runs, name: str) -> bool:
    with suppress(Exception):
        return runs.state(name).get("status") == "processing"
    return False


def test_a_command_is_a_task_with_its_progress_and_result(
    runs: Runs, ended: dict[str, tuple[int, bytes, bytes]]
) -> None:
    code, out, err = ended["good"]
    assert (code, out) == (0, b"input\n[1/2] one\nloading:  50% (1/2)\rloading: 100% (2/2)\n[2/2] two\n")
    assert err.decode().splitlines()[-1] == "warn"
    assert f"headway watch {runs.id('good')}" in err.decode().splitlines()[0]
    task = runs.client.task(runs.id("good"))
    assert (task["title"], task["tags"], task["kind"], task["reported"]) == ("Build", ["ci", "eu"], "sh", True)
    assert task["state"]["status"] == "completed"
    result = task["state"]["data"]
    assert (result["exit_code"], result["seconds"] > 0) == (0, True)
    last = [event.data for event in runs.events("good") if event.event == "progress"][-2]
    assert (last["done"], last["total"], last["message"]) == (2, 2, "two")


def test_a_failure_reports_the_last_lines_of_its_errors(runs: Runs, ended: dict[str, tuple[int, bytes, bytes]]) -> None:
    code, out, err = ended["bad"]
    assert (code, out) == (3, b"step 1\nstep 2\nstep 3\n")
    assert err.endswith(b"error 3 at https://app:s3cret@host/\n")
    state = runs.state("bad")
    lines = [f"error {n} at https://***@host/" for n in (1, 2, 3)]
    assert (state["status"], state["message"]) == ("error", "exit code 3")
    assert (state["error"]["type"], state["error"]["message"]) == ("ExitCode", "\n".join(["exit code 3", *lines]))
    assert runs.logs("bad") == lines


def test_a_command_that_is_not_found_is_a_failed_task(runs: Runs, ended: dict[str, tuple[int, bytes, bytes]]) -> None:
    code, _, err = ended["missing"]
    assert code == 127
    assert "headway: no-such-command: command not found" in err.decode()
    state = runs.state("missing")
    assert (state["status"], state["message"]) == ("error", "no-such-command: command not found")
    assert state["error"]["type"] == "ExitCode"


def test_secrets_of_the_command_line_are_not_in_the_title(
    runs: Runs, ended: dict[str, tuple[int, bytes, bytes]]
) -> None:
    assert runs.client.task(runs.id("missing"))["title"] == "no-such-command --password ***"


def test_a_pipe_passes_bytes_and_reports_lines(runs: Runs, ended: dict[str, tuple[int, bytes, bytes]]) -> None:
    assert ended["piped"][:2] == (0, b"[1/2] a\n[2/2] b\n\xff\x00\x1b[1mraw")
    assert runs.logs("piped") == ["[1/2] a", "[2/2] b", "\ufffdraw"]
    state = runs.state("piped")
    assert (state["status"], state["done"], state["total"]) == ("completed", 2, 2)
    assert (state["data"]["lines"], state["data"]["bytes"]) == (2, 25)


def test_without_a_server_the_command_runs_and_one_warning_follows(
    ended: dict[str, tuple[int, bytes, bytes]],
) -> None:
    code, out, err = ended["alone"]
    assert (code, out) == (3, b"out\n")
    _, printed, warning = err.decode().splitlines()
    assert printed == "err"
    assert warning.startswith("headway: warning: the task was not reported to its end: cannot reach http://127.0.0.1:9")


def test_a_signal_is_passed_on_once_and_interrupts_the_task(runs: Runs) -> None:
    script = "import signal, sys\ndef caught(*_):\n    print('caught', flush=True)\n    sys.exit(5)\n"
    script += "signal.signal(signal.SIGTERM, caught)\nprint('ready', flush=True)\nsignal.pause()\n"
    with start(runs.server, "run", "--id", runs.id("signal"), "--", sys.executable, "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == b"caught\n"
        assert process.wait(SECONDS) == 5
    state = runs.state("signal")
    assert (state["status"], state["message"]) == ("cancelled", "interrupted by SIGTERM")


def test_a_cancel_request_ends_the_command_and_what_it_has_started(runs: Runs) -> None:
    with start(runs.server, *sh(ENDLESS, "--id", runs.id("cancel"))) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert holds_blocking(lambda: _is_processing(runs, "cancel"), SECONDS)
        (shell,) = children(process.pid)
        assert holds_blocking(lambda: len(children(shell)) == 2, SECONDS)
        sleeps = children(shell)
        runs.client.cancel(runs.id("cancel"), "enough")
        assert process.wait(SECONDS) == 128 + signal.SIGTERM
    assert holds_blocking(lambda: not any(map(is_running, sleeps)), SECONDS)
    state = runs.state("cancel")
    assert (state["status"], state["message"]) == ("cancelled", "cancelled: enough")


def test_a_terminal_stays_one_and_ctrl_c_reaches_the_command_once(runs: Runs) -> None:
    """Colours stay, for programs that print them only on a terminal."""
    script = (
        "import os, signal, sys, time\n"
        "came = []\n"
        "def caught(*_):\n    os.write(1, b'caught\\n')\n    came.append(1)\n"
        "signal.signal(signal.SIGINT, caught)\n"
        "print(os.isatty(0), os.isatty(1), os.isatty(2), *os.get_terminal_size(1), flush=True)\n"
        "print('\\x1b[32m[1/2]\\x1b[0m', input(), flush=True)\n"
        "while not came:\n    time.sleep(0.01)\n"
        "input()\nsys.exit(7)\n"
    )
    words = ["run", "-q", "--id", runs.id("terminal"), "--", sys.executable, "-c", script]
    pid, master = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execve(HEADWAY, [HEADWAY, *words], environ(runs.server) | {"COLUMNS": "", "LINES": ""})
    shown = b""

    def shows(text: bytes) -> bool:
        nonlocal shown
        while text not in shown:
            shown += os.read(master, 1000)
        return True

    assert shows(b"True True True ")
    os.write(master, b"word\n")
    assert shows(b"\x1b[32m[1/2]\x1b[0m word\r\n")
    os.write(master, b"\x03")
    assert shows(b"caught")
    os.write(master, b"\n")
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):
        while piece := os.read(master, 1000):
            shown += piece
    os.close(master)
    assert os.waitstatus_to_exitcode(status) == 7
    assert shown.count(b"caught") == 1
    state = runs.state("terminal")
    assert (state["status"], state["message"], state["total"]) == ("cancelled", "interrupted by SIGINT", 2)


def test_the_how_to_works(runs: Runs, printed: list[Block], tmp_path: Path) -> None:
    """The printed commands, one after another, in a folder with a Makefile."""
    (tmp_path / "Makefile").write_text("all:\n\t@echo '[1/1] built'\n")
    (tmp_path / "import.sh").write_text("#!/bin/sh\necho 50%; echo 100%\n")
    (tmp_path / "import.sh").chmod(0o755)
    commands = [command for block in printed for command in block.commands]
    assert len(commands) >= 3
    path = f"{Path(HEADWAY).parent}{os.pathsep}{os.environ['PATH']}"
    script = "set -e\n" + "\n".join(commands)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environ(runs.server) | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    tasks = re.findall(r"^headway: (\S+)  ", done.stderr, re.MULTILINE)
    assert len(tasks) == len([command for command in commands if "--quiet" not in command])
    assert {runs.client.task(task)["state"]["status"] for task in tasks} == {"completed"}


def test_a_killed_reporter_leaves_a_lost_task(runs: Runs) -> None:
    """It was killed at the beginning of this module."""
    assert holds_blocking(lambda: runs.state("lost").get("status") == "error", SECONDS)
    assert runs.state("lost")["error"]["type"] == "Lost"
