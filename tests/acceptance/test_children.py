"""Trees of tasks whose processors are killed: each part runs to one end, and none is started twice."""

import asyncio

import pytest

from headway import codec
from headway.eventlog.chain import read_head
from headway.eventlog.jetstream_log import JetStreamLog
from headway.events import is_terminal
from headway.jetstream.kv import Bucket
from headway.records import JobMessage
from tests.fixtures.condition import holds, until
from tests.fixtures.stored_logs import run_connection, stored

TREE = """
import asyncio, msgspec
from headway import Job, task

class Params(msgspec.Struct):
    depth: int

@task("tree", concurrency=2)
async def tree(job: Job, params: Params) -> int:
    if params.depth == 0:
        await asyncio.sleep(0.2)
        return 1
    parts = [await job.submit("tree", {"depth": params.depth - 1}, key=str(number)) for number in range(3)]
    return 1 + sum(await job.gather(*parts))
"""
ROOTS = ("p0", "p1", "p2", "p3")
KILLS = 12
SETTINGS = {"ACK_WAIT_SECONDS": "1", "CRASHES": "100"}

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


class Forest:
    """What is stored of the trees."""

    def __init__(self, connection):
        self.log = JetStreamLog(connection.client, connection.names)
        self.records = Bucket(connection.client, connection.names.tasks_bucket)

    async def parts(self):
        return [entry.key for entry in await self.records.page(1)]

    async def heads(self):
        return [await read_head(self.log, task) for task in (*ROOTS, *await self.parts())]

    async def attempts(self):
        return sum([head.attempt for head in await self.heads()])

    async def ended(self):
        heads = [await read_head(self.log, root) for root in ROOTS]
        return all(head.event is not None and is_terminal(head.event) for head in heads)

    async def ends(self, task):
        """How many terminal events a task has, its status and its result."""
        last = [event for event in await stored(self.log, task) if is_terminal(event)]
        return len(last), last[-1].status, last[-1].data


async def test_no_kill_of_processors_loses_a_part_or_runs_another_in_its_place(services, rng, figures):
    (services.directory / "trees.py").write_text(TREE)
    processors = [services.processor(name, "trees", **SETTINGS) for name in ("p1", "p2")]
    for processor in processors:
        processor.wait_ready()
    async with run_connection(services.nats.url) as connection:
        forest, kills = Forest(connection), 0
        js = connection.client.jetstream()
        for root in ROOTS:
            job = JobMessage(task=root, kind="tree", params=codec.raw(b'{"depth": 2}'))
            await js.publish(connection.names.job("tree", root), codec.encode_json(job))
        while kills < KILLS and not await forest.ended():
            before = await forest.attempts()
            await holds(lambda before=before: _more(forest, before), 20)
            chosen = rng.choice(processors)
            chosen.kill()
            kills += 1
            chosen.start()
            await asyncio.to_thread(chosen.wait_ready)
        await until(forest.ended, 120)
        roots = [await forest.ends(root) for root in ROOTS]
        parts = [await forest.ends(part) for part in await forest.parts()]
    assert roots == [(1, "completed", 13)] * len(ROOTS)
    assert sorted(data for _, _, data in parts) == [1] * 9 * len(ROOTS) + [4] * 3 * len(ROOTS)
    assert {(count, status) for count, status, _ in parts} == {(1, "completed")}
    figures("parents and parts under kills", kills=kills, parts=len(parts), lost=0, double=0)


async def _more(forest, before):
    return await forest.attempts() > before or await forest.ended()
