"""Simulated processors in virtual time: some tasks end them, and the tasks beside these are not given up."""

import asyncio
from dataclasses import dataclass, field, replace

import looptime
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from headway import codec
from headway.events import is_terminal
from headway.kind import Registry
from headway.records import JobMessage
from headway.task import task
from headway.testing import MemoryLog
from headway_processor.admission import Admission
from headway_processor.settings import Settings
from headway_processor.shutdown import RunningJobs
from headway_processor.slots import Slots
from headway_processor.suspects import ALONE_FROM, trial_seconds
from headway_processor.worker import Worker
from tests.unit.processor.conftest import Bench, MemoryDeadLetters

ACK_WAIT_SECONDS = 30.0
RESTART_SECONDS = 10.0
SETTINGS = Settings(interval_seconds=0.5, beat_seconds=1e6, crashes=2)


class Params(msgspec.Struct):
    """How long the handler runs, and whether it ends its processor then."""

    seconds: float
    fatal: bool


class Delivery:
    """A job that is delivered again unless it is answered."""

    def __init__(self, cluster, name, payload):
        self.subject, self.payload, self.key = f"hw.job.k.{name}", payload, name
        self.name, self.answered, self._cluster = name, False, cluster

    async def ack(self):
        self.answered = True

    term = ack

    async def nak(self, delay_seconds=0.0):
        self.answered = True
        self._cluster.queue(self.name, self.payload, delay_seconds)

    async def extend(self):
        pass


@dataclass
class Cluster:
    """Processors that share a log and a queue, and begin again after they were ended."""

    log: MemoryLog = field(default_factory=MemoryLog)
    jobs: asyncio.Queue = field(default_factory=asyncio.Queue)
    deaths: dict = field(default_factory=dict)
    """How often each task has ended a processor."""
    began: dict = field(default_factory=dict)
    """When the last attempt of each task began."""

    def __post_init__(self):
        self.clock = asyncio.get_running_loop().time
        self.dead_letters = MemoryDeadLetters()
        self.processors = []
        self.alive = []

    def submit(self, name, seconds, *, fatal=False):
        params = codec.encode_json({"seconds": seconds, "fatal": fatal})
        self.queue(name, codec.encode_json(JobMessage(task=name, kind="k", params=codec.raw(params))))

    def queue(self, name, payload, delay_seconds=0.0):
        asyncio.get_running_loop().call_later(delay_seconds, self.jobs.put_nowait, Delivery(self, name, payload))

    async def end(self, name):
        """The terminal event of a task; None before it has ended."""
        last = await self.log.last(name)
        event = None if last is None else codec.decode(last.payload)
        return event if event is not None and is_terminal(event) else None

    async def until_ended(self, *names):
        for name in names:
            while await self.end(name) is None:
                await asyncio.sleep(1.0)

    def start(self, count):
        self.processors = [asyncio.create_task(self._keep_running()) for _ in range(count)]

    async def stop(self):
        for processor in self.processors:
            processor.cancel()
        await asyncio.wait(self.processors)

    async def _keep_running(self):
        while True:
            self.alive.append(processor := Processor(self))
            await processor.run()
            self.alive.remove(processor)
            await asyncio.sleep(RESTART_SECONDS)


class Puller:
    """The queue of the cluster, as one processor pulls from it."""

    def __init__(self, cluster, taken):
        self._jobs, self._taken, self.waiting = cluster.jobs, taken, 0

    async def bind(self):
        pass

    async def next(self, count, wait_seconds):
        try:
            found = [await asyncio.wait_for(self._jobs.get(), wait_seconds)]
        except TimeoutError:
            found = []
        while found and len(found) < count and not self._jobs.empty():
            found.append(self._jobs.get_nowait())
        self._taken += found
        self.waiting = self._jobs.qsize() if found else 0
        return found

    async def close(self):
        pass


