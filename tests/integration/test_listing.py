"""The list of tasks on a real NATS: pages, filters and what changes under them."""

import asyncio

from headway import codec
from headway.eventlog.chain import Chain, read_head
from headway.records import TaskRecord
from headway.testing import progress
from tests.fixtures.condition import until
from tests.fixtures.http import run_streamer

TASKS = "/api/v1/tasks"
COUNT = 250
"""More than a page of records."""


async def store(streamer, first, end):
    """Tasks t1000, t1001, … of which every tenth has failed."""

    async def one(n):
        record = TaskRecord(
            task=f"t{n}", kind="odd" if n % 2 else "even", created=float(n), title=f"Number {n}", tags=[f"tag{n % 3}"]
        )
        await streamer.components.index._records.create(record.task, codec.encode_json(record))
        chain = Chain(streamer.components.log, record.task, await read_head(streamer.components.log, record.task))
        await chain.append(progress("error" if n % 10 == 0 else "completed", 100.0))

    for start in range(first, end, 50):
        await asyncio.gather(*(one(n) for n in range(start, min(start + 50, end))))


async def listed(streamer, **query):
    reply = await streamer.http.get(TASKS, params=query)
    assert reply.status_code == 200, reply.text
    return [task["task"] for task in reply.json()["tasks"]], reply.json()["cursor"]


def newest_first(numbers):
    return [f"t{n}" for n in sorted(numbers, reverse=True)]


async def test_pages_of_two_streamers_follow_each_other(nats_server, connection, names):
    async with (
        run_streamer(nats_server.url, names.namespace) as one,
        run_streamer(nats_server.url, names.namespace) as other,
    ):
        await store(one, 1000, 1000 + COUNT)
        found, cursor, pages = [], "", 0
        while cursor is not None:
            page, cursor = await listed((one, other)[pages % 2], limit=60, cursor=cursor)
            found, pages = found + page, pages + 1
            await store(one, 2000 + pages, 2001 + pages)  # moves no page
        assert (found, pages) == (newest_first(range(1000, 1000 + COUNT)), 5)
        failed = newest_first(n for n in range(1000, 1000 + COUNT) if n % 10 == 0)
        assert (await listed(other, status="error", before=1500, limit=100))[0] == failed
        assert (await listed(one, text="NUMBER 1007"))[0] == ["t1007"]
        assert (await listed(one, tag="tag1", kind="odd", since=1010, before=1020))[0] == ["t1015"]

        assert (await one.http.delete(f"{TASKS}/t1007")).status_code == 202
        for streamer in (one, other):
            assert (await listed(streamer, text="number 1007"))[0] == []


async def test_a_list_is_refused_while_nats_is_unreachable_and_whole_after_it(own_nats_server):
    async with run_streamer(own_nats_server.url, "hw") as streamer:
        await store(streamer, 1000, 1003)
        assert (await listed(streamer))[0] == newest_first(range(1000, 1003))
        own_nats_server.kill()
        assert (await streamer.http.get(TASKS)).status_code == 503
        own_nats_server.start()
        await until(lambda: streamer.components.connection.connected, 30)
        await store(streamer, 1003, 1005)
        assert (await listed(streamer))[0] == newest_first(range(1000, 1005))


async def test_a_task_whose_record_is_removed_leaves_the_index(nats_server, connection, names):
    async with run_streamer(nats_server.url, names.namespace) as streamer:
        await store(streamer, 1000, 1004)
        index = streamer.components.index
        await listed(streamer)
        await connection.client.jetstream().purge_stream(
            f"KV_{names.tasks_bucket}", subject=f"$KV.{names.tasks_bucket}.t1002"
        )
        assert await index.outdated()
        assert await index.sweep() == 0
        assert not await index.outdated()
        assert index.count == 3
        assert (await listed(streamer))[0] == ["t1003", "t1001", "t1000"]
