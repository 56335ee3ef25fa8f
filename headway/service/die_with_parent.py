"""Processes that end when the one that started them is gone, also by SIGKILL.

A process of ours calls `die_with_parent`. Any other program is started by this module, run as a file:
python -I -S die_with_parent.py <pid of the parent> <program> [argument ...]
"""

from __future__ import annotations

import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""The kernel sends a signal when the parent ends, more exactly the thread that started the process (prctl(2))."""


def die_with_parent(parent: int) -> bool:
    """Get SIGTERM when `parent` ends. Ends this process if it has ended already.

    False where the kernel has no such request: only Linux has.
    """
    asked = sys.platform == "linux" and _request()
    if os.getppid() != parent:  # it ended before the request was made
        sys.exit(1)
    return asked


def _request() -> bool:
    import ctypes

    return bool(ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM) == 0)


def bound(*program: str) -> tuple[str, ...]:
    """The command that runs `program` as a child that ends with this process."""
    return (sys.executable, "-I", "-S", __file__, str(os.getpid()), *program)


def main(parent: int, program: list[str]) -> None:
    """Become `program`. The request to the kernel outlives the exec."""
    die_with_parent(parent)
    os.execvp(program[0], program)  # noqa: S606 - the caller names the program


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
