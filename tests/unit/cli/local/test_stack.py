"""Start and stop of the local stack."""

from __future__ import annotations

import socket

import pytest

from headway.cli.local import stack as module
from headway.cli.local.process import SupervisedProcess
from headway.cli.local.stack import Stack, format_last_lines
from headway.cli.local.stack_specs import StackError
from tests.fixtures.condition import holds
from tests.fixtures.supervised import Recorder, python_spec

SLEEP = "import time; time.sleep(60)"
NAMES = ("processor", "streamer-8000")
LISTEN = f"import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); print('on'); {SLEEP}"


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def listener(port: int, name: str = "nats"):
    return python_spec(LISTEN, str(port), name=name, ready_url=f"tcp://127.0.0.1:{port}")


async def test_stack_waits_until_processes_are_ready_and_stops_nats_last(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []
    stop = SupervisedProcess.stop

    async def record(self: SupervisedProcess, grace_seconds: float) -> None:
        stopped.append(self.spec.name)
        await stop(self, grace_seconds)

    monkeypatch.setattr(SupervisedProcess, "stop", record)
    recorder = Recorder()
    specs = [listener(port), *(python_spec(SLEEP, name=name, ready_url=listener(port).ready_url) for name in NAMES)]
    async with Stack(specs, recorder.on_line, recorder.on_exit) as stack:
        await stack.start(strict=True)
        assert all(process.pid for process in stack.processes)
    assert stopped == ["streamer-8000", "processor", "nats"]
    assert recorder.exit_codes == []


async def test_restarted_process_is_ready_again(port: int) -> None:
    recorder = Recorder()
    async with Stack([listener(port)], recorder.on_line, recorder.on_exit) as stack:
        await stack.start(strict=True)
        await stack.restart(stack.processes[0])
        assert await holds(lambda: len(recorder.lines) == 2, 20)


async def test_killed_processes_are_restarted(port: int) -> None:
    recorder = Recorder()
    async with Stack([listener(port)], recorder.on_line, recorder.on_exit) as stack:
        await stack.start(strict=True)
        stack.kill()
        assert await holds(lambda: recorder.exit_codes == [-9], 20)
        await stack.wait_ready(stack.processes[0])


async def test_strict_start_fails_with_the_last_lines_of_a_process_that_exits() -> None:
    """The demo does not wait for a process that cannot become ready."""
    spec = python_spec("raise SystemExit('no such module')")
    async with Stack([spec], lambda *_: None, lambda *_: None) as stack:
        with pytest.raises(StackError, match=r"processor exited at startup\.\n  no such module"):
            await stack.start(strict=True)


async def test_strict_start_fails_when_a_process_is_not_ready_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READY_SECONDS", 0.1)
    async with Stack([python_spec(SLEEP)], lambda *_: None, lambda *_: None) as stack:
        with pytest.raises(StackError, match=r"processor was not ready in 0.1 s\.\n  There was no output\."):
            await stack.start(strict=True)


def test_last_lines_are_readable_and_indented() -> None:
    process = Recorder().process(SLEEP)
    process.last_lines.extend(['{"message": "a\\nb", "level": "error"}', "c"])
    assert format_last_lines(process) == "  a b\n  c"
