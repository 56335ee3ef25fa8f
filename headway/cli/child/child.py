"""A command that runs as a child of this process, and is ended when its task is cancelled."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress

from headway.cli.child.channels import Channels
from headway.cli.child.process_tree import ProcessTree
from headway.cli.child.signal_relay import INTERRUPTING, Received

POLL_SECONDS = 0.1


class Child:
    """Runs a command with the input and the process group of this process.

    Args:
        command: the program, which is searched in the PATH, and its arguments.
        channels: where its output goes.
        unblock: called between fork and exec, so that the child receives signals.

    Raises OSError when it cannot be started.
    """

    def __init__(self, command: Sequence[str], channels: Channels, unblock: Callable[[], object]) -> None:
        self.interrupted: signal.Signals | None = None
        """The first signal that was to end the command, if any."""
        self._channels = channels
        # Descriptors that are meant for children, such as those of make's job server, are inherited.
        self._process = subprocess.Popen(  # noqa: S603 - what the user asked for
            command, stdout=channels.stdout, stderr=channels.stderr, close_fds=False, preexec_fn=unblock
        )
        self._tree = ProcessTree(self._process.pid)

    @property
    def pid(self) -> int:
        """Number of its process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.returncode is None

    def receive(self, received: Received) -> None:
        """Pass on a signal of this process. The child has those of the terminal already."""
        if received.number in INTERRUPTING:
            self.interrupted = self.interrupted or received.number
        if received.number == signal.SIGWINCH:
            self._channels.resize()  # and tell the child, which may have looked before
        elif received.from_terminal:
            return
        with suppress(OSError):
            self._process.send_signal(received.number)

    async def wait(self) -> int:
        """Wait for its end and for its output to be copied. Return its exit code, or minus the signal's number."""
        returned = await asyncio.to_thread(self._process.wait)
        await asyncio.to_thread(self._channels.finish)
        return returned

    async def terminate(self, grace_seconds: float) -> None:
        """Send SIGTERM to it and to what it has started, and SIGKILL to those that are left after `grace_seconds`."""
        self._tree.signal(signal.SIGTERM)
        # A stopped process receives SIGTERM when it continues.
        self._tree.signal(signal.SIGCONT)
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                while self._tree.running():  # noqa: ASYNC110 - nothing tells when the children of others end
                    await asyncio.sleep(POLL_SECONDS)
        self._tree.signal(signal.SIGKILL)
