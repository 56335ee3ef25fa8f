"""`headway demo` with a fake stack and a scripted server."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from headway.cli.commands import demo as module
from headway.cli.commands.demo import Demo, DemoOptions, airports_csv
from headway.cli.local.stack_specs import StackOptions
from headway.client import Client
from tests.fixtures.scripted_server import ScriptedServer, event, headway


class FakeStack:
    """A stack without processes."""

    started = False

    def __init__(self, *_: object) -> None:
        pass

    async def __aenter__(self) -> FakeStack:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def start(self, *, strict: bool) -> None:
        assert strict
        FakeStack.started = True

    def kill(self) -> None:
        pass


@asynccontextmanager
async def fake_site(empty: Path) -> AsyncIterator[str]:
    assert list(empty.iterdir()) == []
    yield "http://127.0.0.1:7/"


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, server: ScriptedServer) -> list[StackOptions]:
    """The options that the stack was started with. Both tasks complete."""
    options: list[StackOptions] = []
    monkeypatch.setattr(module, "Stack", FakeStack)
    monkeypatch.setattr(module, "stack_specs", lambda given, _: options.append(given))
    monkeypatch.setattr(module, "pydoc_site", fake_site)
    monkeypatch.setattr(module, "Client", partial(Client, transport=httpx.MockTransport(server.handle)))
    tasks = iter(("t1", "t2"))
    server.responses["POST /api/v1/tasks"] = lambda _: httpx.Response(202, json={"task": next(tasks)})
    server.stream("GET /api/v1/stream", event(1, "completed", "t1"), event(2, "completed", "t2"))
    return options


async def run(**options: Any) -> tuple[int, str]:
    """The exit code and the output."""
    file = io.StringIO()
    out = Console(file=file, width=200, force_terminal=options.pop("terminal", False), color_system=None)
    return await Demo(DemoOptions(**options), out).run(), file.getvalue()


async def test_demo_submits_both_tasks_and_exits_with_0(stack: list[StackOptions], server: ScriptedServer) -> None:
    code, output = await run(exit_when_done=True)
    assert code == 0
    for part in ("Starting Python's own documentation server", "Submitting crawl of http://127.0.0.1:7/", "pages  7"):
        assert part in output
    assert "Ctrl-C" not in output
    assert stack[0].settings == {
        "HEADWAY_PROCESSOR_BUILTIN_KINDS": "check,crawl,bulk,cluster,script",
        "HEADWAY_PROCESSOR_DATA_DIR": str(airports_csv().parent),
        "HEADWAY_PROCESSOR_CRAWL_ALLOW": "127.0.0.1:7",
    }
    assert len(stack[0].ports) == 2
    assert [request.method for request in server.requests][:2] == ["POST", "POST"]


async def test_demo_asks_a_model_instead(
    stack: list[StackOptions], server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the kind, which is offered where its server is known."""
    monkeypatch.setenv("HEADWAY_PROCESSOR_GENERATE_BASE_URL", "http://127.0.0.1:1/v1")
    server.stream("GET /api/v1/tasks/t1/stream", event(1, "completed", "t1"))
    code, output = await run(exit_when_done=True, prompt="hi")
    assert (code, "Submitting generate of text" in output, "crawl" in output) == (0, True, False)
    assert json.loads(server.requests[0].content) == {"kind": "generate", "params": {"prompt": "hi"}}
    assert ",generate," in stack[0].settings["HEADWAY_PROCESSOR_BUILTIN_KINDS"]


def test_demo_says_what_to_set_before_a_model_can_be_asked() -> None:
    result = headway("demo", "--generate", env={"HEADWAY_PROCESSOR_GENERATE_BASE_URL": "http://127.0.0.1:1/v1"})
    assert result.exit_code == 1
    for server in ("Ollama", "llama.cpp", "vLLM", "OpenAI"):
        assert server in result.output
    assert result.output.endswith("Missing: HEADWAY_PROCESSOR_GENERATE_MODELS.\n")


async def test_demo_exits_with_1_when_a_task_fails(stack: list[StackOptions], server: ScriptedServer) -> None:
    server.stream("GET /api/v1/stream", event(1, "error", "t1"), event(2, "completed", "t2"))
    assert (await run(exit_when_done=True))[0] == 1


async def test_demo_stays_until_a_signal(stack: list[StackOptions], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the next steps to try."""
    print_text = Demo._print

    def interrupt(self: Demo, text: str) -> None:
        print_text(self, text)
        if text == "Ctrl-C stops.":
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Demo, "_print", interrupt)
    code, output = await run(url="http://1.1.1.1/", terminal=True)
    assert code == 0
    assert "CRAWL_ALLOW" not in str(stack[0].settings)
    assert "Your turn:   headway submit script --watch" in output
    assert output.endswith("Ctrl-C stops.\nStopping …\n")


async def test_signal_during_the_demo_detaches(stack: list[StackOptions], monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(self: FakeStack, *, strict: bool) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    monkeypatch.setattr(FakeStack, "start", start)
    assert (await run())[0] == 130


def test_options_of_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The exit code is that of the demonstration."""
    table = tmp_path / "a.csv"
    table.touch()
    found: list[DemoOptions] = []

    async def run(self: Demo) -> int:
        found.append(self._options)
        return 1

    monkeypatch.setattr(Demo, "run", run)
    words = ("--exit", "--url", "http://h/", "--csv", str(table), "--port", "9", "--pages", "7")
    assert headway("demo", *words).exit_code == 1
    assert found == [DemoOptions(url="http://h/", csv=table, port=9, pages=7, exit_when_done=True)]


def test_url_must_be_one_of_http() -> None:
    result = headway("demo", "--url", "ftp://h/")
    assert result.exit_code == 2
    assert "--url ftp://h/: must begin with http:// or https://" in result.stderr
