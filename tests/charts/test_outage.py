"""NATS unreachable, behind the documented proxies and with the rendered probes: every EventSource comes back."""

import asyncio
import os
import signal
from collections import Counter
from contextlib import suppress

import httpx
import pytest

from tests.charts import proxies
from tests.charts.browsers import submit
from tests.charts.event_source import EventSource
from tests.charts.helm import render
from tests.charts.pods import run_pods
from tests.fixtures.condition import holds

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(180),
    pytest.mark.needs("nginx", "haproxy"),
]
SECONDS = float(os.environ.get("OUTAGE_SECONDS", "2"))
"""How long NATS is unreachable: 30 in `make faults`."""
HURRY = max(1.0, 20 / SECONDS)
SOURCES = 15
"""That were connected before, and as many that come during the outage."""
LONG = [{"name": "count", "seconds": 300, "ticks": 3000}]
START = "/api/v1/process/script/stream"
GIVEN = {"processor": {"tasks": ["headway_kinds.script"]}}


class Kubelet:
    """Asks the rendered probes all the time."""

    def __init__(self, pods):
        self.failed = Counter()
        self.asked = 0
        self._pods = pods

    async def watch(self):
        while True:
            for pod in self._pods:
                for probe in ("readinessProbe", "livenessProbe"):
                    self.asked += 1
                    status = await asyncio.to_thread(pod.probe, probe)
                    self.failed[f"{probe} {status}"] += status != 200
            await asyncio.sleep(0.1)


class Callers:
    """Clients that submit and list while NATS is unreachable: what is answered to them must not cost others a proxy."""

    def __init__(self, http, fronts):
        self.statuses = Counter()
        self._http, self._fronts = http, fronts

    async def call(self):
        async with asyncio.TaskGroup() as group:
            for front in self._fronts:
                group.create_task(self._repeat("GET", f"{front.url}/api/v1/tasks"))
                body = {"kind": "script", "params": {}}
                group.create_task(self._repeat("POST", f"{front.url}/api/v1/tasks", json=body))

    async def _repeat(self, *request, **options):
        while True:
            with suppress(httpx.HTTPError):
                self.statuses[(await self._http.request(*request, **options)).status_code] += 1


OUTAGES = {
    "killed": (lambda nats: nats.kill(), lambda nats: nats.restart()),
    "frozen": (lambda nats: nats.signal(signal.SIGSTOP), lambda nats: nats.signal(signal.SIGCONT)),
}


@pytest.fixture
def installed(tmp_path):
    """NATS, all pods, and the proxies in front of two streamers."""
    with (
        run_pods(render(given=GIVEN), tmp_path) as (nats, processor, streamers),
        proxies.run_proxies(streamers, tmp_path) as fronts,
    ):
        yield nats, [processor, *streamers], fronts


async def connected(http, fronts, tasks):
    """Sources that receive events."""
    paths = [f"/api/v1/tasks/{task}/stream?from=latest" for task in tasks]
    sources = [
        EventSource(http, fronts[n % len(fronts)].url + paths[n % len(paths)], hurry=HURRY) for n in range(SOURCES)
    ]
    return sources, [asyncio.create_task(source.run()) for source in sources]


@pytest.mark.parametrize("how", OUTAGES if SECONDS > 10 else ["killed"])
async def test_no_event_source_is_lost_while_nats_is_unreachable(installed, http, rung, how):
    nats, pods, fronts = installed
    begin, end = OUTAGES[how]
    watched, idle = [await submit(http, pods[1], "script", {"steps": LONG}) for _ in range(2)]
    kubelet, callers = Kubelet(pods), Callers(http, fronts)
    sources, running = await connected(http, fronts, [watched])
    assert await holds(lambda: all(source.log for source in sources), 20)
    begin(nats)
    running += [asyncio.create_task(kubelet.watch()), asyncio.create_task(callers.call())]
    late, more = await connected(http, fronts, [idle])
    late += [EventSource(http, front.url + START, hurry=HURRY) for front in fronts]
    running += more + [asyncio.create_task(source.run()) for source in late[-len(fronts) :]]
    await asyncio.sleep(SECONDS)
    assert await holds(lambda: all(source.goodbyes or source.lost_by for source in late), 20)
    asked = kubelet.asked
    assert await holds(lambda: kubelet.asked > asked + 2 * len(pods), 10)
    end(nats)
    sources += late
    seen = {source: len(source.log) for source in sources}
    assert await holds(lambda: all(len(source.log) > seen[source] or source.lost_by for source in sources), 60)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    rung(
        f"pods: NATS {how} for {SECONDS:g} s, behind proxies",
        sources=len(sources),
        lost=sum(bool(source.lost_by) for source in sources),
        goodbyes=sum(source.goodbyes for source in sources),
        probes=kubelet.asked,
        probes_failed=kubelet.failed.total(),
        answers_503=callers.statuses[503],
    )
    assert {source.lost_by for source in sources} == {0}
    assert kubelet.failed.total() == 0, kubelet.failed
    assert callers.statuses[503] > 0
    assert set(callers.statuses) <= {200, 202, 503}
