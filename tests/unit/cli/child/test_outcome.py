"""How commands end."""

from __future__ import annotations

import errno
import os
import signal

import pytest

from headway.cli.child.outcome import Outcome, exit_code, outcome, start_failure


@pytest.mark.parametrize(("returned", "code"), [(0, 0), (3, 3), (-9, 137), (-2, 130)])
def test_exit_code_is_that_of_a_shell(returned: int, code: int) -> None:
    assert exit_code(returned) == code


@pytest.mark.parametrize(
    ("returned", "interrupted", "end"),
    [
        (0, None, Outcome("completed")),
        (0, signal.SIGTERM, Outcome("completed")),
        (130, signal.SIGINT, Outcome("cancelled", "interrupted by SIGINT")),
        (-15, signal.SIGTERM, Outcome("cancelled", "interrupted by SIGTERM")),
        (2, None, Outcome("error", "exit code 2", "ExitCode", "exit code 2\nb\nc\nd\ne\nf")),
        (-11, None, Outcome("error", "ended by SIGSEGV (exit code 139)", "ExitCode", "*")),
        (-62, None, Outcome("error", "ended by signal 62 (exit code 190)", "ExitCode", "*")),
    ],
)
def test_task_ends_as_its_command(returned: int, interrupted: signal.Signals | None, end: Outcome) -> None:
    found = outcome(returned, interrupted=interrupted, lines=["a", "b", "c", "d", "e", "f"])
    assert found == (end if end.text != "*" else end._replace(text=f"{end.message}\nb\nc\nd\ne\nf"))


@pytest.mark.parametrize(
    ("number", "file", "code", "message"),
    [
        (errno.ENOENT, "make", 127, "make: command not found"),
        (errno.EACCES, "make", 126, "make: Permission denied"),
        (errno.ENOEXEC, "make", 126, "make: Exec format error"),
        (errno.E2BIG, "make", 126, "make: Argument list too long"),
    ],
)
def test_command_that_cannot_be_started_has_the_code_of_a_shell(
    number: int, file: str, code: int, message: str
) -> None:
    assert start_failure("make", OSError(number, os.strerror(number), file)) == (code, message)
