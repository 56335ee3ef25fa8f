"""A real process of handlers: it starts, runs one handler after another, and ends whatever happens."""

import os
import signal

import pytest

from headway_processor.processes import spawned as module
from headway_processor.processes.errors import PipeClosedError, ProcessStartError
from headway_processor.processes.frames import Begun, Idle, Report, Result, Run, Stored
from headway_processor.processes.spawned import spawn
from tests.fixtures.condition import until
from tests.fixtures.process import is_running

ENVIRON = {"HEADWAY_TASKS": "tests.fixtures.process_kinds", "PATH": os.environ["PATH"]}


def run_of(kind):
    return Run(kind=kind, task="t1", attempt=1, failed=0, params=b"{}")


async def answers_of(process, kind):
    """All that a handler answers, its reports apart."""
    await process.send(run_of(kind))
    answers = []
    while not answers or not isinstance(answers[-1], Idle):
        answers.append(await process.receive())
        if isinstance(answers[-1], Report):
            answers.pop()
            await process.send(Stored())
    return answers


async def until_closed(process):
    while True:
        await process.receive()


async def test_a_process_runs_one_handler_after_another_and_ends_when_it_is_closed():
    process = await spawn(ENVIRON)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(os.getpriority(os.PRIO_PROCESS, 0) + module.NICE, 19)
    for _ in range(2):
        begun, error, idle = await answers_of(process, "exits")
        assert (begun, error.error.type, error.error.message) == (Begun(), "SystemExit", "sys.exit(3) was called")
        assert (idle.worn, idle.resident_bytes > 2**20) == (False, True)
    _, error, _ = await answers_of(process, "nothing")
    assert error.error.type == "UnknownKind"
    await process.close(wait_seconds=20)
    assert await process.exit_code() == 0
    assert not process.alive


async def test_a_process_that_is_killed_takes_along_what_its_handler_has_started():
    process = await spawn(ENVIRON)
    await process.send(run_of("hangs"))
    assert await process.receive() == Begun()
    report = await process.receive()
    started = int(report.event.message)
    assert is_running(started)
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(PipeClosedError):
        await until_closed(process)
    assert await process.exit_code() == -signal.SIGKILL
    await until(lambda: not is_running(started))
    await process.close()


async def test_the_task_of_the_how_to_runs_as_printed(printed, tmp_path):
    (tmp_path / "printed_primes.py").write_text(printed[0].text)
    process = await spawn(ENVIRON | {"HEADWAY_TASKS": "printed_primes", "PYTHONPATH": str(tmp_path)})
    assert (await answers_of(process, "primes"))[1] == Result(raw=b"5133")
    await process.close()


async def test_kinds_that_cannot_be_loaded_are_named():
    with pytest.raises(ProcessStartError, match="module 'no_such_module' cannot be loaded"):
        await spawn(ENVIRON | {"HEADWAY_TASKS": "no_such_module"})


async def test_a_process_that_does_not_start_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(module, "MODULE", "no_such_module")
    with pytest.raises(ProcessStartError, match="ended with 1 before it was ready"):
        await spawn(ENVIRON)
    monkeypatch.setattr(module.sys, "executable", "/no/such/python")
    with pytest.raises(ProcessStartError, match="cannot be started"):
        await spawn(ENVIRON)
