"""Errors for the ends of a handler's process that its handler did not survive. No I/O."""

from __future__ import annotations

import signal

from headway.events import ErrorInfo

MIB = 1024 * 1024


def exit_error(code: int, memory_bytes: int | None) -> ErrorInfo:
    """Return the error of an attempt whose process ended with `code`, negative for a signal.

    It may be repeated: what ends a process may be outside of the handler, such as a kernel without memory.
    """
    if code < 0:
        what, transient = f"the handler's process was killed by {signal_name(-code)}", -code == signal.SIGKILL
        return ErrorInfo("ProcessKilled", what + _beside(memory_bytes), retryable=True, transient=transient)
    message = f"the handler's process exited with status {code}"
    return ErrorInfo("ProcessExited", message, retryable=True)


def memory_error(memory_bytes: int) -> ErrorInfo:
    """Return the error of a handler that reached its memory limit. Another attempt would need as much: it is final."""
    return ErrorInfo("OutOfMemory", f"the handler needed more memory than its limit of {in_mib(memory_bytes)}")


def signal_name(number: int) -> str:
    """The name of a signal.

    >>> signal_name(9), signal_name(99)
    ('SIGKILL', 'signal 99')
    """
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def in_mib(size: int) -> str:
    """A size for people.

    >>> in_mib(512 * MIB)
    '512 MiB'
    """
    return f"{size / MIB:,.0f} MiB"


def _beside(memory_bytes: int | None) -> str:
    """Libraries abort when they get no memory."""
    return "" if memory_bytes is None else f" (its memory limit is {in_mib(memory_bytes)})"
