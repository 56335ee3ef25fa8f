"""The commands against a scripted server: what they print, what they send, their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import click
import httpx
import pytest

from headway.cli.group import COMMANDS, cli
from tests.fixtures.scripted import ACCEPTED, KIND, Server, event, headway, scripted

__all__ = ["server"]

server = pytest.fixture(scripted, name="server")


def test_help_names_all_commands() -> None:
    """In the order in which a newcomer meets them."""
    output = headway("--help").output
    places = [output.index(f"  {name} ") for name in COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_help(name: str) -> None:
    """With a line on what it does."""
    result = headway(name, "--help")
    assert result.exit_code == 0
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.help


def test_unknown_command_is_a_usage_error() -> None:
    """Exit code 2."""
    assert headway("fly").exit_code == 2


def test_submit_prints_the_id_and_what_to_do_next(server: Server) -> None:
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


def test_next_commands_name_another_server(server: Server) -> None:
    """They would go to the wrong one otherwise; one from the environment need not be named."""
    other = ("--server", "http://other:1")
    assert "headway watch t1 --server http://other:1" in headway("submit", "crawl", "url=a", *other).output
    named = headway("submit", "crawl", "url=a", env={"HEADWAY_SERVER": "http://other:1"})
    assert "headway watch t1\n" in named.output
    assert server.requests[-1].url.host == "other"


def test_submit_takes_json_from_the_command_line_a_file_and_stdin(server: Server, tmp_path: Path) -> None:
    """name=value goes on top."""
    file = tmp_path / "params.json"
    file.write_text('{"url": "http://file/"}')
    headway("submit", "crawl", "--json-params", '{"url": "http://line/"}', "pages=1")
    headway("submit", "crawl", "--json-params", f"@{file}")
    headway("submit", "crawl", "--json-params", "@-", input='{"url": "http://stdin/"}')
    params = [json.loads(request.content)["params"] for request in server.requests if request.method == "POST"]
    assert params == [{"url": "http://line/", "pages": 1}, {"url": "http://file/"}, {"url": "http://stdin/"}]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["crawl", "urll=x"], "'urll' is no parameter; did you mean url?"),
        (["crawl", "pages=x"], "pages=x: a whole number is needed"),
        (["crawl", "--json-params", "[]"], "--json-params needs a JSON object"),
        (["fly"], "kind 'fly' is unknown; known: crawl"),
    ],
)
def test_wrong_submit_is_told_before_it_is_sent(server: Server, words: list[str], message: str) -> None:
    """Exit code 2, no traceback, nothing posted."""
    result = headway("submit", *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert all(request.method == "GET" for request in server.requests)


def test_missing_file_is_told(server: Server) -> None:
    """By its name."""
    result = headway("submit", "crawl", "--json-params", "@nowhere.json")
    assert result.exit_code == 1
    assert "nowhere.json" in result.stderr


def test_faults_of_the_parameters_are_printed_one_per_line(server: Server) -> None:
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


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("error", 1), ("cancelled", 3)])
def test_watch_exits_by_how_the_task_ended(server: Server, status: str, code: int) -> None:
    """So that a shell script can go on."""
    server.stream("GET /api/v1/tasks/t1/stream", event(1), event(2, status))
    result = headway("watch", "t1")
    assert result.exit_code == code
    assert status in result.output
    assert ("pages  7" in result.output) == (status == "completed")


def test_watch_of_an_unknown_task_is_lost(server: Server) -> None:
    """Exit code 4."""
    result = headway("watch", "nope")
    assert result.exit_code == 4
    assert "nope: there is no such task; see `headway ls`" in result.stderr


def test_watch_of_several_exits_by_the_worst(server: Server) -> None:
    """An unknown one does not keep the others from being watched."""
    server.stream("GET /api/v1/stream", event(1, "cancelled"), event(2, "completed", "t2"))
    assert headway("watch", "t1", "t2").exit_code == 3
    server.stream("GET /api/v1/tasks/t1/stream", event(1, "error"))
    result = headway("watch", "t1", "nope")
    assert result.exit_code == 4
    assert "error" in result.output


def test_watch_as_json_prints_the_data_of_each_event(server: Server) -> None:
    """And nothing else."""
    server.stream("GET /api/v1/tasks/t1/stream", event(1), event(2, "completed"))
    result = headway("watch", "t1", "--json")
    assert [json.loads(line)["n"] for line in result.stdout.splitlines()] == [1, 2]


def test_watch_from_the_end_still_knows_how_it_ended(server: Server) -> None:
    """204: the server has nothing more to send."""
    server.answers["GET /api/v1/tasks/t1/stream"] = lambda _: httpx.Response(204)
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "state": {"type": "progress", "status": "cancelled"}})
    result = headway("watch", "t1", "--cursor", "c9")
    assert result.exit_code == 3
    assert [r.headers.get("last-event-id") for r in server.requests if r.url.path.endswith("/stream")] == ["c9"]


def test_interrupted_watch_says_how_to_go_on(server: Server) -> None:
    """Ctrl-C detaches: exit code 130, nothing is cancelled."""

    def interrupt(request: httpx.Request) -> httpx.Response:
        if request.headers.get("last-event-id"):
            raise KeyboardInterrupt
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, text="retry: 0\n" + event(1))

    server.answers["GET /api/v1/tasks/t1/stream"] = interrupt
    result = headway("watch", "t1")
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-2:] == ["Detached; the task goes on. Resume:", "  headway watch t1 --cursor c1"]
    assert all(request.method == "GET" for request in server.requests)


def test_watch_cut_off_for_too_long_is_lost(server: Server) -> None:
    """Exit code 4, with the command that goes on."""

    def cut(request: httpx.Request) -> httpx.Response:
        if request.headers.get("last-event-id"):
            raise httpx.ConnectError("refused")
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=event(1))

    server.answers["GET /api/v1/tasks/t1/stream"] = cut
    result = headway("watch", "t1", "--patience", "0.01")
    assert result.exit_code == 4
    assert "cut off for 0.01 s" in result.stderr
    assert "Go on with: headway watch t1 --cursor c1" in result.stderr


def test_submit_and_watch_in_one(server: Server) -> None:
    """As JSON: the answer, then the events."""
    server.stream("GET /api/v1/tasks/t1/stream", event(1, "error"))
    result = headway("submit", "crawl", "url=a", "--watch", "--json")
    assert result.exit_code == 1
    assert [json.loads(line).get("status") for line in result.stdout.splitlines()] == [None, "error"]


def test_ls_shows_the_newest_tasks(server: Server) -> None:
    """As a table, or a line of JSON each; filters go to the server."""
    state = {"status": "processing", "progress": 42.5, "step": "Fetching", "message": "page 42"}
    server.json("GET /api/v1/tasks", {"tasks": [{"task": "t1", "kind": "crawl", "created": 0, "state": state}]})
    result = headway("ls", "--kind", "crawl", "--status", "processing", "--limit", "3")
    for part in ("t1", "crawl", "processing", "42 %", "Fetching: page 42"):
        assert part in result.output
    assert dict(server.requests[-1].url.params) == {"limit": "3", "kind": "crawl", "status": "processing"}
    assert json.loads(headway("ls", "--json").stdout)["task"] == "t1"


def test_empty_list_says_what_to_do(server: Server) -> None:
    """A newcomer sees this first."""
    server.json("GET /api/v1/tasks", {"tasks": []})
    assert "headway submit" in headway("ls").output
    server.json("GET /api/v1/kinds", {"kinds": []})
    assert "headway dev" in headway("kinds").output


def test_kinds_shows_parameters_with_type_and_default(server: Server) -> None:
    """What `submit` needs to be told."""
    output = headway("kinds").output
    for part in ("crawl  Crawl a site.\n", "url  string, required  Where to begin.", "pages  integer, default 5"):
        assert part in output
    assert json.loads(headway("kinds", "crawl", "--json").stdout) == KIND
    assert headway("kinds", "fly").exit_code == 2


def test_cancel_sends_the_reason(server: Server) -> None:
    """And says how to see the end."""
    server.json("POST /api/v1/tasks/t1/cancel", {"task": "t1", "status": "cancelling"}, 202)
    result = headway("cancel", "t1", "--reason", "enough")
    assert result.output.splitlines() == ["t1  cancelling", "  headway watch t1"]
    assert json.loads(server.requests[-1].content) == {"reason": "enough"}


def test_cancel_of_an_ended_task_is_an_error(server: Server) -> None:
    """In the server's words."""
    server.json("POST /api/v1/tasks/t1/cancel", {"detail": "The task is completed already."}, 409)
    result = headway("cancel", "t1")
    assert result.exit_code == 1
    assert result.stderr == "Error: The task is completed already. (HTTP 409)\n"


def test_retry_runs_a_new_task(server: Server) -> None:
    """And follows it if wanted."""
    server.json("POST /api/v1/tasks/t0/retry", ACCEPTED, 202)
    server.stream("GET /api/v1/tasks/t1/stream", event(1, "completed"))
    assert headway("retry", "t0").output.startswith("t1  crawl\n")
    assert headway("retry", "t0", "--watch").exit_code == 0


def test_server_that_is_not_there_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    """Two lines, no traceback."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("All connection attempts failed")

    monkeypatch.setattr("headway.backoff.MIN_SECONDS", 0.0)
    server.answers["GET /api/v1/tasks"] = refuse
    result = headway("ls")
    assert result.exit_code == 1
    first, second = result.stderr.splitlines()
    assert first == "Error: cannot reach http://127.0.0.1:8000: All connection attempts failed"
    assert "headway dev" in second


def test_wrong_server_url_is_told(server: Server) -> None:
    """At once."""
    result = headway("ls", "--server", "127.0.0.1:8000")
    assert result.exit_code == 1
    assert "begins with http://" in result.stderr
