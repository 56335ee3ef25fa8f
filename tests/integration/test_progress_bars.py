"""Bars of tqdm and rich, and log records, as tasks: scripts report them to a real NATS, and a streamer shows them."""

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest

from headway import codec
from headway.events import LogLine, Progress
from headway.jetstream.connection import NatsSettings
from headway.kind import Registry
from headway_processor.app import Processor
from headway_processor.settings import Settings
from tests.fixtures.condition import until
from tests.fixtures.http import run_streamer

FAILING = """
import headway.tqdm, tqdm
headway.tqdm.connect(report="failing")
for row in tqdm.trange(10):
    if row == 4:
        int("seven")
"""
INTERRUPTED = """
import headway.tqdm, os, signal, tqdm
headway.tqdm.connect(report="interrupted")
for row in tqdm.trange(10):
    if row == 4:
        os.kill(os.getpid(), signal.SIGINT)
"""
ENDLESS = """
import headway.{library}, time
from tqdm import trange
from rich.progress import track
headway.{library}.connect({options})
with headway.report("{kind}") as job:
    for row in {loop}:
        time.sleep(0.01)
"""


@pytest.fixture
async def streamer(nats_server, names, connection):
    async with run_streamer(nats_server.url, names.namespace) as running:
        yield running


@pytest.fixture
async def start(nats_server, names, tmp_path):
    """Starts a process that runs a script, saved by its name. All of them end with the test."""
    processes = []

    async def started(name, script):
        environment = {**os.environ, "HEADWAY_NATS_URL": nats_server.url, "HEADWAY_NATS_NAMESPACE": names.namespace}
        environment["HEADWAY_REPORT_RENEW_SECONDS"] = "0.2"
        path = tmp_path / f"{name}.py"
        path.write_text(script)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, path, stdout=pipe, stderr=pipe, env=environment)
        processes.append(process)
        return process

    yield started
    for process in processes:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


GATE = """
import pathlib, time
def gate():
    while not pathlib.Path({door!r}).exists():
        time.sleep(0.01)
"""
INNER = "        for batch in batches:\n"
PASS = "            gate()\n"


async def listed(streamer):
    """All tasks by kind."""
    tasks = (await streamer.http.get("/api/v1/tasks")).json()["tasks"]
    return {task["kind"]: task for task in tasks}


async def events(streamer, task):
    return [codec.decode(one.payload, task) for one in await streamer.components.log.read(task)]


@pytest.mark.feature("tqdm", "progress")
@pytest.mark.feature("rich", "progress")
@pytest.mark.feature("logging", "log")
@pytest.mark.feature("logging", "error with traceback")
async def test_the_scripts_of_the_how_tos_are_tasks(streamer, start, printed, tmp_path):
    bars = [block.text for block in printed if block.page.name == "report-progress-bars.md"]
    moves = [block.text for block in printed if block.page.name == "migrate-from-tqdm.md"]
    scripts = dict(zip(["nested", "own", "mirror", "check"], bars, strict=True))
    scripts |= dict(zip(["before", "one-line", "block"], moves, strict=True))
    door = tmp_path / "door"
    scripts["nested"] = f"{GATE.format(door=str(door))}{scripts['nested'].replace(INNER, INNER + PASS)}"
    assert PASS in scripts["nested"]
    processes = [await start(name, script) for name, script in scripts.items()]

    async def nested():
        if "train" not in (tasks := await listed(streamer)):
            return False
        found = [event for event in await events(streamer, tasks["train"]["task"]) if isinstance(event, Progress)]
        return any(event.sub and event.sub.unit == "batch" and event.message == "Training" for event in found)

    await until(nested, 60)
    door.touch()
    outputs = await asyncio.gather(*(process.communicate() for process in processes))
    assert [process.returncode for process in processes] == [0] * 7, outputs
    tasks = await listed(streamer)
    states = {kind: task["state"] for kind, task in tasks.items()}
    shown = {kind: (tasks[kind]["title"], state.get("done"), state.get("unit")) for kind, state in states.items()}
    assert shown == {
        "train": ("Train the model", 3, "epoch"),
        "import": ("Import of the night", 2000, "rows"),
        "mirror": ("Mirror the archive", 20, None),
        "nightly-check": ("nightly-check", None, None),
        "one-line": ("Import of the night", 2000, "rows"),
        "nightly-import": ("Import of the night", 2000, "rows"),
    }
    assert {state["status"] for state in states.values()} == {"completed"}
    assert states["nightly-import"]["data"] == {"rows": 2000}
    await lines_are_shown(streamer, tasks["nightly-check"]["task"])
    before, one_line = (outputs[list(scripts).index(name)][1].decode() for name in ("before", "one-line"))
    assert "Import of the night: 100%" in before
    assert "Import of the night: 100%" in one_line


