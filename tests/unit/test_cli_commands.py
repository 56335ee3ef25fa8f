"""The commands against a scripted server: what they print, what they send, their exit codes."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import click
import httpx
import pytest
from click.testing import CliRunner
from rich.cells import cell_len
from rich.console import Console

from headway.cli.group import COMMANDS, cli
from headway.cli.render.tasks_table import tasks_table
from tests.fixtures.pages import Block
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


def test_submit_warns_of_a_kind_that_no_processor_offers(server: Server) -> None:
    """On stderr: what is read by programs stays as it is."""
    server.json("POST /api/v1/tasks", ACCEPTED | {"processors": 0, "warning": "no processor offers crawl now"}, 202)
    result = headway("submit", "crawl", "url=a", "--json")
    assert (result.exit_code, result.stderr) == (0, "warning: no processor offers crawl now\n")
    assert json.loads(result.stdout)["processors"] == 0


def test_kinds_shows_what_no_processor_offers(server: Server) -> None:
    """A kind stays known when its processors have gone."""
    server.json("GET /api/v1/kinds", {"kinds": [KIND | {"processors": 0, "live": False}]})
    assert "crawl  Crawl a site.\n  no processor offers it now\n" in headway("kinds").output


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


@pytest.mark.parametrize(
    "bad", ["nonsense", {"task": "bad", "created": "x"}, {"task": "bad", "state": 7}, {"created": 1e300, "state": []}]
)
def test_ls_shows_the_tasks_beside_one_that_cannot_be_read(server: Server, bad: object) -> None:
    """One bad record does not hide the others from anybody."""
    good = {"task": "t1", "kind": "crawl", "created": 0, "state": {"status": "processing", "progress": 42.5}}
    server.json("GET /api/v1/tasks", {"tasks": [bad, good]})
    result = headway("ls")
    assert result.exit_code == 0
    assert "t1" in result.output
    assert "42 %" in result.output


def test_empty_list_says_what_to_do(server: Server) -> None:
    """A newcomer sees this first."""
    server.json("GET /api/v1/tasks", {"tasks": []})
    assert "headway submit" in headway("ls").output
    server.json("GET /api/v1/kinds", {"kinds": []})
    assert "headway dev" in headway("kinds").output


def test_kinds_shows_parameters_with_type_and_default(server: Server) -> None:
    """What `submit` needs to be told."""
    output = headway("kinds").output
    for part in ("crawl  Crawl a site.\n", "  url    string, required  Where to begin.", "  pages  integer, default 5"):
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

    monkeypatch.setattr("headway.client.backoff.MIN_SECONDS", 0.0)
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


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["wacth", "t1"], "No such command 'wacth'; did you mean watch?"),
        (["zzz"], "No such command 'zzz'; known: cancel, completion"),
        (["submit", "crwal"], "kind 'crwal' is unknown; did you mean crawl?"),
        (["kinds", "crwal"], "kind 'crwal' is unknown; did you mean crawl?"),
        (["ls", "--jsno"], "--json"),
        (["watch", "--patiense", "3", "t1"], "--patience"),
    ],
)
def test_mistyped_name_gets_the_one_that_was_meant(server: Server, words: list[str], hint: str) -> None:
    """Commands, kinds and options; exit code 2."""
    result = headway(*words)
    assert result.exit_code == 2
    assert hint in result.stderr


def test_list_of_an_unknown_kind_says_so(server: Server) -> None:
    """An empty list of a known one does not."""
    server.json("GET /api/v1/tasks", {"tasks": []})
    assert "Kind 'crwal' is unknown; did you mean crawl?" in headway("ls", "--kind", "crwal").output
    assert "unknown" not in headway("ls", "--kind", "crawl").output


ID = "06gvo8jheds2j05omsig89n1qg"


@pytest.mark.parametrize("width", [20, 26, 40, 60, 80, 120])
def test_ids_in_a_list_can_be_copied_at_any_width(width: int) -> None:
    """Other columns give way: the age first, the status last. No line is wider than the terminal."""
    state = {"status": "processing", "progress": 42.5, "step": "Fetching", "message": "page 42 of very many" * 9}
    tasks = [{"task": ID, "kind": "crawl", "created": 0, "state": state}, {"task": "t2", "kind": "bulk", "created": 9}]
    out = Console(file=io.StringIO(), width=width)
    out.print(tasks_table(tasks, 100, width))
    lines = out.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(map(cell_len, lines)) <= width
    assert ID in "".join(line.strip() for line in lines) if width < len(ID) else any(ID in line for line in lines)
    assert ("page 42" in lines[2]) == (width >= 80)
    assert ("processing" in lines[2]) == (width >= 40)


BIG = '{"n":12345678901234567890123,"f":0.12345678901234567890,"h":1e400,"z":-0.0,"t":"☃\\u202e"}'


def answer(text: str) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "application/json"}, text=text)


def test_result_is_printed_with_every_digit(server: Server, tmp_path: Path) -> None:
    """As JSON in one line, or to a file as it came."""
    server.answers["GET /api/v1/tasks/t1/result"] = answer(BIG)
    assert headway("result", "t1").stdout == BIG + "\n"
    file = tmp_path / "result.json"
    result = headway("result", "t1", "-o", str(file))
    assert (result.exit_code, result.stdout) == (0, "")
    assert file.read_text() == BIG
    assert headway("result", "t1", "-o", str(tmp_path / "no" / "file")).exit_code == 1


def test_result_on_a_terminal_is_indented(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same digits."""
    monkeypatch.setattr("headway.cli.render.terminal.SafeStream.isatty", lambda _: True)
    server.answers["GET /api/v1/tasks/t1/result"] = answer(BIG)
    lines = headway("result", "t1").stdout.splitlines()
    assert lines[:3] == ["{", '  "n": 12345678901234567890123,', '  "f": 0.12345678901234567890,']
    assert headway("result", "t1", "--compact").stdout == BIG + "\n"


