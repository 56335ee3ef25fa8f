"""Watched paths, and the services that a change restarts."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from headway.cli.local.reload import affected_services, watch_changes, watch_roots


@pytest.mark.parametrize(
    ("changed", "services"),
    [
        (["/w/tasks.py"], {"processor"}),
        (["/h/headway/events.py"], {"processor", "streamer"}),
        (["/h/s/headway_streamer/app.py"], {"streamer"}),
        (["/h/s/headway_processor/app.py"], {"processor"}),
        (["/w/tasks.py", "/h/s/headway_streamer/app.py"], {"processor", "streamer"}),
        ([], set()),
    ],
)
def test_change_restarts_only_the_services_that_run_it(changed: list[str], services: set[str]) -> None:
    """Streams stay open while the code of a task changes."""
    packages = {
        "headway": Path("/h/headway"),
        "headway_processor": Path("/h/s/headway_processor"),
        "headway_streamer": Path("/h/s/headway_streamer"),
    }
    assert affected_services(map(Path, changed), packages) == services


def test_folder_and_headway_are_watched_but_no_home_directory_or_installed_package(tmp_path: Path) -> None:
    assert tmp_path in watch_roots(tmp_path, [])
    assert Path.home() not in watch_roots(Path.home(), [])
    roots = watch_roots(tmp_path, ["msgspec", "no_such_module_at_all"])
    assert not [path for path in roots if "msgspec" in str(path)]


def test_module_outside_of_the_folder_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "outside_tasks.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "other"))
    (tmp_path / "here").mkdir()
    assert tmp_path / "other" / "outside_tasks.py" in watch_roots(tmp_path / "here", ["outside_tasks.sub"])


async def test_changed_file_is_yielded_with_its_service(tmp_path: Path) -> None:
    stop = asyncio.Event()
    writing = asyncio.create_task(_write_until(stop, tmp_path / "tasks.py"))
    async with asyncio.timeout(20), aclosing(watch_changes([tmp_path], stop)) as changes:
        paths, services = await anext(changes)
        stop.set()
    await writing
    assert {path.name for path in paths} == {"tasks.py"}
    assert services == {"processor"}


async def _write_until(stop: asyncio.Event, path: Path) -> None:
    # More than once: the watching may begin after the first time.
    number = 0
    while not stop.is_set():
        path.write_text(f"a = {number}\n")
        number += 1
        await asyncio.sleep(0.2)
