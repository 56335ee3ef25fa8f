"""The installed command with real services: `headway dev` with nats-server, a processor and two streamers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from headway.cli.local.ports import next_free
from tests.fixtures.condition import holds_blocking
from tests.fixtures.pages import Block, modules
from tests.fixtures.process import is_running, start_process

HEADWAY = str(Path(sys.executable).with_name("headway"))
READY_SECONDS = 60.0
OK = {"steps": [{"name": "Working", "seconds": 0.5, "ticks": 5, "chunks": ["one\n", "two\n"]}], "result": {"pages": 7}}
BAD = {"steps": [{"name": "Working", "seconds": 0.2, "fail": {"message": "no luck", "retryable": False}}]}
LONG = {"steps": [{"name": "Working", "seconds": 60, "ticks": 600}]}


class Dev:
    """A running `headway dev` and what it has printed."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.port = next_free(18_000, 2)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "dev.log"
        environ = {name: value for name, value in os.environ.items() if not name.startswith("HEADWAY_")}
        with self.log.open("wb") as log:
            self.process = start_process(
                [HEADWAY, "dev", "--port", str(self.port), *words],
                cwd=folder,
                env=environ,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def until(self, pattern: str, seconds: float = READY_SECONDS) -> re.Match[str]:
        def found() -> re.Match[str] | None:
            return re.search(pattern, self.log.read_text())

        assert holds_blocking(found, seconds), f"no {pattern!r} in:\n{self.log.read_text()}"
        match = found()
        assert match is not None
        return match

    def children(self) -> list[int]:
        return children_of(self.process.pid)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=40)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """With the tasks of the README and of the tutorial."""
    folder = tmp_path_factory.mktemp("dev")
    for name, code in modules().items():
        (folder / f"{name}.py").write_text(code)
    made = Dev(folder, "--no-reload", *(word for name in modules() for word in ("--tasks", name)))
    try:
        made.until("Ready: ")
        yield made
    finally:
        made.stop()


def headway(dev: Dev, *words: str) -> subprocess.CompletedProcess[str]:
    environ = dict(os.environ, HEADWAY_SERVER=dev.url)
    return subprocess.run([HEADWAY, *words], env=environ, capture_output=True, text=True, check=False, timeout=60)


def submit(dev: Dev, params: dict[str, Any]) -> str:
    result = headway(dev, "submit", "script", "--json-params", json.dumps(params), "--json")
    assert result.returncode == 0, result.stderr
    return str(json.loads(result.stdout)["task"])


def test_commands_work_as_printed(dev: Dev, printed: list[Block]) -> None:
    """The commands of the README and of the tutorial, for the tasks that they print."""
    commands = [command for block in printed for command in block.commands]
    starts = [command for command in commands if command.startswith("headway dev")]
    assert sorted(starts) == [f"headway dev --tasks {name}" for name in sorted(modules())]
    environ = dict(os.environ, HEADWAY_SERVER=dev.url, PATH=f"{Path(HEADWAY).parent}{os.pathsep}{os.environ['PATH']}")
    submits = [command for command in commands if command.startswith("headway submit")]
    running = [subprocess.Popen(["sh", "-c", one], env=environ, stdout=subprocess.PIPE, text=True) for one in submits]
    shown = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert all(text in "".join(shown) for text in ("soft", "Hello, Ada!", "Hello, Grace!", "greeted  2"))
    (curl,) = (command for command in commands if command.startswith("curl"))
    found = re.search(r"([\w-]+)  greet", "".join(shown))
    assert found is not None
    task = found[1]
    curl = curl.replace("http://localhost:8000", dev.url).replace("<id>", task)
    log = subprocess.run(["sh", "-c", f"{curl}?from=start"], capture_output=True, text=True, check=True, timeout=60)
    assert '"greeted":2' in log.stdout


def test_submit_and_watch_shows_the_task_to_its_end(dev: Dev) -> None:
    """Steps, output, the result; exit code 0."""
    result = headway(dev, "submit", "script", "--watch", "--json-params", json.dumps(OK))
    assert result.returncode == 0, result.stderr
    for part in ("Working", "one\n", "two\n", "completed 100 %", "pages  7"):
        assert part in result.stdout


