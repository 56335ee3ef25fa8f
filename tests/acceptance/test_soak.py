"""Faults under load: watchers get each event once and in order, and nothing is left behind."""

import asyncio
import gc
from collections import Counter
from contextlib import AsyncExitStack
from signal import SIGCONT, SIGSTOP, SIGTERM

import pytest

from tests.fixtures.condition import holds
from tests.fixtures.connection_churn import ConnectionChurn
from tests.fixtures.gauge import none_left
from tests.fixtures.http import run_streamer
from tests.fixtures.process import open_files, resident_bytes
from tests.fixtures.proxy import run_proxies, some_bytes
from tests.fixtures.watchers import run_watchers
from tests.fixtures.writers import ends_of, run_writers, run_writing

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

# Settings that switch off what relies on private APIs of uvicorn and of nats-py.
SENT = {"HEADWAY_STREAMER_FAST_PATH": "false"}
QUEUED = {"HEADWAY_NATS_DIRECT_DISPATCH": "false"}
GARBAGE_BYTES = 16 * 1024 * 1024
"""What Python lets lie around before it collects all generations; a watcher that is kept weighs more."""
BOTH = pytest.mark.parametrize("settings", [{}, SENT | QUEUED], ids=["direct", "plain"])


def names(prefix, count):
    return [f"{prefix}-{number}" for number in range(count)]


def join(group, tasks, count):
    """`count` watchers, half of them of one task and half of three."""
    for number in range(count):
        group.join(*group.rng.sample(tasks, 1 if number % 2 else 3))


async def found(group, ends, seconds=25):
    """What a group has seen, when all have everything or `seconds` are over."""
    await holds(lambda: not group.hung(ends), seconds)
    tally = group.tally
    bad = {"gaps": tally.gaps, "duplicates": tally.duplicates, "resets": tally.resets, "hung": len(group.hung(ends))}
    return {"watchers": len(group.watchers), "stored": sum(ends.values()), "seen": tally.events} | bad


def check(group, ends):
    """Hold what a group has seen against what is promised."""
    tally = group.tally
    assert (tally.gaps, tally.duplicates, tally.resets, tally.wrong, group.hung(ends)) == (0, 0, 0, 0, [])
    assert all(watcher.last[task] == ends[task] for watcher in group.watchers for task in watcher.tasks)
    assert set(tally.statuses) <= {0, 200, 204}  # anything else would stop a browser's EventSource permanently


async def test_nats_connections_cut_at_random_bytes_cost_no_event(services, streamers, rng, figures):
    tasks = names("cut", 6)
    async with AsyncExitStack() as stack:
        proxies, urls = await stack.enter_async_context(run_proxies(services.nats, rng, 2))
        one, two = await streamers("s1", {}, urls[0]), await streamers("s2", SENT | QUEUED, urls[1])
        running = run_writing(services.nats.url, rng, *tasks, pause_seconds=0.02)
        writers, writing = await stack.enter_async_context(running)
        group = await stack.enter_async_context(run_watchers(one.port, two.port, rng=rng))
        join(group, tasks, 60)

        async def cut(proxy):
            for number in range(20):
                # Half of the cuts fall into connecting and catching up, half into what is live.
                live, seen = number % 2, group.tally.events
                await holds(lambda: proxy.links and group.tally.events >= seen + 200 * live, 5)  # noqa: B023
                await proxy.cut_after(some_bytes(rng, 200_000))

        await asyncio.gather(*map(cut, proxies))
        stored = ends_of(writers)
        assert await holds(lambda: not group.behind(stored), 20)
        for proxy in proxies:
            proxy.hold()
            proxy.cut()
        ends = await writing.finish()  # shown to no one: only the probe can find it
        for proxy in proxies:
            proxy.heal()
        cuts = sum(proxy.cuts for proxy in proxies)
        figures("NATS cut at random bytes", cuts=cuts, **await found(group, ends))
        check(group, ends)


