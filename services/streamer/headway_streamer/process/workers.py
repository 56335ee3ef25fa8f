"""Several streamers on one machine that share a port, with one process and one NATS connection each.

The kernel spreads new connections over the listening sockets (SO_REUSEPORT). Nothing else is shared: each can
resume from any cursor. If one ends by itself the others drain, and the parent exits with 1, to be restarted. If
the parent ends, by whatever signal, the workers drain too.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import TypeVar

from headway.service.die_with_parent import die_with_parent

T = TypeVar("T")


def run_workers(run: Callable[[T], int], arguments: Sequence[T]) -> int:
    """Call `run` once per argument, each in its own process, and pass on signals. Returns the exit code."""
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_work, args=(run, argument, os.getpid())) for argument in arguments]
    notified: set[int | None] = set()
    stopping = False

    def on_signal(number: int, _: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        _tell(workers, number)
        notified.update(worker.pid for worker in workers)

    # Before the first start: a signal in between would end this process without notifying the workers.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    for worker in workers:
        worker.start()
    if stopping:
        _tell([worker for worker in workers if worker.pid not in notified], signal.SIGTERM)
    wait([worker.sentinel for worker in workers])
    if not stopping:
        _tell(workers, signal.SIGTERM)
    for worker in workers:
        worker.join()
    codes = [worker.exitcode or 0 for worker in workers]
    return 0 if stopping and not any(codes) else max(1, *codes)


def _work(run: Callable[[T], int], argument: T, parent: int) -> None:
    if not die_with_parent(parent):
        threading.Thread(target=_follow_parent, name="parent", daemon=True).start()
    raise SystemExit(run(argument))


def _follow_parent() -> None:
    """Drain when the parent ends, where the kernel sends no signal: its end of a pipe is closed then."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


def _tell(workers: list[SpawnProcess], number: int) -> None:
    for worker in workers:
        if worker.pid is not None and worker.is_alive():
            _signal(worker.pid, number)


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):  # it has just ended
        os.kill(pid, number)
