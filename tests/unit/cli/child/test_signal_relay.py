"""Signals that are handed on."""

from __future__ import annotations

import signal
import subprocess
import sys

from headway.cli.child.signal_relay import SignalRelay

SCRIPT = """
import os, signal, threading
from headway.cli.child.signal_relay import SignalRelay
before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
came = threading.Semaphore(0)
def receive(received):
    print(received.number.name, received.from_terminal)
    came.release()
with SignalRelay() as relay:
    os.kill(os.getpid(), signal.SIGTERM)
    relay.start(receive)
    came.acquire()
    os.kill(os.getpid(), signal.SIGINT)
    came.acquire()
print(signal.pthread_sigmask(signal.SIG_BLOCK, []) == before)
"""


def test_signals_are_handed_out_and_the_process_is_left_as_it_was() -> None:
    """Also one that came before anybody took them. In a process without other threads, which would receive them."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ["SIGTERM False", "SIGINT False", "True"]


def test_a_relay_that_was_not_started_ends() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with SignalRelay():
        assert signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