async def test_a_black_hole_of_20_s_before_nats_ends_no_stream(services, streamers, rng, figures):
    tasks = names("hole", 6)
    beating = {"HEADWAY_STREAMER_HEARTBEAT_SECONDS": "1"}
    async with AsyncExitStack() as stack:
        proxies, urls = await stack.enter_async_context(run_proxies(services.nats, rng, 2))
        started = [await streamers("s1", beating, urls[0]), await streamers("s2", beating | SENT | QUEUED, urls[1])]
        running = run_writing(services.nats.url, rng, *tasks, pause_seconds=0.05)
        writers, writing = await stack.enter_async_context(running)
        group = await stack.enter_async_context(run_watchers(rng=rng))
        for service in started:
            group.ports = [service.port]
            join(group, tasks, 20)
            assert await holds(lambda: all(watcher.cursor for watcher in group.watchers), 10)
        proxies[0].swallow()
        proxies[1].hold()
        before = group.tally.heartbeats
        await asyncio.sleep(20)
        heartbeats = group.tally.heartbeats - before
        for proxy in proxies:
            proxy.heal()
        stored = ends_of(writers)
        assert await holds(lambda: not group.behind(stored), 30)  # pings tell after 20 to 30 s
        assert (group.tally.connections, group.tally.broken) == (40, 0)
        ends = await writing.finish()
        reconnections = [service.log.read_text().count("nats_reconnected") for service in started]
        counts = {"heartbeats": heartbeats, "reconnections": sum(reconnections)}
        figures("NATS black-holed for 20 s", **counts, **await found(group, ends))
        check(group, ends)
        assert heartbeats >= 40 * 10
        assert reconnections == [1, 0]  # what was only late has lost nothing


async def test_nats_killed_and_restarted_costs_no_event(services, streamers, rng, figures):
    tasks = names("kill", 6)
    one, two = await streamers("s1", {}), await streamers("s2", SENT)
    async with run_writing(services.nats.url, rng, *tasks, pause_seconds=0.005) as (writers, writing):
        async with run_watchers(one.port, two.port, rng=rng) as group:
            join(group, tasks, 60)
            for _ in range(5):
                goal = dict.fromkeys(tasks, writers[0].n + rng.randrange(200))
                assert await holds(lambda: not group.behind(goal), 15)  # noqa: B023
                await asyncio.to_thread(services.nats.restart)
            ends = await writing.finish()
            figures("NATS killed with -9 and restarted", kills=5, **await found(group, ends))
            check(group, ends)


@BOTH
async def test_a_streamer_stopped_for_5_s_catches_up_with_20_000_events(
    services, streamers, rng, figures, settings, request
):
    tasks = names("stop", 20)
    loop = asyncio.get_running_loop()
    one = await streamers("s1", settings)
    async with run_writers(services.nats.url, rng, *tasks) as writers, run_watchers(one.port, rng=rng) as group:
        await asyncio.gather(*(writer.write(10) for writer in writers))
        join(group, tasks, 40)
        assert await holds(lambda: not group.behind(ends_of(writers)), 10)
        seen, began = group.tally.events, loop.time()
        one.signal(SIGSTOP)
        await asyncio.gather(*(writer.write(1000) for writer in writers))
        await asyncio.sleep(began + 5 - loop.time())
        assert group.tally.events == seen
        stopped = loop.time() - began
        one.signal(SIGCONT)
        await holds(lambda: not group.behind(ends_of(writers)), 25)
        behind = loop.time() - began - stopped
        await asyncio.gather(*(writer.end() for writer in writers))
        ends = ends_of(writers)
        counts = {"caught_up_in_ms": round(1000 * behind)} | await found(group, ends)
        figures(f"stopped for {stopped:.1f} s, {request.node.callspec.id}", **counts)
        check(group, ends)


async def test_watchers_cut_1000_times_see_each_event_once(services, streamers, rng, figures):
    tasks = names("watch", 8)
    one, two = await streamers("s1", QUEUED), await streamers("s2", SENT)

    def cut_after():
        return some_bytes(rng, 300_000) if rng.random() < 0.95 else None

    async with run_writing(services.nats.url, rng, *tasks, pause_seconds=0.02) as (_, writing):
        async with run_watchers(one.port, two.port, rng=rng, cut_after=cut_after) as group:
            join(group, tasks, 100)
            assert await holds(lambda: group.tally.cuts >= 1000, 120)
            ends = await writing.finish()
            counts = await found(group, ends)
            figures("watchers cut at random bytes", cuts=group.tally.cuts, **counts)
            check(group, ends)


