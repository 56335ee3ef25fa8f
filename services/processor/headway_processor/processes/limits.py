"""What the process of a handler does to itself: it leaves the memory to its processor first.

The memory limit is RLIMIT_DATA: private memory that can be written. RLIMIT_AS would also count what is only reserved,
64 MiB for each thread that allocates (measured: four idle threads take 33 MiB of the one, 288 MiB of the other).
"""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple

OOM_SCORE = "1000"
"""The kernel ends this process first when memory runs out."""
PAGE_BYTES = resource.getpagesize()
STATM = Path("/proc/self/statm")


class Usage(NamedTuple):
    """Memory of a process in bytes; 0 where the system does not say."""

    resident: int
    data: int


def usage_of(statm: str) -> Usage:
    """Return what a /proc/<pid>/statm says.

    >>> usage_of("100 50 20 1 0 30 0") == Usage(50 * PAGE_BYTES, 30 * PAGE_BYTES)
    True
    """
    fields = statm.split()
    return Usage(int(fields[1]) * PAGE_BYTES, int(fields[5]) * PAGE_BYTES)


def usage() -> Usage:
    """Return the memory of this process."""
    try:
        return usage_of(STATM.read_text())
    except (OSError, ValueError, IndexError):
        return Usage(0, 0)


@contextmanager
def memory_limit(limit_bytes: int | None) -> Iterator[None]:
    """Limit the memory that this process takes beyond what it has now, until the end of the block."""
    if limit_bytes is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = usage().data + limit_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def stand_apart() -> None:
    """Offer this process to the kernel when memory runs out, and lead a group of its own.

    So a signal to the group of the processor, as Ctrl-C in a terminal, does not end it. Service managers send SIGTERM
    to every process: the processor decides what follows.
    """
    with suppress(OSError):
        os.setpgid(0, 0)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ignore)  # not SIG_IGN, which programs that the handler starts would inherit


def _ignore(number: int, frame: FrameType | None) -> None:
    """The processor ends this process."""
