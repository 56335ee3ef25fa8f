"""Handlers in processes: whatever they do or whoever kills them, each task ends once, and the others do not notice."""

import asyncio
import os
import shutil
import statistics
import time
from collections import Counter
from contextlib import AsyncExitStack, suppress
from itertools import pairwise
from pathlib import Path

import pytest

from headway import codec
from headway.eventlog.chain import Chain
from headway.eventlog.jetstream_log import JetStreamLog
from headway.events import Chunk, LogLine, Progress, is_terminal
from headway.records import DeadJob, JobMessage, decode_record
from headway.testing import progress
from tests.fixtures import process_kinds
from tests.fixtures.condition import holds
from tests.fixtures.services import KILL, TERM
from tests.fixtures.stored_logs import ended, run_connection, stored
from tests.fixtures.watchers import run_watchers

JOBS, EVENTS, KILLS, WATCHERS = 200, 20, 30, 20
MALFORMED = {
    "raises": "Refused",
    "raises_async": "ValueError",
    "exits": "SystemExit",
    "exits_async": "SystemExit",
    "exits_thread": "SystemExit",
    "os_exits": "ProcessExited",
    "is_killed": "ProcessKilled",
    "hogs": "OutOfMemory",
    "hangs": "Timeout",
    "hangs_thread": "Timeout",
    "scribbles": "MalformedReport",
    "counts": "InvalidParams",
    "nobody_offers": "UnknownKind",
}
"""Kinds, and the type of the error with which a malformed or crashing job of each ends."""
NO_JOBS = {"undecodable": b"\xff{", "of another kind": b'{"task":"bad-of-another-kind","kind":"nothing"}'}
"""Messages of the queue that are not jobs."""
PARAMS = {"counts": b'{"rows":"many"}'}

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


class Desk:
    """Submits jobs beside the streamers, and reads what becomes of them."""

    def __init__(self, connection):
        self.log = JetStreamLog(connection.client, connection.names)
        self._js, self._names = connection.client.jetstream(), connection.names

    async def submit(self, task, kind, params=b"{}"):
        job = codec.encode_json(JobMessage(task=task, kind=kind, params=codec.raw(params), submitted=time.time()))
        return await self.put(task, kind, job)

    async def put(self, task, kind, job):
        """A task, and a message of the queue that may not be its job."""
        await Chain(self.log, task, attempt=0).append(progress("queued"))
        await self._js.publish(self._names.job(kind, task), job)
        return task

    async def dead(self):
        """The reasons of all dead letters, by task."""
        found = {}
        info = await self._js.stream_info(self._names.dead_stream)
        for seq in range(1, info.state.last_seq + 1):
            message = await self._js.get_msg(self._names.dead_stream, seq)
            found.setdefault(message.subject.rpartition(".")[2], []).append(decode_record(message.data, DeadJob).reason)
        return found


