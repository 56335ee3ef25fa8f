"""`headway dev` with a fake stack."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from headway.cli.commands import dev as module
from headway.cli.commands.dev import DevSession
from headway.cli.local.log_printer import LogPrinter
from headway.cli.local.ports import free_ports, next_free
from headway.cli.local.stack_specs import StackOptions
from tests.fixtures.scripted_server import headway

Batch = tuple[set[Path], set[str]]


class FakeStack:
    """A stack that records what is done to it. Its last action sends SIGTERM, the stop signal, to this process."""

    def __init__(self, *names: str, actions: int) -> None:
        self.processes = [SimpleNamespace(spec=SimpleNamespace(name=name)) for name in names]
        self.done: list[str] = []
        self._actions = actions

    def __call__(self, *_: object) -> FakeStack:
        return self

    async def __aenter__(self) -> FakeStack:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def start(self, *, strict: bool) -> None:
        assert not strict
        self._record("start")

    async def restart(self, process: Any) -> None:
        self._record(f"restart {process.spec.name}")

    async def stop(self) -> None:
        self.done.append("stop")

    def kill(self) -> None:
        raise AssertionError("a single signal does not kill")

    def _record(self, action: str) -> None:
        self.done.append(action)
        if len(self.done) == self._actions:
            os.kill(os.getpid(), signal.SIGTERM)


def run(monkeypatch: pytest.MonkeyPatch, stack: FakeStack, roots: list[Path], **options: Any) -> list[str]:
    """The printed lines of a session."""
    file = io.StringIO()
    printer = LogPrinter(Console(file=file, width=200), verbose=False)
    monkeypatch.setattr(module, "Stack", stack)
    monkeypatch.setattr(module, "stack_specs", lambda *_: [])
    session = DevSession(StackOptions(folder=Path("/d"), ports=(1, 2), **options), printer, roots)
    asyncio.run(asyncio.wait_for(session.run(), 20))
    assert printer.close()
    return file.getvalue().splitlines()


def test_stack_runs_until_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = FakeStack(actions=1)
    assert run(monkeypatch, stack, [], nats_port=3) == [
        "Ready: http://127.0.0.1:1  http://127.0.0.1:2  ·  nats://127.0.0.1:3  ·  Ctrl-C stops",
        "Stopping …",
        "Stopped.",
    ]
    assert stack.done == ["start", "stop"]


def test_change_restarts_the_affected_processes_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def changes(roots: list[Path], stop: asyncio.Event) -> AsyncIterator[Batch]:
        yield {Path("/w/b.py"), Path("/w/a.py")}, {"streamer"}
        await stop.wait()

    monkeypatch.setattr(module, "watch_changes", changes)
    stack = FakeStack("processor", "streamer-1", "streamer-2", actions=3)
    lines = run(monkeypatch, stack, [Path("/w")], nats_url="nats://n:1")
    assert stack.done == ["start", "restart streamer-1", "restart streamer-2", "stop"]
    assert lines[1:3] == ["a.py, b.py changed: restarting streamer-1", "a.py, b.py changed: restarting streamer-2"]


def test_files_that_cannot_be_watched_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack runs on."""

    async def changes(roots: list[Path], stop: asyncio.Event) -> AsyncIterator[Batch]:
        os.kill(os.getpid(), signal.SIGTERM)
        raise OSError("limit of watched files")
        yield

    monkeypatch.setattr(module, "watch_changes", changes)
    lines = run(monkeypatch, FakeStack(actions=9), [Path("/w")])
    assert lines[1].startswith("Cannot watch files: limit of watched files. Restart `headway dev` after a change")


class FakeSession:
    """Records the options of the command line."""

    options: StackOptions
    roots: list[Path]
    error: OSError | None = None

    def __init__(self, options: StackOptions, printer: LogPrinter, roots: list[Path]) -> None:
        FakeSession.options, FakeSession.roots = options, roots

    async def run(self) -> None:
        if FakeSession.error is not None:
            raise FakeSession.error


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[FakeSession]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(module, "DevSession", FakeSession)
    monkeypatch.setattr(FakeSession, "error", None)
    return FakeSession


def test_options_of_the_command_line_reach_the_stack(session: type[FakeSession], tmp_path: Path) -> None:
    port = next_free(19_000, 3)[0]
    words = ("--streamers", "3", "--nats", "nats://n:1", "--tasks", "a,b", "--tasks", "c")
    result = headway("dev", "--port", str(port), *words)
    assert result.exit_code == 0, result.output
    assert session.options == StackOptions(
        folder=tmp_path / ".headway", ports=(port, port + 1, port + 2), nats_url="nats://n:1", tasks=("a", "b", "c")
    )
    assert tmp_path in session.roots


def test_nothing_is_watched_without_reload(session: type[FakeSession]) -> None:
    headway("dev", "--no-reload", "--port", str(next_free(19_000, 2)[0]))
    assert session.roots == []
    assert session.options.nats_port > 0


def test_another_nats_port_is_chosen_when_the_standard_one_is_in_use(
    session: type[FakeSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "is_free", lambda port: False)
    headway("dev", "--port", str(next_free(19_000, 2)[0]))
    assert session.options.nats_port not in (0, module.NATS_PORT)


def test_system_error_is_a_message(session: type[FakeSession], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeSession, "error", OSError("too many open files"))
    result = headway("dev", "--no-reload", "--port", str(next_free(19_000, 2)[0]))
    assert (result.exit_code, result.stderr) == (1, "Error: cannot start: too many open files\n")


def test_process_exits_although_the_terminal_does_not_accept_its_output(
    session: type[FakeSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The blocked thread would keep Python from exiting."""
    exits: list[int] = []
    monkeypatch.setattr(module.LogPrinter, "close", lambda _: False)
    monkeypatch.setattr(module.os, "_exit", exits.append)
    headway("dev", "--no-reload", "--port", str(free_ports(1)[0]), "--streamers", "1")
    assert exits == [0]
