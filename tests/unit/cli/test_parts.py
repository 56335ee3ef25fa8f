"""The parts of watched tasks are shown below them, bounded."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from headway.cli import parts
from headway.cli.render.bars import Bar
from headway.client import Client
from tests.fixtures.scripted_server import ScriptedServer

pytestmark = pytest.mark.looptime


def part(task: str, status: str = "processing", unit: str = "", **more: Any) -> dict[str, Any]:
    state = {"status": status, "progress": 10.0, "unit": unit}
    return {"task": task, "kind": "resize", "created": 0, "state": state, **more}


class Shown:
    """A view that remembers the parts."""

    def __init__(self, *split: str) -> None:
        self.split = split
        self.parts: dict[str, list[str]] = {}
        self.times = 0

    def is_split(self, task: str) -> bool:
        return task in self.split

    def show_parts(self, task: str, bars: list[Bar]) -> None:
        self.parts[task] = [bar.name for bar in bars]
        self.times += 1


@pytest.fixture
def client(server: ScriptedServer) -> Client:
    return Client("http://x", transport=httpx.MockTransport(server.handle))


def answer(server: ScriptedServer, tree: dict[str, list[dict[str, Any]]]) -> None:
    """Answer with the parts of each task, which the tree has in the order of their submission."""

    def found(request: httpx.Request) -> httpx.Response:
        tasks = tree.get(request.url.params["parent"], [])
        return httpx.Response(200, json={"tasks": tasks[::-1], "cursor": None})

    server.responses["GET /api/v1/tasks"] = found


async def test_each_part_is_followed_by_its_own_parts(server: ScriptedServer, client: Client) -> None:
    tree = {
        "p": [part("a", unit="parts", title="For Ann"), part("b", "completed", "parts"), part("c")],
        "a": [part("a1", unit="tasks")],
        "a1": [part("a11", unit="parts")],
        "a11": [part("too-deep")],
        "b": [part("ended")],
    }
    answer(server, tree)
    view = Shown("p")
    async with client:
        await parts.show(client, ["p", "q"], view)  # type: ignore[arg-type]
    assert view.parts == {"p": ["  For Ann a", "    resize a1", "      resize a11", "  resize b", "  resize c"]}


async def test_of_many_parts_those_that_run_are_shown(server: ScriptedServer, client: Client) -> None:
    tree = [part(f"t{n:02}", "completed" if n < 50 else "processing") for n in range(60)]
    answer(server, {"p": tree})
    async with client:
        bars = await parts.parts_of(client, "p")
    assert [bar.task for bar in bars] == [f"t{n:02}" for n in (*range(10), *range(50, 60))]


async def test_they_are_asked_for_again_until_cancelled(server: ScriptedServer, client: Client) -> None:
    answer(server, {"p": [part("a")]})
    view = Shown("p")
    async with client:
        keeping = asyncio.create_task(parts.keep_shown(client, ["p"], view))  # type: ignore[arg-type]
        await asyncio.sleep(3.5 * parts.SECONDS)
        keeping.cancel()
    assert view.times == 4


async def test_without_an_answer_nothing_changes(server: ScriptedServer, client: Client) -> None:
    server.json("GET /api/v1/tasks", {"title": "no"}, status=403)
    view = Shown("p")
    async with client:
        await parts.show(client, ["p"], view)  # type: ignore[arg-type]
    assert view.parts == {}
