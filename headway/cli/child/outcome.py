"""How a command has ended, for its task and for its caller. No I/O."""

from __future__ import annotations

import errno
import signal
from collections.abc import Sequence
from typing import NamedTuple

from headway.client.report import EndStatus

NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit codes of shells for a command that cannot be started."""
MESSAGE_LINES = 5
"""Last lines of the output that the message of a failure holds."""


class Outcome(NamedTuple):
    """The end of the task of a command."""

    status: EndStatus
    message: str = ""
    error: str = ""
    """Type of the error, for programs."""
    text: str = ""
    """Message of the error."""


def exit_code(returned: int) -> int:
    """The exit code that a shell gives for what `subprocess` returned: 128 + n after signal n."""
    return 128 - returned if returned < 0 else returned


def start_failure(command: str, error: OSError) -> tuple[int, str]:
    """Exit code and message for a command that could not be started."""
    if error.errno == errno.ENOENT and error.filename in (None, command):
        return NOT_FOUND, f"{command}: command not found"
    code = NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE
    return code, f"{command}: {error.strerror or error}"


def outcome(returned: int, *, interrupted: signal.Signals | None, lines: Sequence[str]) -> Outcome:
    """The end of a task whose command returned `returned`.

    Args:
        interrupted: the signal that this process has received and that was to end the command.
        lines: the last lines of its errors.
    """
    if returned == 0:
        return Outcome("completed")
    if interrupted is not None:
        return Outcome("cancelled", f"interrupted by {interrupted.name}")
    said = f"exit code {exit_code(returned)}"
    if returned < 0:
        said = f"ended by {_name(-returned)} ({said})"
    return Outcome("error", said, "ExitCode", "\n".join((said, *lines[-MESSAGE_LINES:])))


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
