"""The list of tasks: how long its pages take, and what its index costs: `python -m bench.micro.listing`.

For each number of tasks one NATS with their records and logs, and a streamer over it; with `--base COMMIT` another one
of that version, which answers the same requests in turn. Requests are made one at a time, over HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import nats
from nats.aio.client import Client

from bench.harness import machine
from bench.harness.nats_server import NatsServer
from bench.harness.process import Process, free_port
from headway.jetstream import provision
from headway.ownership import OWNER_HEADER
from headway.subjects import Names

NAMES = Names("hw")
ROOT = Path(__file__).parents[2]
WATCHED = ROOT / "bench" / "harness" / "watched_streamer.py"
IN_FLIGHT = 1000
PAUSE_SECONDS = 0.1
"""Before each request, as between those of people."""
OWNER = "user%40example.org"
RARE = "platypus"
QUESTIONS: dict[str, list[tuple[str, str]]] = {
    "first page": [],
    "one of 6 kinds": [("kind", "kind3")],
    "a tag of 1 in 20": [("tag", "tag7")],
    "a status of 1 in 100": [("status", "error")],
    "text of 1 in 5,000": [("text", RARE)],
    "text that nothing has": [("text", "no such words")],
}


class Streamer(Process):
    """A streamer of one version."""

    def __init__(self, directory: Path, tree: Path, name: str, nats_port: int) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.file = directory / f"{name}.lines"
        self.file.touch()
        paths = (tree, tree / "services" / "streamer", tree / "services" / "processor")
        environment = {
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "HEADWAY_NATS_URL": f"nats://127.0.0.1:{nats_port}",
            "HEADWAY_STREAMER_PORT": str(port),
            "HEADWAY_STREAMER_OPS_PORT": "0",
        }
        super().__init__(
            name,
            [sys.executable, str(WATCHED), str(self.file)],
            directory,
            cores=machine.SERVER_CORES,
            environment=environment,
        )
        self.wait_for(lambda: self.lines() and _answers(self.url))

    def lines(self) -> list[dict[str, Any]]:
        """What it has written down."""
        return [json.loads(line) for line in self.file.read_text().splitlines() if line.endswith("}")]


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v1/tasks?limit=1").is_success
    except httpx.TransportError:
        return False


class Figures(NamedTuple):
    """Milliseconds of a request."""

    p50: float
    p95: float

    @classmethod
    def of(cls, seconds: list[float]) -> Figures:
        """Those of the times of all requests."""
        return cls(statistics.median(seconds) * 1e3, statistics.quantiles(seconds, n=20)[-1] * 1e3)


def _record(task: str, number: int, created: float) -> bytes:
    title = f"Import of batch {number}" + (f" for the {RARE}" if number % 5000 == 17 else "")
    record = {
        "task": task,
        "kind": f"kind{number % 6}",
        "created": created,
        "params": {"source": "https://example.org/catalogue/2026/orders.csv", "columns": ["id", "total"]},
        "owner": "user@example.org",
        "title": title,
        "tags": [f"tag{number % 20}", "nightly"],
    }
    return json.dumps(record).encode()


def _event(task: str, number: int, created: float) -> bytes:
    status = "error" if number % 100 == 3 else "processing" if number % 1000 == 5 else "completed"
    event = {"type": "progress", "task": task, "n": 1, "attempt": 1, "at": created, "status": status}
    return json.dumps(event | {"progress": 100.0, "message": "the work of this task", "step": ""}).encode()


async def fill(port: int, tasks: int) -> None:
    """Store tasks: their records, and a log of one event each."""
    client = await nats.connect(f"nats://127.0.0.1:{port}", pending_size=64 * 2**20)
    js = client.jetstream()
    await provision.ensure_patiently(js, NAMES)
    begin = time.time() - tasks
    for number in range(tasks):
        task, created = f"06h1jv3fidvt59r2m9{number:08d}", begin + number
        record, event = f"$KV.{NAMES.tasks_bucket}.{task}", NAMES.event(task)
        headers = {"Nats-Msg-Id": task, OWNER_HEADER: OWNER}
        if number % IN_FLIGHT == IN_FLIGHT - 1:  # answered when all before it are stored
            await js.publish(record, _record(task, number, created), timeout=60)
            await js.publish(event, _event(task, number, created), headers=headers, timeout=60)
        else:
            await client.publish(record, _record(task, number, created))
            await client.publish(event, _event(task, number, created), headers=headers)
    await _stored(client, tasks)
    await client.close()


async def _stored(client: Client, tasks: int) -> None:
    await client.flush(timeout=600)
    js = client.jetstream()
    for stream in (NAMES.events_stream, f"KV_{NAMES.tasks_bucket}"):
        while (await js.stream_info(stream)).state.messages < tasks:
            await asyncio.sleep(0.1)


def _ask(http: httpx.Client, query: list[tuple[str, str]]) -> tuple[float, dict[str, Any]]:
    time.sleep(PAUSE_SECONDS)
    begin = time.perf_counter()
    answer = http.get("/api/v1/tasks", params=query)
    seconds = time.perf_counter() - begin
    answer.raise_for_status()
    return seconds, answer.json()


def _twentieth(http: httpx.Client) -> list[tuple[str, str]]:
    """The query of the twentieth page."""
    cursor = ""
    for _ in range(19):
        _, page = _ask(http, [("cursor", cursor)] if cursor else [])
        cursor = page["cursor"] or cursor
    return [("cursor", cursor)]


def measure(streamers: dict[str, Streamer], requests: int) -> Iterator[tuple[str, str, Figures, int]]:
    """Yield each question, the version, its figures, and how many tasks it has found."""
    with ExitStack() as stack:
        clients = {
            name: stack.enter_context(httpx.Client(base_url=one.url, timeout=60)) for name, one in streamers.items()
        }
        questions = {what: dict.fromkeys(clients, query) for what, query in QUESTIONS.items()}
        questions["twentieth page"] = {name: _twentieth(http) for name, http in clients.items()}
        for what, queries in questions.items():
            times: dict[str, list[float]] = {name: [] for name in clients}
            found = dict.fromkeys(clients, 0)
            for _ in range(requests):
                for name, http in clients.items():
                    seconds, answer = _ask(http, queries[name])
                    times[name].append(seconds)
                    found[name] = len(answer["tasks"])
            for name in clients:
                yield what, name, Figures.of(times[name]), found[name]


def _wait_for_index(streamer: Streamer, tasks: int) -> None:
    streamer.wait_for(lambda: _built(streamer, tasks) is not None, seconds=600)


def _built(streamer: Streamer, tasks: int) -> dict[str, Any] | None:
    return next((line for line in streamer.lines() if line["complete"] and line["indexed"] >= tasks), None)


def _print_index(streamer: Streamer, tasks: int) -> None:
    lines, built = streamer.lines(), _built(streamer, tasks)
    assert built is not None
    during = [line for line in lines if line["at"] <= built["at"]]
    print(
        f"  index: {built['at'] - lines[0]['at']:.1f} s in the background, {built['cpu_seconds']:.1f} s of CPU with the"
        f" start; memory {lines[0]['rss_mib']:.0f} -> {lines[-1]['rss_mib']:.0f} MiB, peak {lines[-1]['peak_mib']:.0f};"
        f" longest stall of the loop {max(line['stall_ms'] for line in during[1:] or during):.1f} ms"
        f" ({max(line['cpu_stall_ms'] for line in during[1:] or during):.1f} ms of CPU) while it is built",
        flush=True,
    )


def _print_stalls(streamers: dict[str, Streamer], since: float) -> None:
    for name, streamer in streamers.items():
        later = [line for line in streamer.lines() if line["at"] > since]
        print(
            f"  longest stall of the loop while asked, {name}: {max(line['stall_ms'] for line in later):.1f} ms"
            f" ({max(line['cpu_stall_ms'] for line in later):.1f} ms of CPU)"
        )


def _extract(commit: str, directory: Path) -> Path:
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    directory.mkdir()
    subprocess.run(["tar", "x", "-C", str(directory)], input=archive, check=True)
    return directory


def _run(tasks: int, base: str, requests: int, directory: Path) -> None:
    (directory / "nats").mkdir()
    server = NatsServer(directory / "nats", "jetstream { max_file_store: 20GB }")
    streamers: dict[str, Streamer] = {}
    try:
        asyncio.run(fill(server.port, tasks))
        print(f"{tasks:,} tasks", flush=True)
        if base:
            tree = _extract(base, directory / "tree")
            streamers["before"] = Streamer(directory, tree, "before", server.port)
        streamers["now"] = Streamer(directory, ROOT, "now", server.port)
        _wait_for_index(streamers["now"], tasks)
        _print_index(streamers["now"], tasks)
        since = time.monotonic()
        for what, name, figures, found in measure(streamers, requests):
            print(
                f"  {what:<24} {name:<7} p50 {figures.p50:7.1f} ms  p95 {figures.p95:7.1f} ms  {found:3d} tasks",
                flush=True,
            )
        _print_stalls(streamers, since)
    finally:
        for streamer in streamers.values():
            streamer.stop()
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.micro.listing", description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--base", default="", metavar="COMMIT", help="a version to compare with")
    parser.add_argument("--requests", type=int, default=60, help="of each question (default 60)")
    options = parser.parse_args()
    for tasks in options.tasks:
        with tempfile.TemporaryDirectory(prefix="headway-bench-") as directory:
            _run(tasks, options.base, options.requests, Path(directory))


if __name__ == "__main__":
    main()