def children_of(pid):
    """The processes that a process has started."""
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def command_of(pid):
    """How a process was started; empty when it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    return ""


@pytest.fixture
def kinds(services):
    """The module of the kinds, where the processors find it."""
    shutil.copy(process_kinds.__file__, services.directory / "kinds_in_processes.py")
    return "kinds_in_processes"


def delays(logs):
    """For each task the seconds from its submission to its first attempt."""
    return [events[1].at - events[0].at for events in logs.values()]


def p95(values):
    return statistics.quantiles(values, n=20)[-1]


def milliseconds(seconds):
    return round(seconds * 1000, 1)


async def quick_ones(desk, name, count=100):
    """Submit tasks that end at once, one after another. Returns the delays with which they begin."""
    tasks = []
    for number in range(count):
        tasks.append(await desk.submit(f"{name}-{number}", "quick"))
        await asyncio.sleep(0.05)
    return delays(await ended(desk.log, tasks, 60))


async def test_each_malformed_or_crashing_job_ends_once_with_its_reason_and_delays_no_other(services, kinds, figures):
    processor = services.processor("p1", kinds, PROCESSES="2", UNKNOWN_KIND_SECONDS="2")
    processor.wait_ready()
    pid = processor.pid
    async with run_connection(services.nats.url) as connection:
        desk = Desk(connection)
        without = await quick_ones(desk, "without")
        bad = [await desk.submit(f"bad-{kind}", kind, PARAMS.get(kind, b"{}")) for kind in MALFORMED]
        bad += [await desk.put(f"bad-{name.replace(' ', '-')}", "quick", message) for name, message in NO_JOBS.items()]
        beside = await quick_ones(desk, "beside")
        logs, dead = await ended(desk.log, bad, 60), await desk.dead()
    for kind, error in (MALFORMED | dict.fromkeys(NO_JOBS, "MalformedJob")).items():
        task = f"bad-{kind.replace(' ', '-')}"
        events, reasons = logs[task], dead.pop(task)
        figures(f"{kind} ends with {error}", terminal_events=sum(map(is_terminal, events)), dead_letters=len(reasons))
        assert (sum(map(is_terminal, events)), len(reasons)) == (1, 1), kind
        assert (events[-1].status, events[-1].error.type) == ("error", error), kind
    assert dead == {}
    assert processor.pid == pid
    assert processor.log.read_text(errors="replace").count('"action": "start"') == 1
    figures(
        "delay of others in ms",
        p95_without=milliseconds(p95(without)),
        p95_beside=milliseconds(p95(beside)),
        most_beside=milliseconds(max(beside)),
    )


async def test_the_event_loop_ticks_beside_handlers_that_compute(services, kinds, figures):
    processor = services.processor("p1", kinds, PROCESSES="3", BEAT_SECONDS="1")
    processor.wait_ready()
    async with run_connection(services.nats.url) as connection:
        desk, beats = Desk(connection), []
        subscription = await desk.log.subscribe_beats("tick-beside", lambda payload: beats.append(time.monotonic()))
        await desk.submit("tick-alone", "ticks", b'{"rows":500}')
        alone = (await ended(desk.log, ["tick-alone"], 60))["tick-alone"][-1].data
        burning = [await desk.submit(f"burn-{number}", "burns", b'{"rows":8}') for number in range(3)]
        await asyncio.sleep(1)
        await desk.submit("tick-beside", "ticks", b'{"rows":500}')
        logs = await ended(desk.log, [*burning, "tick-beside"], 60)
        await subscription.close()
    beside = logs["tick-beside"][-1].data
    assert {event.attempt for events in logs.values() for event in events if event.attempt} == {1}
    assert [events[-1].status for events in logs.values()] == ["completed"] * 4
    gaps = [later - earlier for earlier, later in pairwise(beats)]
    figures(
        "late ticks in ms beside 3 that compute",
        p99_alone=milliseconds(statistics.quantiles(alone, n=100)[-1]),
        most_alone=milliseconds(max(alone)),
        p99_beside=milliseconds(statistics.quantiles(beside, n=100)[-1]),
        most_beside=milliseconds(max(beside)),
        beats=len(beats),
        longest_gap_of_beats=milliseconds(max(gaps)),
    )


async def test_a_processor_that_is_stopped_hands_back_what_runs_in_processes_and_exits_0(services, kinds):
    first = services.processor("p1", kinds, PROCESSES="2", GRACE_SECONDS="0.5")
    first.wait_ready()
    async with run_connection(services.nats.url) as connection:
        desk = Desk(connection)
        tasks = [await desk.submit(f"job-{number}", "survives", b'{"rows":200}') for number in range(2)]

        async def both_report():
            logs = [await stored(desk.log, task) for task in tasks]
            return all(any(isinstance(event, LogLine) for event in events) for events in logs)

        assert await holds(both_report, 60)
        processes = children_of(first.pid)
        first.signal(TERM)
        assert await asyncio.to_thread(first.wait) == 0
        assert [pid for pid in processes if "processes.child" in command_of(pid)] == []
        second = services.processor("p2", kinds, PROCESSES="2")
        second.wait_ready()
        logs = await ended(desk.log, tasks, 120)
    for events in logs.values():
        handed_back = [event.failed for event in events if getattr(event, "status", "") == "retrying"]
        assert (handed_back, events[-1].status, events[-1].attempt) == ([0], "completed", 2)


async def kill_at_random(rng, processors, done):
    """Kill processors, which start again, and processes of handlers, wherever they are.

    Returns the processes whose processor was killed.
    """
    orphans = set()
    while sum(done.values()) < KILLS:
        await asyncio.sleep(rng.uniform(0.2, 1.0))
        processor = rng.choice(processors)
        children = children_of(processor.pid)
        if rng.random() < 0.3 or not children:
            orphans.update(children)
            processor.kill()
            processor.start()
            await asyncio.to_thread(processor.wait_ready)
            done["processors"] += 1
        else:
            with suppress(ProcessLookupError):
                os.kill(rng.choice(children), KILL)
                done["processes"] += 1
    return orphans


async def test_no_kill_of_processors_and_processes_loses_a_task_or_an_event(services, streamers, kinds, rng, figures):
    settings = {"PROCESSES": "3", "CRASHES": "20", "INTERVAL_SECONDS": "0.02"}
    processors = [services.processor(name, kinds, **settings) for name in ("p1", "p2")]
    for processor in processors:
        await asyncio.to_thread(processor.wait_ready)
    streamer = await streamers("s1", {})
    async with AsyncExitStack() as stack:
        desk = Desk(await stack.enter_async_context(run_connection(services.nats.url)))
        group = await stack.enter_async_context(run_watchers(streamer.port, rng=rng))
        tasks = [f"job-{number}" for number in range(JOBS)]
        group.unscripted.update(tasks)
        for task in tasks:
            await desk.submit(task, "survives", b'{"rows":%d}' % EVENTS)
        for number in range(WATCHERS):
            group.join(*tasks[number::WATCHERS])
        done = Counter()
        orphans = await kill_at_random(rng, processors, done)
        logs = await ended(desk.log, tasks, 300)
        ends = {task: len(events) for task, events in logs.items()}
        await holds(lambda: not group.hung(ends), 60)
        dead, tally = await desk.dead(), group.tally
        figures(
            f"{JOBS} jobs × {EVENTS} events, {KILLS} kills",
            **done,
            stored=sum(ends.values()),
            attempts=sum(events[-1].attempt for events in logs.values()),
            lost=sum(events[-1].status != "completed" for events in logs.values()),
            double_ends=sum(sum(map(is_terminal, events)) > 1 for events in logs.values()),
            watchers=len(group.watchers),
            seen=tally.events,
            gaps=tally.gaps,
            resets=tally.resets,
            hung=len(group.hung(ends)),
        )
    for events in logs.values():
        assert [event.n for event in events] == list(range(1, len(events) + 1))
        assert sum(map(is_terminal, events)) == 1
        last = events[-1]
        assert (last.status, last.data) == ("completed", EVENTS)
        lines = [event.message for event in events if isinstance(event, LogLine) and event.attempt == last.attempt]
        assert lines == [f"row {row}" for row in range(EVENTS)]
        assert all(isinstance(event, LogLine | Progress | Chunk) for event in events)
    assert dead == {}
    assert [pid for pid in orphans if "processes.child" in command_of(pid)] == []
    assert (tally.gaps, tally.duplicates, tally.resets, tally.wrong, group.hung(ends)) == (0, 0, 0, 0, [])
    assert {watcher.terminals[task] for watcher in group.watchers for task in watcher.tasks} == {1}
