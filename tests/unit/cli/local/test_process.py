"""Supervision of a child process: restarts, stops, and output that never blocks it."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from headway.cli.local import process as module
from headway.cli.local.log_printer import LogPrinter
from headway.cli.local.process import SupervisedProcess, _restart_delay
from tests.fixtures.condition import holds
from tests.fixtures.supervised import Recorder, python_spec, running

WAIT = 20.0
SLEEP = "import time; time.sleep(60)"

FLOOD = r"""
import json, sys, time
from pathlib import Path
print(json.dumps({"level": "info", "message": "half \ud83d", "name": "b\udcffd"}), flush=True)
sys.stdout.buffer.write(b"\xf0\x9f\x98 na\xefve\n")
for _ in range(300):
    print("x" * 10_000)
print("after", flush=True)
Path(sys.argv[1]).touch()
time.sleep(60)
"""


async def test_process_that_exits_is_reported_and_restarted() -> None:
    """Its last lines are kept."""
    recorder = Recorder()
    process = recorder.process("print('hello'); raise SystemExit(3)")
    async with running(process):
        assert await holds(lambda: len(recorder.exit_codes) >= 2, WAIT)
    assert recorder.exit_codes[:2] == [3, 3]
    assert recorder.lines[:2] == ["hello", "hello"]
    assert process.last_lines[0] == "hello"


async def test_process_that_ignores_sigterm_is_killed_after_the_grace_period() -> None:
    """Its exit is expected and not reported."""
    recorder = Recorder()
    process = recorder.process(f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on'); {SLEEP}")
    async with running(process, grace_seconds=0.2):
        assert await holds(lambda: recorder.lines, WAIT)
        pid = process.pid
        assert pid is not None
    assert process.pid is None
    assert recorder.exit_codes == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_restarted_process_starts_again_without_a_delay() -> None:
    """The exit is expected and not reported."""
    recorder = Recorder()
    process = recorder.process(f"import os; print(os.getpid()); {SLEEP}")
    async with running(process):
        assert await holds(lambda: recorder.lines, WAIT)
        await process.restart(5)
        assert await holds(lambda: len(recorder.lines) == 2, WAIT)
    assert recorder.lines[0] != recorder.lines[1]
    assert recorder.exit_codes == []


async def test_restart_ends_the_delay_after_an_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change may fix what the process failed of."""
    monkeypatch.setattr(module, "MIN_DELAY_SECONDS", 60.0)
    monkeypatch.setattr(module, "MAX_DELAY_SECONDS", 60.0)
    recorder = Recorder()
    process = recorder.process("print('started')")
    async with running(process):
        assert await holds(lambda: recorder.exit_codes, WAIT)
        await process.restart(5)
        assert await holds(lambda: len(recorder.lines) == 2, WAIT)


async def test_process_stopped_during_its_start_is_terminated() -> None:
    """At every point of the start."""
    process = Recorder().process(SLEEP)
    task = asyncio.create_task(process.run())
    await asyncio.sleep(0)
    await process.stop(5)
    await asyncio.wait_for(task, 10)
    assert process.pid is None


async def test_kill_of_a_process_that_does_not_run_does_nothing() -> None:
    Recorder().process(SLEEP).kill()


async def test_output_over_the_line_limit_does_not_block_the_process() -> None:
    """The following lines are read."""
    recorder = Recorder()
    async with running(recorder.process(f"print('x' * 3_000_000); print('after'); {SLEEP}")):
        assert await holds(lambda: "after" in recorder.lines, WAIT)


async def test_process_that_prints_invalid_text_and_3_mb_is_neither_blocked_nor_slow_to_stop(tmp_path: Path) -> None:
    """The stream raises for lone surrogates; all that can be printed is printed."""
    raw = io.BytesIO()
    printer = LogPrinter(Console(file=io.TextIOWrapper(raw, encoding="utf-8"), width=200), verbose=False)
    done = tmp_path / "done"
    process = SupervisedProcess(python_spec(FLOOD, str(done)), printer.print_line, printer.print_exit)
    async with running(process):
        assert await holds(done.exists, WAIT)
        assert await holds(lambda: "after" in process.last_lines, WAIT)
        assert await holds(lambda: b"half" in raw.getvalue(), WAIT)
    assert "half \ufffd name=b\ufffdd" in raw.getvalue().decode()


async def test_process_left_behind_with_the_pipe_does_not_delay_the_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the child's own exit counts."""
    monkeypatch.setattr(module, "OUTPUT_DRAIN_SECONDS", 0.05)
    recorder = Recorder()
    code = (
        "import subprocess, sys; "
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True); sys.exit(3)"
    )
    async with running(recorder.process(code)):
        assert await holds(lambda: recorder.exit_codes, WAIT)
    for pid in map(int, recorder.lines):
        os.kill(pid, 9)
    assert recorder.exit_codes[0] == 3


@pytest.mark.parametrize(
    ("previous", "code", "ran_seconds", "delay"),
    [(0.5, 1, 0.1, 1.0), (8.0, 1, 0.1, 15.0), (8.0, 1, 10.0, 0.5), (0.5, 2, 10.0, 15.0)],
    ids=["doubled", "bounded", "reset after a stable run", "longest for invalid settings"],
)
def test_restart_delay(previous: float, code: int, ran_seconds: float, delay: float) -> None:
    assert _restart_delay(previous, code, ran_seconds) == delay
