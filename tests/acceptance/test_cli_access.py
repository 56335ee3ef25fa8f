"""Commands against a streamer with access control: their tokens come from the environment or a file."""

import json
import os
import re
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from headway.cli.group import cli
from tests.fixtures import tokens
from tests.fixtures.condition import holds_blocking
from tests.fixtures.process import start_process
from tests.fixtures.services import run_services

pytestmark = pytest.mark.security
HEADWAY = str(Path(sys.executable).with_name("headway"))
TICKS = {"steps": [{"name": "Working", "seconds": 5, "ticks": 50, "chunks": ["word "] * 50}]}
SHORT = {"steps": [{"name": "Working", "seconds": 0.1, "ticks": 1}], "result": {"answer": 42}}


@pytest.fixture(scope="module")
def streamer(tmp_path_factory):
    """A streamer that asks for tokens, and a processor."""
    with run_services(tmp_path_factory.mktemp("services")) as running:
        running.processor("p1").wait_ready()
        made = running.streamer("s1", ACCESS="jwt", JWT_SECRET=tokens.SECRET, JWT_ISSUER=tokens.ISSUER)
        made.wait_ready()
        yield made


def token(seconds=600, **claims):
    return tokens.live_token(exp=int(time.time() + seconds), **claims)


def headway(streamer, *words, **given):
    """Run a command in this process: its start would take most of the time of these tests."""
    none = dict.fromkeys((name for name in os.environ if name.startswith("HEADWAY_")), None)
    return CliRunner().invoke(cli, words, env=none | {"HEADWAY_SERVER": streamer.url} | given)


def submit(streamer, params, **given):
    done = headway(streamer, "submit", "script", "--json", "--json-params", json.dumps(params), **given)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)["task"]


def words_of(task):
    """A call of each command that talks to a streamer."""
    return [
        ["watch", task],
        ["ls"],
        ["kinds"],
        ["submit", "script", "--watch", "--json-params", json.dumps(SHORT)],
        ["result", task],
        ["logs", task],
        ["retry", task],
        ["cancel", task],
    ]


def test_every_command_takes_its_token_from_the_environment_or_a_file(streamer, tmp_path):
    text, file = token(sub="all"), tmp_path / "token"
    file.write_text(text + "\n")
    ways = cycle([{"HEADWAY_TOKEN": text}, {"HEADWAY_TOKEN_FILE": str(file)}])
    task = submit(streamer, SHORT, **next(ways))
    for words, given in zip(words_of(task), ways, strict=False):
        done = headway(streamer, *words, **given)
        ended = words[0] == "cancel"  # the task has, so that it cannot be cancelled
        assert (done.exit_code, "409" in done.stderr) == ((1, True) if ended else (0, False)), (words, done.stderr)
        assert text not in done.stdout + done.stderr


def test_a_refused_command_says_what_to_do(streamer):
    for words in words_of("t1"):
        missing = headway(streamer, *words)
        assert missing.exit_code in (1, 2, 4)
        assert "set HEADWAY_TOKEN, or HEADWAY_TOKEN_FILE" in missing.stderr, words
    expired = token(-60)
    refused = headway(streamer, "watch", "t1", HEADWAY_TOKEN=expired)
    assert "The token in HEADWAY_TOKEN has expired" in refused.stderr
    assert expired not in refused.output
    limited = headway(streamer, "kinds", HEADWAY_TOKEN=token(scope="tasks:read"))
    assert "scope tasks:submit" in limited.stderr
    assert "headway token --scope" in limited.stderr


def test_a_watch_continues_over_the_end_of_its_token_with_the_next_of_the_file(streamer, tmp_path, security_figures):
    file, first, second = tmp_path / "token", token(3), token()
    task = submit(streamer, TICKS, HEADWAY_TOKEN=second)
    file.write_text(first)
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(headway, streamer, "watch", task, "--json", HEADWAY_TOKEN_FILE=str(file))
        assert holds_blocking(lambda: streams_of(streamer) > 0, 30)
        file.write_text(second)
        done = watching.result(60)
    assert done.exit_code == 0, done.output
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(event.get("reason") == "expired" for event in events) == 1
    numbers = [event["n"] for event in events if "n" in event]
    assert numbers == sorted(set(numbers))
    assert "".join(event["text"] for event in events if "offset" in event) == "word " * 50
    assert events[-1]["status"] == "completed"
    assert first not in done.output
    assert second not in done.output
    security_figures(14, "a watch over the end of its token", events=len(numbers), gaps=0, repeated=0)


def streams_of(streamer):
    """How many streams are open."""
    text = httpx.get(f"http://127.0.0.1:{streamer.ops_port}/metrics").text
    return float(re.search(r"^headway_watchers ([0-9.]+)$", text, re.MULTILINE)[1])


def test_the_list_of_processes_shows_no_token(streamer, tmp_path):
    text = token()
    task = submit(streamer, TICKS, HEADWAY_TOKEN=text)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HEADWAY_")}
    environ |= {"HEADWAY_SERVER": streamer.url, "HEADWAY_TOKEN": text}
    with (tmp_path / "out").open("wb") as out:
        watching = start_process([HEADWAY, "watch", task], env=environ, cwd=tmp_path, stdout=out, stderr=out)
    assert holds_blocking(lambda: b"Working" in (tmp_path / "out").read_bytes(), 60), (tmp_path / "out").read_text()
    words = Path(f"/proc/{watching.pid}/cmdline").read_bytes().split(b"\0")
    assert task.encode() in words
    assert text not in b" ".join(words).decode()
    watching.send_signal(signal.SIGINT)
    assert watching.wait(60) == 130
    printed = (tmp_path / "out").read_text()
    assert f"headway watch {task}" in printed
    assert text not in printed


def test_a_command_is_reported_with_the_token_and_runs_without_one(streamer, capfd):
    """With the scope that reports need. Without a token it runs all the same, and one warning follows."""
    words = ("run", "--id", "reported", "--", "echo", "text")
    without = headway(streamer, *words)
    assert (without.exit_code, "(HTTP 401)" in without.stderr) == (0, True)
    done = headway(streamer, *words, HEADWAY_TOKEN=token(scope="tasks:report"))
    assert (done.exit_code, "warning" in done.stderr) == (0, False)
    assert capfd.readouterr().out == "text\ntext\n"
