"""Processes and what they have started."""

from __future__ import annotations

import os
import signal
import subprocess

from headway.cli.child.process_tree import ProcessTree, descendants, started
from tests.fixtures.condition import holds_blocking
from tests.fixtures.process import is_running, start_process

SECONDS = 20.0


def test_a_signal_reaches_what_a_shell_has_started() -> None:
    """And SIGKILL what has outlived its parent."""
    script = "trap '' TERM; sleep 600 & sleep 600 & echo ready; wait"
    with start_process(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert holds_blocking(lambda: len(descendants(process.pid)) == 3, SECONDS)
        parent, *children = descendants(process.pid)
        tree = ProcessTree(process.pid)
        tree.signal(signal.SIGSTOP)
        tree.signal(signal.SIGCONT)
        os.kill(parent, signal.SIGKILL)
        process.wait(SECONDS)
        assert all(map(is_running, children))
        tree.signal(signal.SIGKILL)
        assert holds_blocking(lambda: not any(map(is_running, children)), SECONDS)


def test_a_process_that_has_its_number_later_gets_no_signal() -> None:
    process = subprocess.Popen(["true"])
    tree = ProcessTree(process.pid)
    process.wait(SECONDS)
    assert started(process.pid) == ""
    tree.signal(signal.SIGKILL)  # no error, and nobody is hit


def test_the_start_of_a_process_is_known() -> None:
    assert started(os.getpid()).isdigit()
