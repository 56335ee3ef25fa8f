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


def test_a_missing_token_has_a_hint_that_says_where_to_put_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEADWAY_TOKEN", "HEADWAY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    said = format_error(ClientError("Send a valid token (HTTP 401)", status=401))
    assert "HEADWAY_TOKEN_FILE" in said
    assert "headway token" in said


@pytest.mark.parametrize("name", ["HEADWAY_TOKEN", "HEADWAY_TOKEN_FILE"])
def test_a_refused_token_is_named_by_its_variable_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for each in ("HEADWAY_TOKEN", "HEADWAY_TOKEN_FILE"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, "the-value")
    said = format_error(ClientError("Send a valid token (HTTP 401)", status=401))
    assert f"The token in {name} has expired" in said
    assert "the-value" not in said


def test_a_missing_scope_has_a_hint_and_other_refusals_have_none() -> None:
    assert "--scope" in format_error(ClientError("This needs the scope tasks:submit. (HTTP 403)", status=403))
    assert format_error(ClientError("no (HTTP 403)", status=403)) == "no (HTTP 403)"
