"""Processes that end when their parent has ended, also by SIGKILL.

A process of Headway calls `die_with_parent`. Any other program is started by this module, run as a file:
python -I -S die_with_parent.py <pid of the parent> <program> [argument ...]
"""

from __future__ import annotations

import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""The kernel sends a signal when the parent ends, more exactly the thread that started the process (prctl(2))."""


def die_with_parent(parent: int, number: signal.Signals = signal.SIGTERM) -> bool:
    """Request signal `number` for this process when `parent` ends. Ends this process if the parent has already ended.

    Return False where the kernel has no such request: only Linux has it.
    """
    asked = sys.platform == "linux" and _request(number)
    if os.getppid() != parent:  # the parent ended before the request
        sys.exit(1)
    return asked


def _request(number: signal.Signals) -> bool:
    import ctypes

    return bool(ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number) == 0)


def bound(*program: str) -> tuple[str, ...]:
    """The command that runs `program` as a child that ends with this process."""
    return (sys.executable, "-I", "-S", __file__, str(os.getpid()), *program)


def main(parent: int, program: list[str]) -> None:
    """Replace this process by `program`. The request to the kernel survives the exec."""
    die_with_parent(parent)
    os.execvp(program[0], program)  # noqa: S606 - the caller names the program


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
