"""200 reported tasks in 20 processes, of which some are killed and some sleep, while NATS restarts."""

import asyncio
import os
import re
import signal
import sys
from collections import Counter

import pytest
import pytest_asyncio

from headway import codec
from headway.errors import UnavailableError
from headway.eventlog.jetstream_log import JetStreamLog
from headway.events import LogLine, Progress, is_terminal
from headway.jetstream.connection import Connection, NatsSettings
from tests.fixtures.condition import until

pytestmark = [pytest.mark.faults, pytest.mark.needs("Linux")]
PROCESSES, REPORTERS = 20, 10
KILLED, ASLEEP = 6, 2
MAX_CHARS = 20_000
"""Output and log lines that may wait in one process: half a second of what it reports."""
CHUNK_CHARS = 2000
REPORTER = rf"""
import headway, re, sys, threading
from headway.reporting.process import background

def work(number):
    with headway.report(f"reporter-{{number}}", kind="reporter") as job:
        with printing:
            print(job.task, flush=True)
        while not done.wait(0.5):
            job.advance()
            job.chunk("x" * {CHUNK_CHARS})
        job.set_result(job.task)

done, printing = threading.Event(), threading.Lock()
threads = [threading.Thread(target=work, args=[number]) for number in range({REPORTERS})]
for thread in threads:
    thread.start()
most = 0
reading = threading.Thread(target=lambda: (sys.stdin.readline(), done.set()))
reading.start()
while not done.wait(0.01):
    most = max(most, background().room._taken)
for thread in threads:
    thread.join()
stored = headway.flush_reports(60)
peak_kib = int(re.search(r"VmHWM:\s*(\d+)", open("/proc/self/status").read())[1])
print(most, peak_kib // 1024, int(stored), flush=True)
"""


class Fleet:
    """The processes, and the ids of their tasks."""

    def __init__(self, environment, directory):
        self._environment = environment
        self.errors = directory / "reporters.log"
        self.processes, self.tasks = [], {}

    async def start(self):
        pipe = asyncio.subprocess.PIPE
        with self.errors.open("ab") as errors:
            for _ in range(PROCESSES):
                command = (sys.executable, "-c", REPORTER)
                process = await asyncio.create_subprocess_exec(
                    *command, stdin=pipe, stdout=pipe, stderr=errors, env=self._environment
                )
                self.processes.append(process)
        for process in self.processes:
            self.tasks[process] = [(await process.stdout.readline()).decode().strip() for _ in range(REPORTERS)]

    def end(self):
        for process in self.processes:
            if process.returncode is None:
                process.kill()

    def ids(self, processes):
        return [task for process in processes for task in self.tasks[process]]


@pytest_asyncio.fixture(loop_scope="session")
async def fleet(services):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEADWAY_")}
    environment |= {
        "HEADWAY_NATS_URL": services.nats.url,
        "HEADWAY_REPORT_RENEW_SECONDS": "0.5",
        "HEADWAY_REPORT_MAX_CHARS": str(MAX_CHARS),
    }
    fleet = Fleet(environment, services.directory)
    yield fleet
    fleet.end()
    await asyncio.gather(*(process.wait() for process in fleet.processes))


@pytest.fixture
def processor(services):
    """One that gives reporters up soon, though later than a busy machine keeps one from renewing its lease."""
    service = services.processor("p1", REPORTER_LOST_SECONDS="8")
    service.wait_ready()
    return service


async def log_of(connection):
    await connection.open()
    return JetStreamLog(connection.client, connection.names)


async def events(log, task):
    found, start = [], 1
    while page := await log.read(task, start):
        found += [codec.decode(stored.payload, task) for stored in page]
        start = page[-1].seq + 1
    return found


async def begun(log, tasks):
    """Whether all tasks have their first event: one whose process is killed before that was never seen."""
    lasts, _ = await log.lasts(tasks)
    return len(lasts) == len(tasks)


async def ended(log, tasks):
    """Whether all tasks have their terminal event."""
    try:
        lasts, _ = await log.lasts(tasks)
    except UnavailableError:
        return False
    return sum(is_terminal(codec.decode(stored.payload, stored.task)) for stored in lasts) == len(tasks)


@pytest.mark.timeout(300)
async def test_each_task_ends_once_whatever_is_killed(services, processor, fleet, rng, figures):
    await fleet.start()
    connection = Connection(NatsSettings(url=services.nats.url), "test")
    log = await log_of(connection)
    await until(lambda: begun(log, fleet.ids(fleet.processes)), 90)
    chosen = rng.sample(fleet.processes, KILLED + ASLEEP)
    killed, asleep = chosen[:KILLED], chosen[KILLED:]
    survivors = [process for process in fleet.processes if process not in chosen]
    for process in killed[: KILLED // 2]:
        process.kill()
    services.nats.kill()
    await asyncio.sleep(rng.uniform(1, 2))  # the outage
    services.nats.start()
    for process in killed[KILLED // 2 :]:
        await asyncio.sleep(rng.uniform(0, 0.5))
        process.kill()
    for process in asleep:
        process.send_signal(signal.SIGSTOP)
    await until(lambda: ended(log, fleet.ids(chosen)), 90)
    for process in asleep:
        process.send_signal(signal.SIGCONT)
    lines = [(await process.communicate(b"\n"))[0].decode().split() for process in (*asleep, *survivors)]
    await until(lambda: ended(log, fleet.ids(fleet.processes)), 90)
    logs = {task: await events(log, task) for task in fleet.ids(fleet.processes)}
    await connection.close()

    ends = Counter()
    for task, found in logs.items():
        assert [event.n for event in found] == list(range(1, len(found) + 1)), task
        assert sum(map(is_terminal, found)) == 1, task
        assert is_terminal(found[-1]), task
        ends[found[-1].status, found[-1].error and found[-1].error.type] += 1
    late = sum(
        len(found) - 1 - next(n for n, event in enumerate(found) if is_terminal(event)) for found in logs.values()
    )
    refused = fleet.errors.read_text().count("a report was refused")
    assert refused == len(fleet.ids(asleep))
    assert ends["error", "Lost"] == len(fleet.ids(chosen))
    assert ends["completed", None] == len(fleet.ids(survivors))
    assert all(found[-1].data == task for task, found in logs.items() if found[-1].status == "completed")
    assert all(line[-1] == "1" for line in lines)
    waiting, mib = max(int(line[-3]) for line in lines), max(int(line[-2]) for line in lines)
    assert waiting <= MAX_CHARS + CHUNK_CHARS * REPORTERS
    assert mib < 100
    left_out = [
        line.message
        for found in logs.values()
        for line in found
        if isinstance(line, LogLine) and "left out" in line.message
    ]
    assert left_out, "the outage was too short for what may wait"
    assert all(re.search(r"\d", text) for text in left_out)
    figures(
        "reporters killed and asleep, NATS restarted",
        tasks=len(logs), lost=ends["error", "Lost"], late_refused=refused, late_stored=late,
        events=sum(map(len, logs.values())),
        progress=sum(isinstance(event, Progress) for found in logs.values() for event in found),
        most_waiting_chars=waiting, most_MiB=mib,
    )  # fmt: skip
