"""`headway revoke` against a scripted server."""

from __future__ import annotations

import json
import time

import pytest

from tests.fixtures.scripted_server import ScriptedServer, headway

pytestmark = pytest.mark.security
ROUTE = "POST /api/v1/revocations"


@pytest.fixture(autouse=True)
def revocations(server: ScriptedServer) -> None:
    server.json(ROUTE, {"until": 1.0})


def sent(server: ScriptedServer) -> dict[str, object]:
    return json.loads(server.requests[-1].content)  # type: ignore[no-any-return]


def test_without_an_option_it_revokes_its_own_token(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWAY_TOKEN", "abc")
    assert headway("revoke").output == "revoked: the token\n"
    assert (sent(server), server.requests[-1].headers["Authorization"]) == ({}, "Bearer abc")


def test_all_tokens_of_an_owner_until_now(server: ScriptedServer) -> None:
    assert headway("revoke", "--owner", "ann").output == "revoked: all tokens of ann\n"
    body = sent(server)
    assert body["owner"] == "ann"
    assert abs(float(str(body["before"])) - time.time()) < 60


def test_a_token_by_its_id(server: ScriptedServer) -> None:
    assert headway("revoke", "--id", "j1").exit_code == 0
    assert sent(server) == {"id": "j1"}


def test_a_token_in_a_file_is_not_an_argument(server: ScriptedServer) -> None:
    assert headway("revoke", "--file", "-", input="a.b.c\n").exit_code == 0
    assert sent(server) == {"token": "a.b.c"}


@pytest.mark.parametrize("words", [("--owner", "a", "--id", "b"), ("--file", "-", "--id", "b"), ("--file", "-")])
def test_what_makes_no_sense_is_refused(server: ScriptedServer, words: tuple[str, ...]) -> None:
    assert headway("revoke", *words, input="").exit_code == 2
    assert server.requests == []


def test_a_file_that_cannot_be_read_is_reported(server: ScriptedServer) -> None:
    result = headway("revoke", "--file", "/does/not/exist")
    assert (result.exit_code, "cannot be read" in result.stderr) == (1, True)
    assert server.requests == []


def test_the_lack_of_a_scope_is_said(server: ScriptedServer) -> None:
    server.json(ROUTE, {"detail": "This needs the scope tokens:revoke."}, 403)
    result = headway("revoke", "--owner", "bob")
    assert (result.exit_code, "tokens:revoke" in result.stderr) == (1, True)
