"""Cells of a notebook as tasks: a real kernel reports to a real NATS."""

import asyncio
import os
from contextlib import asynccontextmanager
from functools import partial

import pytest
from jupyter_client.manager import AsyncKernelManager

from headway.jetstream.connection import NatsSettings
from headway.kind import Registry
from headway_processor.app import Processor
from headway_processor.settings import Settings
from tests.fixtures.condition import until
from tests.fixtures.http import run_streamer

SECONDS = 60.0

REPORT = """
import asyncio, time, headway
with headway.report("cell", title="A cell") as job:
    for row in job.track(range(5), unit="rows"):
        pass
    job.set_result(row)
"""
COROUTINE = """
async with headway.report("coroutine"):
    for row in headway.track(range(5)):
        await asyncio.sleep(0)
"""
BARS = """
import headway.tqdm, tqdm.auto, tqdm.notebook
headway.tqdm.connect(report=True)
for name in tqdm.auto.tqdm(["a", "b"], desc="auto"):
    for row in tqdm.notebook.trange(3):
        pass
"""
FAILING = """
for row in tqdm.auto.trange(5, desc="failing"):
    if row == 2:
        int("seven")
"""
ENDLESS = """
with headway.report("endless-{kind}"):
    for row in headway.track(range(10**6)):
        time.sleep(0.01)
"""
ENDLESS_COROUTINE = """
async with headway.report("endless-{kind}"):
    for row in headway.track(range(10**6)):
        await asyncio.sleep(0.01)
"""
ENDLESS_BAR = """
for row in tqdm.auto.trange(10**6, desc="endless-{kind}"):
    time.sleep(0.01)
"""


class Kernel:
    """A kernel, and a client that runs cells in it."""

    def __init__(self, manager, client):
        self.manager = manager
        self.client = client

    async def run(self, code):
        """Run a cell. Returns its status and the data of what it displays."""
        outputs = []
        reply = await self.client.execute_interactive(
            code, timeout=SECONDS, allow_stdin=False, output_hook=lambda message: outputs.append(message["content"])
        )
        return reply["content"]["status"], [one.get("data", one) for one in outputs]


@pytest.fixture
async def kernel(nats_server, names, connection, tmp_path, monkeypatch):
    for name, value in {"PLATFORM_DIRS": "1", "RUNTIME_DIR": str(tmp_path), "CONFIG_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(f"JUPYTER_{name}", value)
    own = {"URL": nats_server.url, "NAMESPACE": names.namespace}
    environment = {**os.environ, **{f"HEADWAY_NATS_{name}": value for name, value in own.items()}}
    environment |= {"HEADWAY_REPORT_RENEW_SECONDS": "0.2", "IPYTHONDIR": str(tmp_path)}
    manager = AsyncKernelManager(kernel_name="python3")
    await manager.start_kernel(env=environment)
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=SECONDS)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


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


class Tasks:
    """The tasks that a streamer lists."""

    def __init__(self, streamer):
        self.http = streamer.http

    async def all(self):
        listed = (await self.http.get("/api/v1/tasks")).json()["tasks"]
        return {task["title"]: task for task in listed}

    async def state(self, title):
        return (await self.all()).get(title, {}).get("state", {})

    async def moves(self, title):
        return (await self.state(title)).get("done", 0) > 0

    async def ended(self, title):
        return (await self.state(title)).get("status") in ("completed", "error", "cancelled")


async def test_cells_of_a_notebook_are_tasks(nats_server, names, kernel):
    async with run_streamer(nats_server.url, names.namespace) as streamer, run_processor(nats_server.url, names):
        tasks = Tasks(streamer)
        for code, title, status in (
            (REPORT, "A cell", "completed"),
            (COROUTINE, "coroutine", "completed"),
            (BARS, "auto", "completed"),
            (FAILING, "failing", "error"),
        ):
            result, displayed = await kernel.run(code)
            assert result == ("error" if status == "error" else "ok"), displayed
            await until(partial(tasks.ended, title), SECONDS)
            assert (await tasks.state(title))["status"] == status
            if code is BARS:
                widgets = [data for data in displayed if "application/vnd.jupyter.widget-view+json" in data]
                assert len(widgets) == 3
        assert (await tasks.state("A cell"))["data"] == 4
        assert (await tasks.state("auto"))["done"] == 2
        assert (await tasks.state("failing"))["error"]["type"] == "ValueError"
        for code in (ENDLESS, ENDLESS_COROUTINE, ENDLESS_BAR):
            kind = str(len(await tasks.all()))
            await interrupted(kernel, tasks, code.format(kind=kind), f"endless-{kind}")
        running = asyncio.create_task(kernel.run(ENDLESS.format(kind="restarted")))
        await until(partial(tasks.moves, "endless-restarted"), SECONDS)
        await kernel.manager.restart_kernel(now=True)
        await until(partial(tasks.ended, "endless-restarted"), SECONDS)
        assert (await tasks.state("endless-restarted"))["error"]["type"] == "Lost"
        running.cancel()
        await asyncio.wait({running})


async def interrupted(kernel, tasks, code, title):
    """Run a cell and interrupt it, as the button of a notebook does."""
    running = asyncio.create_task(kernel.run(code))
    await until(partial(tasks.moves, title), SECONDS)
    await kernel.manager.interrupt_kernel()
    assert (await running)[0] == "error"
    await until(partial(tasks.ended, title), SECONDS)
    assert (await tasks.state(title))["status"] == "cancelled"
