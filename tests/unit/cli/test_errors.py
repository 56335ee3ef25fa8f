"""Messages and exit codes of errors."""

from __future__ import annotations

import pytest

from headway.cli.errors import CommandError, InvalidUsageError, UnknownOutcomeError, format_error
from headway.errors import ClientError, HeadwayError


@pytest.mark.parametrize(("error", "code"), [(CommandError, 1), (InvalidUsageError, 2), (UnknownOutcomeError, 4)])
def test_exit_code(error: type[CommandError], code: int) -> None:
    assert error("m").exit_code == code


def test_error_of_headway_is_its_message() -> None:
    assert format_error(HeadwayError("no")) == "no"


def test_unreachable_server_has_a_hint() -> None:
    assert "headway dev" in format_error(ClientError("cannot reach http://h: refused"))
