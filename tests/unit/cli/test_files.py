"""Files on the command line, against a scripted server."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from headway.cli.files import choose
from headway.cli.params import ParamError
from headway.values.file_param import FILE_FORMAT
from tests.fixtures.scripted_server import ScriptedServer, headway

FILE = {"type": "string", "format": FILE_FORMAT}
ONE = {"properties": {"word": {"type": "string"}, "table": {"anyOf": [FILE, {"type": "null"}]}}}
TWO = {"properties": {"left": FILE, "right": FILE}}
STORED = {"file": "f1", "name": "a", "bytes": 3, "sha256": "0", "content_type": "text/csv", "created": 1, "expires": 2}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("a=b.csv").write_bytes(b"a;b")
    return "a=b.csv"


def test_a_file_is_for_the_parameter_that_takes_one(path: str) -> None:
    assert choose((path,), ONE) == {"table": path}
    assert choose((f"table={path}",), ONE) == {"table": path}
    assert choose((f"left={path}", "right=-"), TWO) == {"left": path, "right": "-"}
    assert choose((), {}) == {}


@pytest.mark.parametrize(
    ("given", "schema", "message"),
    [
        (("a=b.csv",), {}, "this kind takes no file"),
        (("a=b.csv",), TWO, "write it as NAME=PATH with one of left, right"),
        (("a=b.csv", "-"), ONE, "table takes one file"),
        (("absent.csv",), ONE, "there is no file 'absent.csv'"),
    ],
)
def test_what_cannot_be_uploaded_is_named(path: str, given: tuple[str, ...], schema: object, message: str) -> None:
    with pytest.raises(ParamError, match=message):
        choose(given, schema)  # type: ignore[arg-type]


def test_submit_uploads_and_passes_the_id(server: ScriptedServer, path: str) -> None:
    server.json("GET /api/v1/kinds", {"kinds": [{"kind": "k", "params": ONE | {"type": "object"}}]})
    bodies = []

    async def take(request: httpx.Request) -> httpx.Response:
        bodies.append(await request.aread())
        return httpx.Response(201, json=STORED)

    server.responses["POST /api/v1/files"] = take  # type: ignore[assignment]
    result = headway("submit", "k", "--file", path, "word=w", "--json")
    assert result.exit_code == 0, result.output
    assert bodies == [b"a;b"]
    assert json.loads(server.requests[-1].content)["params"] == {"word": "w", "table": "f1"}
    result = headway("submit", "k", "--file", "-", input=b"1;2")
    assert (result.exit_code, bodies[-1]) == (0, b"1;2")


def test_a_refused_file_starts_nothing(server: ScriptedServer, path: str) -> None:
    server.json("GET /api/v1/kinds", {"kinds": [{"kind": "k", "params": ONE | {"type": "object"}}]})
    server.json("POST /api/v1/files", {"title": "Content Too Large", "detail": "a file has at most 2 bytes"}, 413)
    result = headway("submit", "k", "--file", path)
    assert (result.exit_code, "at most 2 bytes" in result.output) == (1, True)
    assert "POST /api/v1/tasks" not in [f"{one.method} {one.url.path}" for one in server.requests]
    result = headway("submit", "k", "--file", "absent.csv")
    assert (result.exit_code, "there is no file" in result.output) == (2, True)
