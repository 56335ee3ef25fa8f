"""`headway submit` against a scripted server."""

from __future__ import annotations

import json
import shlex
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headway.cli.moment import local
from tests.fixtures.pages import Block
from tests.fixtures.scripted_server import ACCEPTED, ScriptedServer, event, headway


def test_submit_prints_the_id_and_what_to_do_next(server: ScriptedServer) -> None:
    """To copy and paste."""
    result = headway("submit", "crawl", "url=http://a/", "pages=3", "--key", "k1")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "t1  crawl",
        "  headway watch t1",
        "  headway cancel t1",
        "  curl -N http://127.0.0.1:8000/api/v1/tasks/t1/stream",
    ]
    sent = server.requests[-1]
    assert json.loads(sent.content) == {"kind": "crawl", "params": {"url": "http://a/", "pages": 3}}
    assert sent.headers["idempotency-key"] == "k1"


def test_submit_takes_json_from_the_command_line_a_file_and_stdin(server: ScriptedServer, tmp_path: Path) -> None:
    """name=value overrides it."""
    file = tmp_path / "params.json"
    file.write_text('{"url": "http://file/"}')
    headway("submit", "crawl", "--json-params", '{"url": "http://line/"}', "pages=1")
    headway("submit", "crawl", "--json-params", f"@{file}")
    headway("submit", "crawl", "--json-params", "@-", input='{"url": "http://stdin/"}')
    params = [json.loads(request.content)["params"] for request in server.requests if request.method == "POST"]
    assert params == [{"url": "http://line/", "pages": 1}, {"url": "http://file/"}, {"url": "http://stdin/"}]


def test_submit_warns_of_a_kind_that_no_processor_offers(server: ScriptedServer) -> None:
    """On stderr, so that the output for programs is unchanged."""
    server.json("POST /api/v1/tasks", ACCEPTED | {"processors": 0, "warning": "no processor offers crawl now"}, 202)
    result = headway("submit", "crawl", "url=a", "--json")
    assert (result.exit_code, result.stderr) == (0, "warning: no processor offers crawl now\n")
    assert json.loads(result.stdout)["processors"] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["crawl", "urll=x"], "'urll' is not a parameter; did you mean url?"),
        (["crawl", "pages=x"], "pages=x: a whole number is needed"),
        (["crawl", "--json-params", "[]"], "--json-params requires a JSON object"),
        (["fly"], "kind 'fly' is unknown; known: crawl"),
    ],
)
def test_invalid_submission_is_reported_before_it_is_sent(
    server: ScriptedServer, words: list[str], message: str
) -> None:
    """Exit code 2, no traceback, nothing posted."""
    result = headway("submit", *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert all(request.method == "GET" for request in server.requests)


def test_missing_file_is_named(server: ScriptedServer) -> None:
    """By its name."""
    result = headway("submit", "crawl", "--json-params", "@nowhere.json")
    assert result.exit_code == 1
    assert "nowhere.json" in result.stderr


def test_invalid_parameters_are_printed_one_per_line(server: ScriptedServer) -> None:
    """With the pointer to each."""
    errors = [
        {"pointer": "/params/url", "detail": "is required"},
        {"pointer": "/params/pages", "detail": "is too small"},
    ]
    problem = {"title": "Parameters do not fit", "status": 422, "errors": errors}
    server.json("POST /api/v1/tasks", problem, 422)
    result = headway("submit", "crawl")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "Error: Parameters do not fit (HTTP 422)",
        "  /params/url: is required",
        "  /params/pages: is too small",
    ]


def test_submit_can_follow_the_task(server: ScriptedServer) -> None:
    """As JSON: the response, then the events."""
    server.stream("GET /api/v1/tasks/t1/stream", event(1, "error"))
    result = headway("submit", "crawl", "url=a", "--watch", "--json")
    assert result.exit_code == 1
    assert [json.loads(line).get("status") for line in result.stdout.splitlines()] == [None, "error"]


@pytest.mark.parametrize("where", ["words", "line", "file"])
def test_big_numbers_of_parameters_are_sent_exactly(server: ScriptedServer, tmp_path: Path, where: str) -> None:
    """From the command line and from files."""
    schema = {"properties": {"n": {"type": "integer"}, "f": {"type": "number"}, "any": {}}}
    server.json("GET /api/v1/kinds", {"kinds": [{"kind": "crawl", "params": schema}]})
    text = '{"n":12345678901234567890,"f":0.12345678901234567890,"any":[1e400]}'
    file = tmp_path / "params.json"
    file.write_text(text)
    words = {
        "words": ["n=12345678901234567890", "f=0.12345678901234567890", "any=[1e400]"],
        "line": ["--json-params", text],
        "file": ["--json-params", f"@{file}"],
    }[where]
    assert headway("submit", "crawl", *words).exit_code == 0
    sent = server.requests[-1]
    expected = '{"n":12345678901234567890,"f":0.12345678901234567890,"any":[1E+400]}'
    assert sent.content.decode() == f'{{"kind":"crawl","params":{expected}}}'
    assert sent.headers["content-type"] == "application/json"


@pytest.mark.parametrize("option", ["--in", "--at"])
def test_task_may_begin_later(server: ScriptedServer, option: str) -> None:
    """And the answer says when, in the local zone."""
    when = "2h" if option == "--in" else datetime.fromtimestamp(time.time() + 7200, UTC).isoformat()
    server.json("POST /api/v1/tasks", ACCEPTED | {"run_at": 1_796_108_400.0}, 202)
    result = headway("submit", "crawl", "url=a", option, when)
    assert json.loads(server.requests[-1].content)["run_at"] == pytest.approx(time.time() + 7200, abs=60)
    assert f"  begins at {local(1_796_108_400)}" in result.output.splitlines()


def test_both_times_are_an_error(server: ScriptedServer) -> None:
    """Before anything is sent."""
    result = headway("submit", "crawl", "--in", "2h", "--at", "2026-12-01T08:00")
    assert (result.exit_code, server.requests) == (2, [])
    assert "give one of them" in result.stderr


def test_documented_ways_to_begin_later_work(server: ScriptedServer, printed: list[Block]) -> None:
    """Each command of the page."""
    for line in printed[0].text.splitlines():
        result = headway(*shlex.split(line, comments=True)[1:])
        assert (result.exit_code, "t1" in result.output) == (0, True), line
    times = [json.loads(request.content)["run_at"] for request in server.requests if request.method == "POST"]
    assert times == [
        pytest.approx(time.time() + 7200, abs=60),
        datetime(2026, 12, 1, 8).timestamp(),  # noqa: DTZ001 - local
        1_796_108_400,
    ]
