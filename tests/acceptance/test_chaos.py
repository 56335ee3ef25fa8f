"""Everything is killed, stopped, cut and restarted at once, and everybody comes back with whatever cursor they have."""

import asyncio
import os
from collections import Counter
from contextlib import AsyncExitStack

import httpx
import pytest

from headway.events import is_terminal
from tests.fixtures.condition import holds
from tests.fixtures.proxy import run_proxies, some_bytes
from tests.fixtures.services import CONTINUE, STOP, TERM
from tests.fixtures.stored_logs import ended, run_log
from tests.fixtures.watchers import run_watchers
from tests.fixtures.writers import run_writing

SECONDS = float(os.environ.get("FAULTS_SECONDS", "5"))
"""How long it lasts; `make faults` takes more."""
HEALING_SECONDS = 60
FEWEST_TASKS = 4
"""Submitted, if not meanwhile then when all is well again."""
PLAIN = {"HEADWAY_STREAMER_FAST_PATH": "false", "HEADWAY_NATS_DIRECT_DISPATCH": "false"}
WORK = {"steps": [{"name": "work", "seconds": 1.5, "ticks": 15, "text": "{n} ", "count": 15}]}

pytestmark = [pytest.mark.faults, pytest.mark.timeout(SECONDS + HEALING_SECONDS * 5)]


class Chaos:
    """Does things to one part after another until time is up; each is well again when an action is over."""

    def __init__(self, rng, seconds):
        self.rng = rng
        self.done = Counter()
        self._over = asyncio.get_running_loop().time() + seconds

    @property
    def over(self):
        return asyncio.get_running_loop().time() > self._over

    async def trouble(self, *actions, pause):
        """One after another, any of them."""
        while not self.over:
            await self.wait(pause)
            action = self.rng.choice(actions)
            self.done[action.__name__] += 1
            await action()

    async def wait(self, seconds):
        """About so long."""
        await asyncio.sleep(seconds * self.rng.uniform(0.2, 1.8))


def service_actions(chaos, service):
    """What happens to a service: it keeps its ports."""

    async def kills():
        service.kill()
        await chaos.wait(0.3)
        await restart()

    async def drains():
        service.signal(TERM)
        assert await asyncio.to_thread(service.wait) == 0
        await restart()

    async def stops():
        service.signal(STOP)
        await chaos.wait(1)
        service.signal(CONTINUE)

    async def restart():
        service.start()
        await asyncio.to_thread(service.wait_ready)

    return kills, drains, stops


def nats_actions(chaos, nats):
    """What happens to NATS: it keeps its port and its store."""

    async def kills():
        nats.kill()
        await chaos.wait(0.5)
        nats.start()

    async def stops():
        os.kill(nats.pid, STOP)
        await chaos.wait(1)
        os.kill(nats.pid, CONTINUE)

    return kills, stops


def link_actions(chaos, proxy):
    """What happens to a connection with NATS."""

    async def cuts():
        proxy.cut()

    async def cuts_within():
        cut = asyncio.ensure_future(proxy.cut_after(some_bytes(chaos.rng, 100_000)))
        await asyncio.wait([cut], timeout=1)
        proxy.cut()
        cut.cancel()

    async def holds_back():
        proxy.hold()
        await chaos.wait(0.5)
        proxy.heal()

    return cuts, cuts_within, holds_back


def garbage(rng, watcher):
    """A cursor that proves nothing, of every sort."""
    incarnation, *positions = watcher.cursor.split(".")
    return rng.choice(
        [
            "zz9.5-3",
            "zz9" + "".join(f".{position}" for position in positions),
            incarnation + ".ffffffff-ffff" * len(watcher.tasks),
            "nonsense",
        ]
    )


