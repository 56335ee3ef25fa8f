"""A command that runs as a child."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator

import pytest

from headway.cli.child.channels import Channels
from headway.cli.child.child import Child
from headway.cli.child.process_tree import descendants
from headway.cli.child.signal_relay import Received
from tests.fixtures.condition import until
from tests.fixtures.process import is_running

SECONDS = 20.0


class Output:
    """Channels whose targets are pipes, and what has come."""

    def __init__(self) -> None:
        self.seen = b""
        self._pipes = [os.pipe(), os.pipe()]
        self.channels = Channels(self._take, (self._pipes[0][1], self._pipes[1][1]))

    def _take(self, stream: int, piece: bytes) -> None:
        self.seen += piece

    def close(self) -> None:
        for pair in self._pipes:
            for descriptor in pair:
                os.close(descriptor)


@pytest.fixture
def output() -> Iterator[Output]:
    made = Output()
    yield made
    made.close()


def start(output: Output, *command: str) -> Child:
    child = Child(command, output.channels, lambda: None)
    output.channels.start()
    return child


async def test_exit_code_comes_after_the_last_output(output: Output) -> None:
    child = start(output, "sh", "-c", "echo text; exit 3")
    assert child.running
    assert await child.wait() == 3
    assert output.seen == b"text\n"
    assert not child.running


async def test_signals_are_passed_on_once(output: Output) -> None:
    """Those of a terminal have reached the child already."""
    script = "trap 'echo caught' TERM INT USR1; echo ready; while :; do read -r line <&3 || exit 0; done"
    source, given = os.pipe()
    os.set_inheritable(source, True)
    child = start(output, "bash", "-c", script.replace("<&3", f"<&{source}"))
    os.close(source)
    await until(lambda: output.seen == b"ready\n", SECONDS)
    child.receive(Received(signal.SIGINT, from_terminal=True))
    child.receive(Received(signal.SIGUSR1, from_terminal=False))
    await until(lambda: output.seen == b"ready\ncaught\n", SECONDS)
    assert child.interrupted is signal.SIGINT
    os.close(given)
    assert await child.wait() == 0
    assert output.seen == b"ready\ncaught\n"


async def test_command_that_ignores_sigterm_is_killed_after_its_grace(output: Output) -> None:
    child = start(output, sys.executable, "-c", IGNORING)
    await until(lambda: b"ready" in output.seen, SECONDS)
    ending = asyncio.create_task(child.terminate(0.1))
    assert await child.wait() == -signal.SIGKILL
    await ending


async def test_what_a_command_has_started_is_killed_when_it_outlives_it(output: Output) -> None:
    script = f"{sys.executable} -c '{IGNORING}' & wait"
    child = start(output, "sh", "-c", script)
    await until(lambda: b"ready" in output.seen, SECONDS)
    (grandchild,) = descendants(child.pid)[1:]
    ending = asyncio.create_task(child.terminate(0.1))
    assert await child.wait() == -signal.SIGTERM
    await ending
    await until(lambda: not is_running(grandchild), SECONDS)


async def test_command_that_ends_at_once_is_not_waited_for(output: Output) -> None:
    """The grace is an hour."""
    child = start(output, "sleep", "600")
    ending = asyncio.create_task(child.terminate(3600))
    assert await child.wait() == -signal.SIGTERM
    await ending


async def test_command_that_does_not_exist_raises(output: Output) -> None:
    with pytest.raises(FileNotFoundError):
        Child(["no-such-command"], output.channels, lambda: None)
    output.channels.close()


IGNORING = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""
