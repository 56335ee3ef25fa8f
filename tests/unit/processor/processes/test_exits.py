"""What is stored of a process that ended under its handler."""

import signal

import pytest

from headway.events import ErrorInfo
from headway_processor.processes.exits import MIB, exit_error, memory_error

KILLED, EXITED = "ProcessKilled", "ProcessExited"


@pytest.mark.parametrize(
    ("code", "memory", "expected"),
    [
        (3, None, ErrorInfo(EXITED, "the handler's process exited with status 3", retryable=True)),
        (0, None, ErrorInfo(EXITED, "the handler's process exited with status 0", retryable=True)),
        (-9, None, ErrorInfo(KILLED, "the handler's process was killed by SIGKILL", retryable=True, transient=True)),
        (-signal.SIGSEGV, None, ErrorInfo(KILLED, "the handler's process was killed by SIGSEGV", retryable=True)),
        (
            -signal.SIGABRT,
            64 * MIB,
            ErrorInfo(
                KILLED,
                "the handler's process was killed by SIGABRT (its memory limit is 64 MiB)",
                retryable=True,
            ),
        ),
    ],
)
def test_the_error_names_the_signal_or_the_status(code, memory, expected):
    assert exit_error(code, memory) == expected


def test_a_memory_limit_that_is_reached_is_final():
    error = memory_error(512 * MIB)
    assert (error.type, error.retryable) == ("OutOfMemory", False)
    assert "512 MiB" in error.message
