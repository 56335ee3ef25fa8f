"""The charts at work: what they render, run by the real programs."""

import asyncio
import random

import httpx
import nats
import pytest

from tests.charts.helm import render
from tests.charts.pods import run_pods
from tests.fixtures.condition import holds
from tests.fixtures.sse import Reader

WINDOW, WATCHERS = 4, 120
TERMINAL = ("completed", "error", "cancelled")


@pytest.fixture
def objects(tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "small.csv").write_text("a,b\n" + "1,x\n" * 500)
    return render(
        given={
            "processor": {
                "tasks": ["headway_processor.kinds.script"],
                "config": {"dataDir": str(tmp_path / "files"), "retryDelaySeconds": 0.1},
                "shutdown": {"graceSeconds": 2},
            },
            "streamer": {"drain": {"preStopSeconds": 1, "windowSeconds": WINDOW}},
        }
    )


@pytest.fixture
async def http():
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=None)) as client:
        yield client


async def submit(http, pod, kind, params):
    reply = await http.post(f"{pod.service.url}/api/v1/tasks", json={"kind": kind, "params": params})
    assert reply.status_code == 202, reply.text
    return reply.json()["task"]


async def end_of(http, pod, task):
    """The last event of the task, read to its end as a stream."""
    reader = Reader(http)
    await reader.read(f"{pod.service.url}/api/v1/tasks/{task}/stream")
    return reader.log[-1]


async def test_the_rendered_accounts_allow_the_whole_main_job(objects, http, tmp_path, rung):
    with run_pods(objects, tmp_path) as (server, processor, (one, two)):
        kinds = await http.get(f"{one.service.url}/api/v1/kinds")
        assert kinds.status_code == 200
        bulk = await submit(http, one, "bulk", {"source": "small.csv"})
        assert (await end_of(http, two, bulk))["status"] == "completed"
        result = await http.get(f"{two.service.url}/api/v1/tasks/{bulk}/result")
        assert result.status_code in (200, 404)  # small results are in the last event
        steps = [{"name": "long", "seconds": 60, "ticks": 600}]
        long = await submit(http, one, "script", {"steps": steps})
        assert (await http.post(f"{two.service.url}/api/v1/tasks/{long}/cancel")).status_code < 300
        assert (await end_of(http, one, long))["status"] == "cancelled"
        failing = [{"name": "bad", "seconds": 0, "fail": {"retryable": False}}]
        bad = await submit(http, one, "script", {"steps": failing})
        assert (await end_of(http, one, bad))["status"] == "error"
        retried = await http.post(f"{two.service.url}/api/v1/tasks/{bad}/retry")
        assert retried.status_code < 300, retried.text
        listed = await http.get(f"{two.service.url}/api/v1/tasks")
        assert {bulk, long, bad} <= {item["task"] for item in listed.json()["tasks"]}
        code, seconds = await processor.end()
        assert code == 0
        assert server.violations() == []
        rung("pods: main job under the rendered accounts", tasks=4, violations=0, processor_ends_in=f"{seconds:.1f} s")


FORBIDDEN = [
    ("streamer", "_INBOX_headway_streamer", "$JS.API.STREAM.DELETE.HW_EVENTS"),
    ("streamer", "_INBOX_headway_streamer", "$JS.ACK.HW_JOBS.crawl.1.1.1.1.0"),
    ("streamer", "_INBOX_headway_streamer", "$KV.hw_kinds.crawl"),
    ("processor", "_INBOX_processor", "$JS.API.STREAM.DELETE.HW_EVENTS"),
    ("processor", "_INBOX_processor", "hw.job.crawl.t1"),
]


async def test_no_account_may_do_what_its_service_does_not_do(objects, tmp_path, rung):
    with run_pods(objects, tmp_path, streamers=1) as (server, _, _):
        for user, inbox, subject in FORBIDDEN:
            password = server.environment[f"{user.upper()}_PASSWORD"]
            client = await nats.connect(
                f"nats://127.0.0.1:{server.port}", user=user, password=password, inbox_prefix=inbox
            )
            await client.publish(subject, b"{}")
            await client.flush()
            await client.close()
        assert await holds(lambda: len(server.violations()) == len(FORBIDDEN), 5)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b'CONNECT {"verbose":false}\r\nPING\r\n')
        assert b"Authorization Violation" in await reader.read()  # nobody without a name
        writer.close()
        await writer.wait_closed()
        rung("pods: what accounts must not do", refused=len(server.violations()))


class Watcher:
    """Follows a task as a browser does, by whichever streamer is ready; counts what a browser would notice."""

    def __init__(self, http, pods, task, rng):
        self.reader = Reader(http)
        self.refused = self.broken = 0
        self._pods, self._task, self._rng = pods, task, rng

    async def follow(self):
        while not self._over:
            pod = self._rng.choice([pod for pod in self._pods if pod.in_service])
            try:
                await self.reader.read(f"{pod.service.url}/api/v1/tasks/{self._task}/stream?merge=0")
            except AssertionError:
                self.refused += 1
            except httpx.HTTPError:
                self.broken += 1

    @property
    def _over(self):
        return bool(self.reader.log) and self.reader.log[-1].get("status") in TERMINAL


async def test_a_streamer_that_is_replaced_costs_no_event(objects, http, tmp_path, rung):
    with run_pods(objects, tmp_path) as (server, _, (one, two)):
        one.in_service = two.in_service = True
        rng = random.Random(7)
        steps = [{"name": "count", "seconds": 12, "ticks": 120}]
        tasks = [await submit(http, two, "script", {"steps": steps}) for _ in range(6)]
        watchers = [Watcher(http, (one, two), tasks[place % 6], rng) for place in range(WATCHERS)]
        running = [asyncio.ensure_future(watcher.follow()) for watcher in watchers]
        assert await holds(lambda: all(watcher.reader.log for watcher in watchers), 10)

        async def leave():
            # What the cluster does: a pod that ends gets no new connections.
            one.in_service = False
            return await one.end()

        code, seconds = await leave()
        await asyncio.gather(*running)
        gaps = sum(w.reader.numbers != sorted(set(w.reader.numbers)) for w in watchers)
        missing = sum(w.reader.numbers != list(range(1, len(w.reader.numbers) + 1)) for w in watchers)
        resets = sum(name == "reset" for w in watchers for name, _ in w.reader.events)
        goodbyes = sum(name == "goodbye" for w in watchers for name, _ in w.reader.events)
        rung(
            "pods: a streamer leaves",
            streams=WATCHERS,
            events=sum(len(w.reader.numbers) for w in watchers),
            gaps=missing,
            duplicates=gaps,
            non_200=sum(w.refused for w in watchers),
            goodbyes=goodbyes,
            seconds_to_exit=f"{seconds:.1f}",
        )
        assert code == 0
        assert (gaps, missing, resets) == (0, 0, 0)
        assert sum(w.refused + w.broken for w in watchers) == 0
        assert goodbyes > WATCHERS // 4
        assert server.violations() == []