def test_result_before_the_end_is_an_error(server: Server) -> None:
    """In the server's words."""
    server.json("GET /api/v1/tasks/t1/result", {"detail": "The task has not ended."}, 409)
    result = headway("result", "t1")
    assert result.exit_code == 1
    assert "The task has not ended." in result.stderr


@pytest.mark.parametrize(
    ("words", "route"),
    [
        (("ls", "--json"), "GET /api/v1/tasks"),
        (("kinds", "--json"), "GET /api/v1/kinds"),
        (("submit", "crawl", "url=a", "--json"), "POST /api/v1/tasks"),
        (("cancel", "t1", "--json"), "POST /api/v1/tasks/t1/cancel"),
        (("retry", "t1", "--json"), "POST /api/v1/tasks/t1/retry"),
    ],
)
def test_json_of_every_command_keeps_all_digits(server: Server, words: tuple[str, ...], route: str) -> None:
    """Whole numbers over 2**53, more digits than a float has, more than it reaches."""
    name = {"GET /api/v1/tasks": "tasks", "GET /api/v1/kinds": "kinds"}.get(route)
    server.answers[route] = answer(f'{{"{name}":[{BIG}]}}' if name else BIG)
    shown = headway(*words).stdout
    for digits in ("12345678901234567890123", "0.12345678901234567890", "1E+400", "-0.0"):
        assert digits in shown


def test_big_numbers_are_exact_in_the_table_of_a_result(server: Server) -> None:
    """With separators."""
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "kind": "own"})
    server.stream("GET /api/v1/tasks/t1/stream", event(1, "completed"))
    server.answers["GET /api/v1/tasks/t1/result"] = answer(
        '{"id":9007199254740993,"rows":[{"n":12345678901234567890}]}'
    )
    output = headway("watch", "t1").output
    assert "9,007,199,254,740,993" in output
    assert "12,345,678,901,234,567,890" in output


@pytest.mark.parametrize("where", ["words", "line", "file"])
def test_big_numbers_of_parameters_are_sent_exactly(server: Server, tmp_path: Path, where: str) -> None:
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


def log(n: int, level: str, message: str) -> str:
    data = {"type": "log", "task": "t1", "n": n, "level": level, "message": message, "at": 1763690000.5}
    return f"event: log\nid: c{n}\ndata: {json.dumps(data)}\n\n"


