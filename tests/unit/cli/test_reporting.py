"""The task of a command that reports what it runs."""

from __future__ import annotations

import asyncio
import signal

import pytest

from headway.cli.reporting import ReportOptions, end_unless, hurry, kind_of, reported
from headway.client import Report


@pytest.mark.parametrize(
    ("program", "kind"),
    [
        ("/usr/bin/make", "make"),
        ("./build.sh", "build-sh"),
        ("..", "command"),
        ("é" * 80, "command"),
        ("x" * 80, "x" * 64),
    ],
)
def test_kind_is_the_name_of_the_program(program: str, kind: str) -> None:
    assert kind_of(program) == kind


async def use(options: ReportOptions) -> Report | None:
    async with reported(options, lambda reason: None) as report:
        if report is not None:
            await report.end("completed")
    return report


@pytest.mark.parametrize("server", ["foo", "http://", "http://app:pa#ss@host"])
async def test_wrong_server_is_one_warning(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert await use(ReportOptions(server, kind="make")) is None
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("headway: warning: the task was not reported to its end: ")
    assert "pa#ss" not in lines[0]


async def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert await use(ReportOptions("foo", kind="make", quiet=True)) is None
    assert capsys.readouterr() == ("", "")


async def test_end_is_not_awaited_by_somebody_in_a_hurry() -> None:
    stop, ended = asyncio.Event(), []

    async def ending() -> None:
        await asyncio.sleep(3600)
        ended.append(True)

    asyncio.get_running_loop().call_soon(stop.set)
    await end_unless(stop, ending())
    assert ended == []
    await end_unless(asyncio.Event(), asyncio.sleep(0))


async def test_hurry_wakes_the_loop_from_another_thread() -> None:
    event = asyncio.Event()
    await asyncio.to_thread(hurry, event, asyncio.get_running_loop(), signal.SIGINT)
    await asyncio.wait_for(event.wait(), 20)
