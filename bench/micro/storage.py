"""What NATS stores: disk and memory per 1,000 tasks and per million events: `python -m bench.micro.storage`.

One node with the streams of a namespace. First tasks without progress: the record, the job, which is taken, a queued
and a terminal event. Then progress events, a thousand per task unless told otherwise, as processors append them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import nats
from nats.aio.client import Client

from bench.harness import payload
from bench.harness.nats_server import NatsServer
from bench.harness.process import memory
from headway.jetstream import provision
from headway.ownership import OWNER_HEADER
from headway.subjects import Names

NAMES = Names("hw")
PARAMS = {"source": "https://example.org/catalogue/2026/orders.csv", "delimiter": ";", "columns": ["id", "total"]}
MIB = 2**20
IN_FLIGHT = 2000
"""Of more messages that wait for a stream than 10,000 the server drops some."""
SETTLE_SECONDS = 15.0
"""After it the server has dropped the blocks that it keeps in memory for a while."""


class Used(NamedTuple):
    """What the server uses, in bytes."""

    disk: int
    memory: int


class Store:
    """Writes as the services do, but waits for few acknowledgements: the sequences are known."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._last: dict[str, int] = {}
        self._events = 0

    async def event(self, task: str, event: bytes, number: int) -> None:
        """Append to the log of a task."""
        headers = {
            "Nats-Msg-Id": f"{task}.{number}",
            OWNER_HEADER: "user%40example.org",
            "Nats-Expected-Last-Subject-Sequence": str(self._last.get(task, 0)),
        }
        self._events += 1
        self._last[task] = self._events
        if self._events % IN_FLIGHT:
            await self._client.publish(NAMES.event(task), event, headers=headers)
        else:  # answered when all before it are stored
            await self._client.jetstream().publish(NAMES.event(task), event, headers=headers, timeout=60)

    async def task(self, task: str) -> None:
        """Everything of a task but progress: its job is gone."""
        about = {"task": task, "kind": "bulk", "created": time.time(), "params": PARAMS, "owner": "user@example.org"}
        await self._client.publish(f"$KV.{NAMES.tasks_bucket}.{task}", json.dumps(about).encode())
        await self.event(task, payload.first_event(task.encode()), 1)
        await self.event(task, payload.event(task.encode(), 2, 1), 2)

    async def stored(self) -> None:
        """Return when every event is stored."""
        await self._client.flush(timeout=600)
        js = self._client.jetstream()
        while (found := (await js.stream_info(NAMES.events_stream)).state.messages) < self._events:
            await asyncio.sleep(0.2)
        assert found == self._events


def _used(server: NatsServer, directory: Path) -> Used:
    disk = sum(path.stat().st_blocks * 512 for path in (directory / "jetstream").rglob("*") if path.is_file())
    return Used(disk, memory([server]).rss)


def _tasks(count: int) -> list[str]:
    return [f"06h1jv3fidvt59r2m9{number:08d}" for number in range(count)]


async def run(server: NatsServer, directory: Path, tasks: int, events: int) -> dict[str, Used]:
    """What is used at the start, with the tasks, and with the events."""
    client = await nats.connect(f"nats://127.0.0.1:{server.port}", pending_size=64 * MIB)
    await provision.ensure_patiently(client.jetstream(), NAMES)
    found = [("empty", _used(server, directory))]
    store = Store(client)
    ids = _tasks(tasks)
    for task in ids:
        await store.task(task)
    await store.stored()
    await asyncio.sleep(SETTLE_SECONDS)
    found.append(("tasks", _used(server, directory)))
    for number in range(events):
        task = ids[number % tasks]
        await store.event(task, payload.event(task.encode(), number // tasks + 3, 1), number // tasks + 3)
    await store.stored()
    found.append(("events, written just now", _used(server, directory)))
    await asyncio.sleep(SETTLE_SECONDS)
    found.append(("events", _used(server, directory)))
    await client.close()
    return dict(found)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.micro.storage", description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--events", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as directory:
        server = NatsServer(Path(directory), "jetstream { max_file_store: 20GB }")
        try:
            found = asyncio.run(run(server, Path(directory), options.tasks, options.events))
        finally:
            server.stop()
    empty, some, hot, full = found.values()
    thousands, millions = options.tasks / 1000, options.events / 1e6
    print(f"empty                 memory {empty.memory / MIB:6.0f} MiB")
    _print("1,000 tasks", empty, some, thousands)
    _print("million events", some, full, millions)
    print(f"while written         memory {hot.memory / MIB:6.0f} MiB in all")
    print(f"an event has {payload.size_bytes()} bytes and headers of an owner; one copy, on one node")


def _print(what: str, before: Used, after: Used, units: float) -> None:
    disk, used = ((new - old) / units / MIB for new, old in zip(after, before, strict=True))
    print(f"{what:<20}  memory {used:6.1f} MiB  disk {disk:7.1f} MiB")


if __name__ == "__main__":
    main()