LINES = [event(1), log(2, "info", "one"), log(3, "debug", "two"), log(4, "error", "three"), event(5)]


def test_logs_are_those_written_so_far(server: Server) -> None:
    """Up to where the log ended when it was asked; a task that runs is not waited for."""
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "cursor": "c5"})
    server.stream("GET /api/v1/tasks/t1/stream", *LINES, log(6, "info", "later"))
    result = headway("logs", "t1")
    assert [line.partition("  ")[2] for line in result.stdout.splitlines()] == [
        "info: one",
        "debug: two",
        "error: three",
    ]
    assert re.match(r"\d\d:\d\d:\d\d  ", result.stdout)
    assert dict(server.requests[-1].url.params) == {"merge": "0"}


def test_logs_have_a_least_level_and_a_form_for_programs(server: Server) -> None:
    """The data of each event as it came."""
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "cursor": "c5"})
    server.stream("GET /api/v1/tasks/t1/stream", *LINES)
    shown = headway("logs", "t1", "--level", "info", "--json").stdout.splitlines()
    assert [json.loads(line)["message"] for line in shown] == ["one", "three"]


def test_followed_logs_come_until_the_task_has_ended(server: Server) -> None:
    """Exit code 0 however it ended: `watch` tells."""
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "cursor": "c2"})
    server.stream("GET /api/v1/tasks/t1/stream", *LINES, log(6, "info", "last"), event(7, "error"))
    result = headway("logs", "t1", "-f")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].endswith("info: last")


def test_logs_of_a_task_without_events_are_empty(server: Server) -> None:
    """It is queued."""
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "cursor": ""})
    assert headway("logs", "t1").output == ""
    assert headway("logs", "nope").exit_code == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_for_the_shell(shell: str) -> None:
    """It calls the command again for what can follow."""
    result = headway("completion", shell)
    assert result.exit_code == 0
    assert f"_HEADWAY_COMPLETE={shell}_complete" in result.stdout


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("headway wa", ["watch"]),
        ("headway ls --js", ["--json"]),
        ("headway ls --status proc", ["processing"]),
        ("headway submit cr", ["crawl"]),
        ("headway watch 06", ["06a", "06b"]),
        ("headway result 06b", ["06b"]),
    ],
)
def test_commands_options_kinds_and_ids_are_completed(server: Server, words: str, completed: list[str]) -> None:
    """Ids that a shell could read as more than a word are not."""
    server.json("GET /api/v1/tasks", {"tasks": [{"task": task, "kind": "crawl"} for task in ("06a", "06b", "06$(id)")]})
    environ = {
        "_HEADWAY_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    result = CliRunner().invoke(cli, [], prog_name="headway", env=environ)
    assert [line.partition(",")[2] for line in result.stdout.splitlines()] == completed


def test_completion_without_a_server_is_silent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message would stand in the command line; nobody waits for long."""
    monkeypatch.setattr("headway.cli.completions.PATIENCE_SECONDS", 0.01)

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("All connection attempts failed")

    server.answers["GET /api/v1/tasks"] = refuse
    environ = {"_HEADWAY_COMPLETE": "zsh_complete", "COMP_WORDS": "headway watch 0", "COMP_CWORD": "2"}
    result = CliRunner().invoke(cli, [], prog_name="headway", env=environ)
    assert result.output.strip() == ""


def test_documented_uses_of_results_and_logs_work(
    server: Server, printed: list[Block], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line of the block, for a task that has ended."""
    monkeypatch.chdir(tmp_path)
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "cursor": "c5"})
    server.stream("GET /api/v1/tasks/t1/stream", *LINES, event(6, "completed"))
    shown = [headway(*line.replace("ID", "t1").split()[1:]) for line in printed[0].commands]
    assert [result.exit_code for result in shown] == [0, 0, 0, 0]
    assert json.loads((tmp_path / "result.json").read_text()) == {"pages": 7}
    assert [len(result.stdout.splitlines()) for result in shown] == [1, 0, 3, 1]
