"""`headway nats-config`."""

from __future__ import annotations

import re

import pytest

from headway.jetstream.accounts import accounts, default_user, default_users
from headway.jetstream.nats_config import render
from headway.subjects import Names
from tests.fixtures.scripted_server import headway

pytestmark = pytest.mark.security


def test_accounts_are_those_of_the_grants() -> None:
    """As the chart has them."""
    text = headway("nats-config", "--max-file", "3GB").stdout
    assert render(accounts(Names("hw"), max_file="3GB")) in text


def test_each_namespace_has_accounts_and_users_of_its_own() -> None:
    """Once, however often it is named."""
    text = headway("nats-config", *("--namespace", "a", "--namespace", "b_c", "--namespace", "a")).stdout
    assert re.findall(r"^(\w+): {$", text, re.MULTILINE) == [
        f"{name}_{account}" for name in ("A", "B_C") for account in ("JETSTREAM", "STREAMER", "PROCESSOR", "REPORTER")
    ]
    assert re.findall(r'user: "(\w+)"', text) == [
        f"{name}_{role}" for name in ("a", "b_c") for role in ("streamer", "processor", "reporter")
    ]


def test_passwords_are_variables_of_the_server() -> None:
    """Also in the list at the top."""
    text = headway("nats-config", "--admin").stdout
    passwords = re.findall(r"password:? (\S+)", text)
    assert set(passwords) == {f"$HW_{role}_PASSWORD" for role in ("STREAMER", "PROCESSOR", "REPORTER", "ADMIN")}
    assert 'user: "hw_admin"' in text


def test_administrator_exists_only_when_asked_for() -> None:
    """Nobody has a user in the account of the streams."""
    assert "admin" not in headway("nats-config").stdout


def test_operator_exists_only_when_asked_for() -> None:
    """With an account of its own."""
    assert "OPERATOR" not in headway("nats-config").stdout
    text = headway("nats-config", "--operator").stdout
    assert "#   hw_operator: password $HW_OPERATOR_PASSWORD\n" in text
    users = default_users(Names("hw")) | {"operator": (default_user(Names("hw"), "operator"),)}
    assert render(accounts(Names("hw"), users, max_file="10GB")) in text


def test_output_is_written_to_a_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """And not printed."""
    file = tmp_path / "headway-accounts.conf"
    result = headway("nats-config", "--output", str(file))
    assert result.stdout == ""
    assert file.read_text() == headway("nats-config").stdout


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--max-file", "much"], "'much' is not a size such as 10GB"),
        (["--max-file", "0"], "is not a size"),
        (["--max-file", "1GB } x"], "is not a size"),
        (["--namespace", "A"], "namespace"),
        (["--namespace", "a.b"], "namespace"),
    ],
)
def test_values_that_would_break_the_configuration_are_refused(words: list[str], reason: str) -> None:
    """Before anything is printed."""
    result = headway("nats-config", *words)
    assert result.exit_code != 0
    assert reason in result.stderr
    assert result.stdout == ""