async def submit(chaos, http, group, statuses):
    """Start tasks, each until a streamer has accepted it, and watch them. Returns them."""
    tasks = []
    while not chaos.over or len(tasks) < FEWEST_TASKS:
        headers = {"Idempotency-Key": f"task-{len(tasks)}"}
        url = f"http://127.0.0.1:{chaos.rng.choice(group.ports)}/api/v1/tasks"
        try:
            reply = await http.post(url, json={"kind": "script", "params": WORK}, headers=headers)
        except httpx.HTTPError:
            await chaos.wait(0.1)
            continue
        statuses[reply.status_code] += 1
        if reply.status_code == 202:
            tasks.append(reply.json()["task"])
            group.unscripted.add(tasks[-1])
            group.join(tasks[-1])
            group.join(*chaos.rng.sample(tasks, min(3, len(tasks))))
        await chaos.wait(0.3)
    return tasks


async def in_time(what, awaitable, more_seconds=0.0):
    """Its result; a failure that says what does not happen though all is well again."""
    try:
        async with asyncio.timeout(HEALING_SECONDS + more_seconds):
            return await awaitable
    except TimeoutError:
        raise AssertionError(f"{what}: not in time") from None


def counts(group, tasks, ends, answers):
    """What the watchers saw, and what they should have seen, for the line of figures."""
    tally = group.tally
    return {
        "tasks": len(tasks),
        "submits_503": answers[503],
        "watchers": len(group.watchers),
        "connections": tally.connections,
        "garbage": tally.doubted,
        "resets_for_it": tally.doubted_resets,
        "stored": sum(ends.values()),
        "seen": tally.events,
        "gaps": tally.gaps,
        "silent_replays": tally.duplicates,
        "resets": tally.resets,
        "hung": len(group.hung(ends)),
    }


async def test_whatever_happens_each_task_ends_once_and_each_watcher_sees_all_of_it(services, streamers, rng, figures):
    written = [f"chaos-{number}" for number in range(4)]
    processors = [services.processor("p1"), services.processor("p2")]
    async with AsyncExitStack() as stack:
        proxies, urls = await stack.enter_async_context(run_proxies(services.nats, rng, 2))
        started = await asyncio.gather(streamers("s1", {}, urls[0]), streamers("s2", PLAIN, urls[1]))
        for processor in processors:
            await asyncio.to_thread(processor.wait_ready)
        running = run_writing(services.nats.url, rng, *written, pause_seconds=0.05)
        _, writing = await stack.enter_async_context(running)
        group = await stack.enter_async_context(
            run_watchers(
                *(service.port for service in started),
                rng=rng,
                cut_after=lambda: some_bytes(rng, 100_000) if rng.random() < 0.7 else None,
                garbage=lambda watcher: garbage(rng, watcher) if rng.random() < 0.1 else "",
            )
        )
        for number in range(40):
            group.join(*rng.sample(written, 1 if number % 2 else 3))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=2))
        chaos, answers = Chaos(rng, SECONDS), Counter()
        submitting = asyncio.create_task(submit(chaos, http, group, answers))
        troubles = asyncio.gather(
            chaos.trouble(*nats_actions(chaos, services.nats), pause=4),
            *(chaos.trouble(*service_actions(chaos, service), pause=2) for service in [*started, *processors]),
            *(chaos.trouble(*link_actions(chaos, proxy), pause=1.5) for proxy in proxies),
        )
        await in_time("all parts are well again", troubles, SECONDS)
        tasks = await in_time("submits are accepted", submitting)
        group.cut_after, group.garbage = lambda: None, lambda watcher: ""
        await in_time("the writers finish", writing.finish())
        log = await stack.enter_async_context(run_log(services.nats.url))
        logs = await ended(log, [*written, *tasks], HEALING_SECONDS)
        ends = {task: len(events) for task, events in logs.items()}
        await holds(lambda: not group.hung(ends), HEALING_SECONDS)
        tally = group.tally
        figures(f"chaos for {SECONDS:g} s", **chaos.done, **counts(group, tasks, ends, answers))
        assert [task for task, events in logs.items() if sum(map(is_terminal, events)) != 1] == []
        assert all(event.n == n for events in logs.values() for n, event in enumerate(events, 1))
        assert (tally.gaps, tally.duplicates, tally.resets, tally.wrong, group.hung(ends)) == (0, 0, 0, 0, [])
        assert {watcher.terminals[task] for watcher in group.watchers for task in watcher.tasks} == {1}
        assert set(tally.statuses) <= {0, 200, 204}
        assert set(answers) <= {202, 503}
