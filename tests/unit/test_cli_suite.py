"""What `headway dev` starts, on which ports, and when it restarts what."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest

from headway.cli.local.demo_site import private_host
from headway.cli.local.ports import PortError, check_free, claimed, free_ports, is_free, next_free
from headway.cli.local.process import Child, Spec
from headway.cli.local.reload import parts_of, roots
from headway.cli.local.stack import Plan, Suite, SuiteError, last_lines, specs

PLAN = Plan(folder=Path("/data"), ports=(8000, 8001), nats_port=4222)


def test_suite_is_nats_a_processor_and_a_streamer_per_port() -> None:
    """Each with its own ports on this machine only."""
    parts = specs(PLAN, {"PATH": "/bin"})
    assert [part.name for part in parts] == ["nats", "processor", "streamer-8000", "streamer-8001"]
    nats, processor, first, second = parts
    assert nats.argv[1:] == ("--addr", "127.0.0.1", "--port", "4222", "--jetstream", "--store_dir", "/data/nats")
    assert processor.argv == (sys.executable, "-m", "headway_processor")
    assert first.environ["HEADWAY_STREAMER_PORT"] == "8000"
    assert second.environ["HEADWAY_STREAMER_HOST"] == "127.0.0.1"
    assert len({part.ready for part in parts}) == 4
    assert processor.environ["HEADWAY_NATS_URL"] == "nats://127.0.0.1:4222"


def test_given_nats_is_used_and_none_started() -> None:
    """The tasks' modules and more settings go to the services; the user's environment wins over defaults."""
    plan = Plan(folder=Path("/d"), ports=(1,), nats_url="nats://n:1", tasks=("a.b", "c"), settings={"X": "1"})
    processor, streamer = specs(plan, {"HEADWAY_STREAMER_DRAIN_SECONDS": "9"})
    assert processor.environ["HEADWAY_NATS_URL"] == "nats://n:1"
    assert processor.environ["HEADWAY_TASKS"] == "headway_kinds.script,a.b,c"
    assert processor.environ["X"] == "1"
    assert streamer.environ["HEADWAY_STREAMER_DRAIN_SECONDS"] == "9"
    assert processor.environ["HEADWAY_PROCESSOR_GRACE_SECONDS"] == "3"


def test_taken_port_is_named_with_the_option_to_change_it() -> None:
    """Also when it is only the second streamer's."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(PortError, match=rf"port {port} is taken.*--port"):
            check_free(port, 1)
        with pytest.raises(PortError, match=f"port {port} is taken"):
            check_free(port - 1, 2) if is_free(port - 1) else check_free(port, 1)
        found = next_free(port, 2)
        assert port not in found
        assert found[1] == found[0] + 1


def test_no_port_above_the_last_one() -> None:
    """65536 is no port."""
    with pytest.raises(PortError):
        check_free(65535, 2)


def test_free_ports_are_all_different() -> None:
    """They are held until all are found."""
    assert len(set(free_ports(20))) == 20


def test_folder_is_for_one_process(tmp_path: Path) -> None:
    """Two nats-servers on one store would ruin it. It is free again afterwards."""
    folder = tmp_path / ".headway"
    with claimed(folder):
        assert (folder / ".gitignore").read_text() == "*\n"
        with pytest.raises(PortError, match="in use by another"), claimed(folder):
            pass
    with claimed(folder):
        pass


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        (["/w/tasks.py"], {"processor"}),
        (["/h/headway/events.py"], {"processor", "streamer"}),
        (["/h/s/headway_streamer/app.py"], {"streamer"}),
        (["/h/s/headway_processor/app.py"], {"processor"}),
        (["/w/tasks.py", "/h/s/headway_streamer/app.py"], {"processor", "streamer"}),
        ([], set()),
    ],
)
def test_change_restarts_only_what_runs_it(changed: list[str], parts: set[str]) -> None:
    """Streams stay open while a task's code changes."""
    own = {
        "headway": Path("/h/headway"),
        "headway_processor": Path("/h/s/headway_processor"),
        "headway_streamer": Path("/h/s/headway_streamer"),
    }
    assert parts_of(map(Path, changed), own) == parts


