"""Signals of this process, handed to a thread, so that they can be passed on to a child."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple

RELAYED = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT),
    *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH),
)
INTERRUPTING = frozenset((signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT))
_WAKE = signal.SIGWINCH


class Received(NamedTuple):
    """A signal that has arrived."""

    number: signal.Signals
    from_terminal: bool
    """Whether the terminal sent it, by Ctrl-C for example: then the other processes of the group have it, too."""


class SignalRelay:
    """Blocks `RELAYED` in this process from `__enter__` to `__exit__`; `start` begins to hand them out.

    They wait until then. Threads that are started meanwhile block them as well. Ctrl-Z is not relayed: it stops this
    process and the child together.
    """

    def __init__(self) -> None:
        self._mask: set[int | signal.Signals] = set()
        self._thread: threading.Thread | None = None
        self._closing = False

    def __enter__(self) -> SignalRelay:
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, RELAYED)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        if self._thread is not None and self._thread.ident is not None:
            signal.pthread_kill(self._thread.ident, _WAKE)
            self._thread.join()
        self.unblock()

    def unblock(self) -> None:
        """Receive signals as before: in this thread, or in a child between fork and exec."""
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def start(self, receive: Callable[[Received], object]) -> None:
        """Call `receive`, in a thread, with each signal."""
        self._thread = threading.Thread(target=self._run, args=(receive,), name="signals", daemon=True)
        self._thread.start()

    def _run(self, receive: Callable[[Received], object]) -> None:
        while True:
            received = _wait()
            if self._closing:
                return
            receive(received)


def _wait() -> Received:
    if sys.platform == "darwin":  # which does not say who has sent a signal
        number = signal.Signals(signal.sigwait(RELAYED))
        return Received(number, number in INTERRUPTING and _in_foreground())
    info = signal.sigwaitinfo(RELAYED)
    return Received(signal.Signals(info.si_signo), info.si_code > 0)


def _in_foreground() -> bool:
    try:
        return os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False