def test_failed_task_exits_with_1(dev: Dev) -> None:
    """With the reason."""
    result = headway(dev, "submit", "script", "--watch", "--json-params", json.dumps(BAD))
    assert result.returncode == 1
    assert "no luck" in result.stdout


def test_cancelled_task_exits_with_3(dev: Dev) -> None:
    """Cancelled by another command while it is watched."""
    task = submit(dev, LONG)
    environ = dict(os.environ, HEADWAY_SERVER=dev.url)
    with subprocess.Popen([HEADWAY, "watch", task], env=environ, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        for line in watching.stdout:
            if "Working" in line:
                break
        assert headway(dev, "cancel", task).returncode == 0
        rest = watching.stdout.read()
        assert watching.wait(timeout=30) == 3
    assert "cancelled" in rest


def test_unknown_task_exits_with_4(dev: Dev) -> None:
    """It is lost."""
    assert headway(dev, "watch", "nope").returncode == 4


def test_wrong_parameters_exit_with_2(dev: Dev) -> None:
    """Each with a pointer into the body."""
    result = headway(dev, "submit", "script", "--json-params", '{"steps": [{"name": "x", "seconds": -1}]}')
    assert result.returncode == 2
    assert "/params/steps/0/seconds: " in result.stderr
    assert "Traceback" not in result.stderr


def test_interrupted_watch_detaches_and_the_printed_command_resumes(dev: Dev) -> None:
    """Ctrl-C ends the watch, not the task; the two watches together print every event once."""
    steps = json.dumps([{"name": "Working", "seconds": 4, "ticks": 40, "text": "{n} ", "count": 40}])
    environ = dict(os.environ, HEADWAY_SERVER=dev.url)
    # By `submit --watch`: a command that starts slowly could find the task at its end.
    command = [HEADWAY, "submit", "script", f"steps={steps}", "--watch", "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # A background job of a shell ignores SIGINT, and so would the command.
    default_sigint = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, env=environ, preexec_fn=default_sigint, **pipes) as first:
        assert first.stdout is not None
        assert first.stderr is not None
        task = json.loads(first.stdout.readline())["task"]
        seen = []
        while not seen or seen[-1]["type"] != "chunk":
            line = first.stdout.readline()
            assert line, f"it ended early: {first.stderr.read()}"
            seen.append(json.loads(line))
        first.send_signal(signal.SIGINT)
        # Not communicate(): it would skip the lines that readline has buffered.
        seen += [json.loads(line) for line in first.stdout]
        message = first.stderr.read()
        first.wait(timeout=20)
    assert first.returncode == 130
    assert "the task continues" in message
    found = re.search(rf"headway (watch {task} --cursor \S+)", message)
    assert found, message

    result = headway(dev, *found[1].split(), "--json")
    assert result.returncode == 0
    seen += [json.loads(line) for line in result.stdout.splitlines()]
    numbers = [event["n"] for event in seen]
    assert numbers == sorted(set(numbers))
    assert seen[-1]["status"] == "completed"
    assert "".join(event["text"] for event in seen if event["type"] == "chunk") == "".join(
        f"{n} " for n in range(1, 41)
    )


def test_watch_survives_the_end_of_its_streamer(dev: Dev) -> None:
    """SIGKILL to the streamer while it streams: the watch resumes after its restart."""
    task = submit(dev, {"steps": [{"name": "Working", "seconds": 5, "ticks": 50, "text": "{n} ", "count": 50}]})
    environ = dict(os.environ, HEADWAY_SERVER=dev.url)
    with subprocess.Popen(
        [HEADWAY, "watch", task, "--json"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        seen = [json.loads(watching.stdout.readline())]
        os.kill(listener(dev), signal.SIGKILL)
        seen += [json.loads(line) for line in watching.stdout]
        assert watching.wait(timeout=40) == 0
    assert seen[-1]["status"] == "completed"
    assert "".join(event["text"] for event in seen if event["type"] == "chunk") == "".join(
        f"{n} " for n in range(1, 51)
    )
    assert "ended by SIGKILL" in dev.log.read_text()


def listener(dev: Dev) -> int:
    """The process of the streamer that `dev.url` names."""
    for pid in dev.children():
        if f"HEADWAY_STREAMER_PORT={dev.port}\0" in Path(f"/proc/{pid}/environ").read_text():
            return pid
    raise AssertionError("no such streamer")


def test_dev_stops_all_processes(tmp_path: Path) -> None:
    """Four while it runs, none afterwards; exit code 0."""
    made = Dev(tmp_path, "--no-reload")
    try:
        made.until("Ready: ")
        children = made.children()
        assert len(children) == 4
        assert httpx.get(f"{made.url}/api/v1/kinds", trust_env=False).status_code == 200
        assert made.stop() == 0
        assert not [pid for pid in children if is_running(pid)]
        assert "Stopped." in made.log.read_text()
        assert "Traceback" not in made.log.read_text()
    finally:
        made.process.kill()
        made.process.wait()


def test_dev_restarts_the_processor_when_a_task_changes(tmp_path: Path) -> None:
    """A module that cannot be imported is reported; after a correction it runs."""
    module = tmp_path / "mine.py"
    module.write_text("from headway import task\n\n\n@task('one')\ndef one(job):\n    return 1\n")
    made = Dev(tmp_path, "--tasks", "mine")
    try:
        made.until("Ready: ")
        module.write_text("def broken(:\n")
        made.until("processor .*SyntaxError")
        module.write_text("from headway import task\n\n\n@task('two')\ndef two(job):\n    return 2\n")
        made.until(r'kinds=\[[^\]]*"two"')
        assert made.stop() == 0
    finally:
        made.process.kill()
        made.process.wait()


def test_port_in_use_is_reported_in_one_line(dev: Dev, tmp_path: Path) -> None:
    """No traceback, exit code 1."""
    words = [HEADWAY, "dev", "--port", str(dev.port)]
    result = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30)
    assert result.returncode == 1
    assert result.stderr.startswith(f"Error: port {dev.port} is in use.")
    assert "--port" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_demo_completes_without_a_terminal_or_a_network(tmp_path: Path) -> None:
    """It crawls a real site and profiles a real table; exit code 0, no temporary files are left."""
    environ = dict(os.environ, CI="true", TMPDIR=str(tmp_path))
    words = [HEADWAY, "demo", "--exit", "--pages", "30"]
    result = subprocess.run(
        words,
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        stdin=subprocess.DEVNULL,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for part in ("Ready in", "The page: http://127.0.0.1:", "completed 100 %", "most linked", "icao"):
        assert part in result.stdout
    assert "\x1b" not in result.stdout
    assert result.stderr == ""
    assert list(tmp_path.iterdir()) == []


FLOOD = '''
import os

from headway import task


@task("flood")
def flood(job):
    """Prints half an emoji and 3 MB, without the capture of a handler's output."""
    os.write(1, b'{"level": "info", "message": "half \\\\ud83d"}\\n' + b"na\\xefve\\n")
    for _ in range(300):
        os.write(1, b"x" * 10_000 + b"\\n")
    return "printed"
'''


def test_dev_with_a_blocked_terminal_runs_tasks_and_stops(tmp_path: Path) -> None:
    """A suspended terminal or a waiting pager does not block the processor, and SIGTERM ends all processes."""
    (tmp_path / "flood.py").write_text(FLOOD)
    port = next_free(18_000, 2)[0]
    words = [HEADWAY, "dev", "--no-reload", "--port", str(port), "--tasks", "flood"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                until_response(client, "/api/v1/kinds", lambda found: "flood" in str(found))
                task = client.post("/api/v1/tasks", json={"kind": "flood"}).json()["task"]
                until_response(client, f"/api/v1/tasks/{task}", lambda found: "completed" in str(found["state"]))
            children = children_of(process.pid)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
            assert not [pid for pid in children if is_running(pid)]
        finally:
            process.kill()


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until_response(client: httpx.Client, path: str, expected: Callable[[Any], bool]) -> None:
    """Request `path` until the response is as expected."""

    def responds() -> bool:
        with suppress(httpx.TransportError):
            response = client.get(path)
            return response.is_success and expected(response.json())
        return False

    assert holds_blocking(responds, READY_SECONDS), f"no such response: {path}"
