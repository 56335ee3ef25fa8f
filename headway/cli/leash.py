"""Runs a program that ends when the one who started it is gone, also by SIGKILL. Run as a file, without the package.

python -I -S leash.py <pid of the parent> <program> [argument ...]
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, program: list[str]) -> None:
    """Become `program`. The request to the kernel outlives the exec."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before the request was made
        sys.exit(1)
    os.execvp(program[0], program)  # noqa: S606 - the caller names the program


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