class Processor:
    """A processor that a handler can end."""

    def __init__(self, cluster):
        self._cluster, self._taken, self.dead = cluster, [], asyncio.Event()
        registry = Registry()

        @task("k", registry=registry, concurrency=100)
        async def handler(job, params: Params):
            cluster.began[job.task] = cluster.clock()
            await asyncio.sleep(params.seconds)
            if params.fatal:
                cluster.deaths[job.task] = cluster.deaths.get(job.task, 0) + 1
                self.dead.set()
                await asyncio.Event().wait()

        bench = Bench().context(Admission(cluster.clock))
        context = replace(bench, log=cluster.log, dead_letters=cluster.dead_letters, settings=SETTINGS)
        self._running = RunningJobs()
        puller = Puller(cluster, self._taken)
        self._worker = Worker(registry.get("k"), puller, context, self._running, Slots(100))

    async def run(self):
        """Run until a handler ends it. Its jobs are delivered again as after a SIGKILL."""
        working = asyncio.create_task(self._worker.run())
        try:
            await self.dead.wait()
        finally:
            for running in [working, *self._running._runs]:
                running.cancel()
            for delivery in self._taken:
                if not delivery.answered:
                    self._cluster.queue(delivery.name, delivery.payload, ACK_WAIT_SECONDS)


def simulate(scenario):
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        return runner.run(asyncio.wait_for(scenario, 100_000))


def most_deaths(seconds):
    """How often a task can end a processor that does so after this time, if no other one is given up."""
    found_at = next(lost for lost in range(ALONE_FROM, 20) if trial_seconds(lost) > seconds)
    return found_at + SETTINGS.crashes + 1


durations = st.floats(0.1, 200.0)


@settings(deadline=None, max_examples=max(settings().max_examples // 10, 10))
@given(
    processors=st.integers(1, 3),
    fatal=st.lists(st.floats(0.1, 60.0), max_size=3),
    harmless=st.lists(durations, max_size=8),
    random=st.randoms(use_true_random=False),
)
def test_only_the_tasks_that_end_processors_are_given_up(processors, fatal, harmless, random):
    async def scenario():
        cluster = Cluster()
        culprits = {f"c{number}": seconds for number, seconds in enumerate(fatal)}
        others = {f"i{number}": seconds for number, seconds in enumerate(harmless)}
        names = [*culprits, *others]
        random.shuffle(names)
        for name in names:
            cluster.submit(name, (culprits | others)[name], fatal=name in culprits)
        cluster.start(processors)
        await cluster.until_ended(*names)
        await cluster.stop()
        assert {name: (await cluster.end(name)).status for name in others} == dict.fromkeys(others, "completed")
        assert {name: (await cluster.end(name)).error.type for name in culprits} == dict.fromkeys(culprits, "Lost")
        assert len(cluster.dead_letters.jobs) == len(culprits)
        assert {
            name for name, seconds in culprits.items() if cluster.deaths[name] > most_deaths(seconds) + len(culprits)
        } == set()

    simulate(scenario())


def test_long_tasks_beside_one_that_ends_processors_are_all_that_remains():
    async def scenario():
        cluster = Cluster()
        others = [f"i{number}" for number in range(11)]
        for name in others:
            cluster.submit(name, 600.0)
        cluster.submit("culprit", 5.0, fatal=True)
        cluster.start(1)
        await cluster.until_ended("culprit")
        found_seconds = cluster.clock()
        await cluster.until_ended(*others)
        await cluster.stop()
        assert {(await cluster.end(name)).status for name in others} == {"completed"}
        return cluster.deaths["culprit"], found_seconds, cluster.clock() - 600.0

    deaths, found_seconds, delay_seconds = simulate(scenario())
    print(f"culprit: {deaths} deaths, given up after {found_seconds:.0f} s; others delayed by {delay_seconds:.0f} s")
    assert deaths <= most_deaths(5.0)
    assert delay_seconds < 2400.0


def test_tasks_of_a_processor_that_was_killed_once_all_run_again_within_seconds():
    async def scenario():
        cluster = Cluster()
        names = [f"i{number}" for number in range(31)]
        for name in names:
            cluster.submit(name, 100.0)
        cluster.start(1)
        await asyncio.sleep(50.0)
        cluster.alive[0].dead.set()
        await cluster.until_ended(*names)
        await cluster.stop()
        return max(cluster.began.values()) - 50.0 - ACK_WAIT_SECONDS

    delay_seconds = simulate(scenario())
    print(f"31 tasks that vanished together run again {delay_seconds:.0f} s after they were delivered again")
    assert delay_seconds < 30.0
