"""A child never waits for its reader, and its reader survives whatever the child prints."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.console import Console

from headway.cli.commands.dev import Printer
from headway.cli.local.process import Child, Spec
from tests.fixtures.condition import holds

FLOOD = r"""
import json, sys, time
from pathlib import Path
print(json.dumps({"level": "info", "message": "half \ud83d", "name": "b\udcffd"}), flush=True)
sys.stdout.buffer.write(b"\xf0\x9f\x98 na\xefve\n")
for _ in range(300):
    print("x" * 10_000)
print("after", flush=True)
Path(sys.argv[1]).touch()
time.sleep(60)
"""


def child(code: str, printer: Printer, *words: str) -> Child:
    spec = Spec("processor", (sys.executable, "-c", code, *words), dict(os.environ), "tcp://127.0.0.1:1")
    return Child(spec, printer.line, printer.death)


@asynccontextmanager
async def kept(one: Child) -> AsyncIterator[None]:
    """Run it, and stop it in the end, which must not take long."""
    keeper = asyncio.create_task(one.keep())
    try:
        yield
    finally:
        await asyncio.wait_for(one.stop(5), 10)
        await keeper


async def test_child_that_prints_half_an_emoji_and_3_mb_is_neither_blocked_nor_hard_to_stop(tmp_path: Path) -> None:
    """On a stream that refuses such text; all that can be shown is shown."""
    raw = io.BytesIO()
    printer = Printer(Console(file=io.TextIOWrapper(raw, encoding="utf-8"), width=200), verbose=False)
    done = tmp_path / "done"
    one = child(FLOOD, printer, str(done))
    async with kept(one):
        assert await holds(done.exists, 20)
        assert await holds(lambda: "after" in one.tail, 20)
        assert await holds(lambda: b"half" in raw.getvalue(), 20)
    assert "half \ufffd name=b\ufffdd" in raw.getvalue().decode()


async def test_callback_that_fails_does_not_end_the_reading() -> None:
    """The next line is read all the same."""
    lines: list[str] = []

    def take(_: Child, line: str) -> None:
        lines.append(line)
        raise RuntimeError("cannot show that")

    code = "print('one'); print('two', flush=True); import time; time.sleep(60)"
    one = Child(
        Spec("nats", (sys.executable, "-c", code), dict(os.environ), "tcp://127.0.0.1:1"), take, lambda *_: None
    )
    async with kept(one):
        assert await holds(lambda: lines == ["one", "two"], 20)


async def test_process_left_behind_with_the_pipe_does_not_keep_the_child_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its end is the end of the child, not of everything it started."""
    monkeypatch.setattr("headway.cli.local.process.LAST_WORDS_SECONDS", 0.05)
    deaths: list[int] = []
    code = (
        "import subprocess, sys; "
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True); sys.exit(3)"
    )
    lines: list[str] = []
    spec = Spec("processor", (sys.executable, "-c", code), dict(os.environ), "tcp://127.0.0.1:1")
    one = Child(spec, lambda _, line: lines.append(line), lambda _, status, __: deaths.append(status))
    async with kept(one):
        assert await holds(lambda: deaths, 20)
    for pid in map(int, lines):
        os.kill(pid, 9)
    assert deaths[0] == 3