@BOTH
async def test_a_drain_under_300_watchers_ends_each_stream_cleanly(
    services, streamers, rng, figures, settings, request
):
    tasks, window = names("drain", 10), 5
    one = await streamers("s1", settings | {"HEADWAY_STREAMER_DRAIN_SECONDS": str(window)})
    two = await streamers("s2", settings)
    async with AsyncExitStack() as stack:
        running = run_writing(services.nats.url, rng, *tasks, pause_seconds=0.1)
        _, writing = await stack.enter_async_context(running)
        group = await stack.enter_async_context(run_watchers(one.port, rng=rng))
        late = await stack.enter_async_context(run_watchers(one.port, rng=rng))
        join(group, tasks, 300)
        assert await holds(lambda: all(watcher.cursor for watcher in group.watchers), 15)
        group.ports = [two.port]
        one.signal(SIGTERM)
        assert await holds(lambda: '"drain"' in one.log.read_text(), 5)
        join(late, tasks, 10)
        assert await holds(lambda: all(watcher.connections for watcher in late.watchers), 5)
        late.ports = [two.port]
        assert await asyncio.to_thread(one.wait, window + 10) == 0
        tenths = Counter(int(at / window * 10) for at in group.tally.ended_at)
        ends = await writing.finish()
        counts = {"window_s": window, "in_the_busiest_tenth": max(tenths.values())} | await found(group, ends)
        await found(late, ends)
        figures(f"drain, {request.node.callspec.id}", **counts)
        check(group, ends)
        check(late, ends)
        assert group.tally.goodbyes == {"drain": 300}
        assert set(late.tally.goodbyes) == {"drain"}
        assert group.tally.broken == late.tally.broken == 0
        assert max(tenths.values()) <= 300 // 4


@BOTH
async def test_10_000_connections_leave_nothing_behind(services, streamers, http, rng, figures, settings, request):
    tasks = names("visit", 8)
    loop = asyncio.get_running_loop()
    one = await streamers("s1", settings)
    files = open_files(one.pid)
    async with run_writers(services.nats.url, rng, *tasks) as writers:
        await asyncio.gather(*(writer.write(20) for writer in writers))
        churn = ConnectionChurn(one.port, tasks, 20, rng)
        await churn.make(5000, at_once=50)
        await none_left(http, one, "headway_watchers")
        memory, began = resident_bytes(one.pid), loop.time()
        await churn.make(10_000, at_once=50)
        speed = round(10_000 / (loop.time() - began))
        await none_left(http, one, "headway_watchers")
        await none_left(http, one, "headway_tails")
        await holds(lambda: open_files(one.pid) <= files, 10)
        left, grown = max(0, open_files(one.pid) - files), resident_bytes(one.pid) - memory
    counts = {"connections": 10_000, "a_second": speed, "files_left": left, "kib_left": grown // 1024}
    figures(f"coming and going, {request.node.callspec.id}", **counts)
    assert left == 0
    assert grown <= GARBAGE_BYTES
    assert "Traceback" not in one.log.read_text()


def tasks_by_name():
    """How many tasks of this process run which coroutine."""
    return Counter(task.get_coro().__qualname__ for task in asyncio.all_tasks())


@pytest.mark.parametrize("fast_path", [True, False], ids=["direct", "plain"])
async def test_1000_connections_leave_no_task_and_no_object_behind(services, rng, figures, fast_path, request):
    tasks = names("visit", 8)
    async with AsyncExitStack() as stack:
        streamer = await stack.enter_async_context(run_streamer(services.nats.url, "hw", fast_path=fast_path))
        writers = await stack.enter_async_context(run_writers(services.nats.url, rng, *tasks))
        await asyncio.gather(*(writer.write(20) for writer in writers))
        churn = ConnectionChurn(int(streamer.url.rpartition(":")[2]), tasks, 20, rng)

        async def counted(count, known):
            await churn.make(count, at_once=20)
            assert await holds(lambda: not (streamer.components.admission.count or len(streamer.components.tails)), 40)
            await holds(lambda: not tasks_by_name() - known, 10)  # tails and connections still close
            gc.collect()
            return tasks_by_name(), len(gc.get_objects())

        # The first look-up of a record opens a subscription, which has a task of its own from then on.
        assert (await streamer.http.get("/api/v1/tasks/absent")).status_code == 404
        before = await counted(100, Counter())
        after = await counted(1000, before[0])
    left = after[0] - before[0]
    counts = {"tasks_left": left.total(), "objects_left": after[1] - before[1]}
    figures(f"in one process, {request.node.callspec.id}", connections=1000, **counts)
    assert not left
    assert counts["objects_left"] < 1000  # not one each: the loop keeps some timers that were cancelled