async def lines_are_shown(streamer, task):
    lines = [event for event in await events(streamer, task) if isinstance(event, LogLine)]
    assert [(line.level, line.logger) for line in lines] == [("info", "shop.orders"), ("error", "root")]
    assert lines[0].message == "checked 42 orders"
    text, *trace = lines[1].message.splitlines()
    assert text == "cannot divide: ZeroDivisionError: division by zero"
    assert trace[0] == "Traceback (most recent call last):"


@pytest.mark.feature("tqdm", "error with traceback")
async def test_a_script_that_fails_or_is_interrupted_in_its_loop_ends_its_task_so(streamer, start):
    processes = [await start("failing", FAILING), await start("interrupted", INTERRUPTED)]
    outputs = await asyncio.gather(*(process.communicate() for process in processes))
    tasks = await listed(streamer)
    failed, interrupted = tasks["failing"]["state"], tasks["interrupted"]["state"]
    assert (failed["status"], failed["error"]["type"], failed["done"], failed["total"]) == (
        "error",
        "ValueError",
        4,
        10,
    )
    assert "line 6" in failed["error"]["traceback"]
    assert (interrupted["status"], interrupted["message"]) == ("cancelled", "cancelled: interrupted at the keyboard")
    assert b"ValueError" in outputs[0][1]
    assert b"KeyboardInterrupt" in outputs[1][1]


@asynccontextmanager
async def run_processor(url, names):
    """A processor without kinds of its own, that gives reporters up soon."""
    settings = Settings(ops_port=0, reporter_lost_seconds=2.0)
    processor = Processor(settings, NatsSettings(url=url, namespace=names.namespace), Registry())
    running = asyncio.create_task(processor.run())
    try:
        yield
    finally:
        processor.stop()
        await running


@pytest.mark.feature("tqdm", "cancel")
@pytest.mark.feature("rich", "cancel")
@pytest.mark.feature("tqdm", "lost")
@pytest.mark.feature("rich", "lost")
async def test_a_loop_is_cancelled_from_outside_and_one_that_is_killed_is_lost(nats_server, names, streamer, start):
    loops = {"tqdm": "trange(10**6)", "rich": "track(range(10**6))"}
    processes = {
        f"{library}-{end}": await start(
            f"{library}-{end}", ENDLESS.format(library=library, options="", kind=f"{library}-{end}", loop=loop)
        )
        for library, loop in loops.items()
        for end in ("cancelled", "killed")
    }

    async def moving():
        tasks = await listed(streamer)
        return len(tasks) == 4 and all((task["state"].get("done") or 0) > 0 for task in tasks.values())

    async def ended(kind):
        return (await listed(streamer))[kind]["state"]["status"] in ("cancelled", "error")

    async with run_processor(nats_server.url, names):
        await until(moving, 40)
        tasks = await listed(streamer)
        for library in loops:
            processes[f"{library}-killed"].send_signal(signal.SIGKILL)
            task = tasks[f"{library}-cancelled"]["task"]
            await streamer.http.post(f"/api/v1/tasks/{task}/cancel", json={"reason": "enough"})
        outputs = {kind: await process.communicate() for kind, process in processes.items()}
        for kind in processes:
            await until(partial(ended, kind), 40)
        states = {kind: task["state"] for kind, task in (await listed(streamer)).items()}
    for library in loops:
        assert states[f"{library}-cancelled"]["status"] == "cancelled"
        assert b"TaskCancelledError" in outputs[f"{library}-cancelled"][1]
        assert states[f"{library}-killed"]["error"]["type"] == "Lost"