def test_folder_and_own_packages_are_watched_but_never_a_whole_home(tmp_path: Path) -> None:
    """Nor what is installed."""
    assert tmp_path in roots(tmp_path, [])
    assert Path.home() not in roots(Path.home(), [])
    assert not [path for path in roots(tmp_path, ["msgspec", "no_such_module_at_all"]) if "msgspec" in str(path)]


@pytest.mark.security
@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:8080/a", "127.0.0.1:8080"),
        ("https://10.0.0.1/", "10.0.0.1:443"),
        ("http://[::1]/", "[::1]:80"),
        ("http://1.1.1.1/", ""),
        ("http://", ""),
        ("http://h:port/", ""),
    ],
)
def test_only_private_hosts_need_to_be_allowed(url: str, host: str) -> None:
    """A public one may be crawled by anyone anyway."""
    assert private_host(url) == host


def child(code: str, deaths: list[int], lines: list[str], name: str = "processor") -> Child:
    spec = Spec(name, (sys.executable, "-u", "-c", code), dict(os.environ), "tcp://127.0.0.1:1")
    return Child(spec, lambda _, line: lines.append(line), lambda _, status, __: deaths.append(status))


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_child_that_dies_is_reported_and_started_again() -> None:
    """With its last lines at hand."""
    deaths: list[int] = []
    lines: list[str] = []
    one = child("print('hello'); raise SystemExit(3)", deaths, lines)
    keeper = asyncio.create_task(one.keep())
    await until(lambda: len(deaths) >= 2)
    await one.stop(5)
    await keeper
    assert deaths[:2] == [3, 3]
    assert lines[:2] == ["hello", "hello"]
    assert last_lines(one).startswith("  hello")


async def test_child_that_ignores_sigterm_is_killed_after_the_grace() -> None:
    """And its end is no death to report."""
    deaths: list[int] = []
    lines: list[str] = []
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(60)"
    one = child(code, deaths, lines)
    keeper = asyncio.create_task(one.keep())
    await until(lambda: lines)
    pid = one.pid
    assert pid is not None
    await one.stop(0.2)
    await keeper
    assert one.pid is None
    assert deaths == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_restarted_child_comes_back_at_once() -> None:
    """Also out of its pause after a death."""
    deaths: list[int] = []
    lines: list[str] = []
    one = child("import os, time; print(os.getpid()); time.sleep(60)", deaths, lines)
    keeper = asyncio.create_task(one.keep())
    await until(lambda: lines)
    await one.restart(5)
    await until(lambda: len(lines) == 2)
    await one.stop(5)
    await keeper
    assert lines[0] != lines[1]
    assert deaths == []


async def test_child_stopped_while_it_starts_is_gone() -> None:
    """There is no moment in which it could get away."""
    one = child("import time; time.sleep(60)", [], [])
    keeper = asyncio.create_task(one.keep())
    await asyncio.sleep(0)
    await one.stop(5)
    await asyncio.wait_for(keeper, 10)
    assert one.pid is None


async def test_line_over_the_limit_does_not_stop_the_child() -> None:
    """Nor the reading of what follows."""
    lines: list[str] = []
    one = child("print('x' * 3_000_000); print('after'); import time; time.sleep(60)", [], lines)
    keeper = asyncio.create_task(one.keep())
    await until(lambda: "after" in lines)
    await one.stop(5)
    await keeper


async def test_strict_start_fails_with_the_last_lines_of_the_dead() -> None:
    """The demo does not wait for what cannot come."""
    spec = Spec(
        "processor", (sys.executable, "-c", "raise SystemExit('no such module')"), dict(os.environ), "tcp://127.0.0.1:1"
    )
    async with Suite([spec], lambda *_: None, lambda *_: None) as suite:
        with pytest.raises(SuiteError, match=r"processor ended at once\.\n  no such module"):
            await suite.start(strict=True)
