"""Deletion with a real NATS, two streamers and what a processor removes with: nothing of a task is left anywhere."""

import asyncio
import json
import signal
import subprocess
import sys
from contextlib import asynccontextmanager

import nats.js.errors
import pytest

from headway import codec
from headway.errors import EndedError
from headway.eventlog.chain import Chain, read_head
from headway.eventlog.deletion import mark_deleted
from headway.eventlog.jetstream_log import JetStreamLog
from headway.events import Chunk, LogLine
from headway.jetstream.connection import Connection, NatsSettings
from headway.jetstream.deletions import Deletions
from headway.jetstream.grants import created_streams
from headway.jetstream.job_queue import JetStreamJobQueue
from headway.jetstream.kv import Bucket
from headway.jetstream.results import ResultStore
from headway.kind import Registry
from headway.records import JobMessage, KindRecord
from headway.task import task as register
from headway.testing import progress
from headway_processor.app import Processor
from headway_processor.deletion.removal import TaskRemoval
from headway_processor.deletion.remover import Stores, TaskRemover
from headway_processor.jobs.dead_letters import JetStreamDeadLetters
from headway_processor.metrics import Metrics
from headway_processor.settings import Settings
from headway_streamer.access.settings import AccessSettings
from tests.fixtures import tokens
from tests.fixtures.condition import until
from tests.fixtures.http import run_streamer
from tests.fixtures.scripted_server import headway

pytestmark = [pytest.mark.security, pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")]
PLANTED = "the-planted-text"
OWNER = "ann-the-planted-owner"
ACCESS = AccessSettings(access="jwt", jwt_secret=tokens.SECRET, jwt_issuer=tokens.ISSUER)


def bearer(**claims):
    scope = "tasks:submit tasks:read tasks:cancel tasks:delete"
    return {"Authorization": f"Bearer {tokens.live_token(sub=OWNER, scope=scope, **claims)}"}


@pytest.fixture
async def kind(connection, names):
    buckets = await connection.client.jetstream().key_value(names.kinds_bucket)
    await buckets.put("k", codec.encode_json(KindRecord(kind="k", params={"type": "object"})))


def removal_of(connection):
    return TaskRemoval(connection.client, connection.names, JetStreamLog(connection.client, connection.names))


@asynccontextmanager
async def remover(connection):
    """What a processor removes tasks with, until the block ends."""
    client, names = connection.client, connection.names
    stores = Stores(Deletions(client, names), removal_of(connection), Bucket(client, names.kinds_bucket))
    working = asyncio.ensure_future(TaskRemover(stores, Metrics()).keep_removed())
    try:
        yield
    finally:
        working.cancel()
        await asyncio.wait([working])


async def found(connection, *texts):
    """How often `texts` stand in the messages of each stream of the namespace, headers and subjects included."""
    js, counts = connection.client.jetstream(), {}
    for stream in created_streams(connection.names):
        state = (await js.stream_info(stream)).state
        for seq in range(max(state.first_seq, 1), state.last_seq + 1):
            try:
                message = await js.get_msg(stream, seq=seq)
            except nats.js.errors.NotFoundError:
                continue
            shown = f"{message.subject} {message.headers} ".encode() + (message.data or b"")
            if count := sum(shown.count(text.encode()) for text in texts):
                counts[stream] = counts.get(stream, 0) + count
    return counts


async def leave_traces(connection, task, *, attempt=1):
    """Store something of `task` wherever something of a task may be, and end it."""
    client, names = connection.client, connection.names
    log = JetStreamLog(client, names)
    await ResultStore(client, names).put(task, json.dumps([PLANTED] * 20_000).encode())
    await ResultStore(client, names).put(task, json.dumps([PLANTED] * 30_000).encode())
    params = codec.raw(json.dumps({"text": PLANTED}).encode())
    job = JobMessage(task=task, kind="k", params=params)
    await JetStreamJobQueue(client, names).put(job)
    await JetStreamDeadLetters(client, names).add("k", task, codec.encode_json(job), PLANTED, f"dead.{task}")
    await Deletions(client, names).note_ended("k", task)
    chain = Chain(log, task, await read_head(log, task), attempt=attempt)
    for event in (
        progress(message=PLANTED),
        Chunk(text=PLANTED, offset=0),
        LogLine(level="info", message=PLANTED),
        progress("completed", 100.0, message=PLANTED),
    ):
        await chain.append(event)
    return chain


async def test_nothing_of_a_deleted_task_is_left_in_any_stream_or_served_by_any_streamer(
    nats_server, connection, names, kind, security_figures
):
    run = [run_streamer(nats_server.url, names.namespace, access=ACCESS, name=name) for name in ("s1", "s2")]
    async with run[0] as one, run[1] as two:
        body, key = {"kind": "k", "params": {"text": PLANTED}}, {"Idempotency-Key": "one"}
        task = (await one.http.post("/api/v1/tasks", json=body, headers=bearer() | key)).json()["task"]
        other = (await one.http.post("/api/v1/tasks", json={"kind": "k"}, headers=bearer())).json()["task"]
        assert (await one.http.delete(f"/api/v1/tasks/{task}", headers=bearer())).status_code == 409
        await leave_traces(connection, task)
        watching = asyncio.ensure_future(watch(two, task, other))
        await until(lambda: two.components.admission.count == 1)
        await until(lambda: two.components.tails._entries[task].tail.ended)
        before = await found(connection, PLANTED)

        deleted = await one.http.delete(f"/api/v1/tasks/{task}", headers=bearer())
        assert deleted.status_code == 202
        answers = [await every_answer(streamer, task) for streamer in (one, two)]
        assert [set(statuses) for statuses, _ in answers] == [{404}, {404}]
        assert not any(PLANTED.encode() in shown for _, shown in answers)
        async with remover(connection):
            await until(lambda: nothing_left(connection, task))
        after = await found(connection, PLANTED)
        assert [set(statuses) for statuses, _ in [await every_answer(one, task), await every_answer(two, task)]] == [
            {404},
            {404},
        ]
        for streamer in (one, two):
            again = await streamer.http.post("/api/v1/tasks", json=body, headers=bearer() | key)
            assert (again.status_code, again.json()["title"]) == (409, "Task is deleted")
        log = one.components.log
        await Chain(log, other, await read_head(log, other), attempt=1).append(progress("completed", 100.0))
        events = await watching
        assert events[-1] == ("goodbye", {"reason": "deleted"})
        assert await found(connection, PLANTED) == {}
        owners = await found(connection, OWNER)
        # Of the other task.
        assert set(owners) == {names.events_stream, names.jobs_stream, f"KV_{names.tasks_bucket}"}
        left = [stored async for stored in all_of(log, task)]
        assert [(codec.decode_json(stored.payload)["type"], stored.ownership.owner) for stored in left] == [
            ("deleted", "")
        ]
    assert len(before) == 5
    security_figures(
        15, "planted text in all streams", before=sum(before.values()), streams=len(before), after=sum(after.values())
    )


async def nothing_left(connection, task):
    left = await found(connection, task)
    return set(left) == {connection.names.events_stream}


async def all_of(log, task):
    for stored in await log.read(task):
        yield stored


async def watch(streamer, *tasks):
    """The names and data of the events of one stream, to its end."""
    events, name = [], "message"
    query = "&".join(f"task={task}" for task in tasks)
    async with streamer.http.stream("GET", f"/api/v1/stream?{query}", headers=bearer()) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                events.append((name, json.loads(line[6:])))
                name = "message"
    return events


async def every_answer(streamer, task):
    """The statuses of all routes of a task, and what they show."""
    statuses, shown = [], b""
    for method, path in (
        ("GET", f"/api/v1/tasks/{task}"),
        ("GET", f"/api/v1/tasks/{task}/result"),
        ("GET", f"/api/v1/tasks/{task}/stream"),
        ("GET", f"/tasks/{task}/stream"),
        ("GET", f"/api/v1/stream?task={task}"),
        ("POST", f"/api/v1/tasks/{task}/cancel"),
        ("POST", f"/api/v1/tasks/{task}/retry"),
        ("POST", f"/api/v1/tasks/{task}/token"),
        ("DELETE", f"/api/v1/tasks/{task}"),
    ):
        options = {"json": {}} if method == "POST" else {}

        async def answer(method=method, path=path, options=options):
            return await streamer.http.request(method, path, headers=bearer(), **options)

        response = await answer()
        statuses.append(response.status_code)
        shown += response.content
    listed = (await streamer.http.get("/api/v1/tasks", headers=bearer())).json()["tasks"]
    assert task not in [item["task"] for item in listed]
    return statuses, shown


KILLED = """
import asyncio, os, signal, sys
from headway.eventlog.deletion import mark_deleted
from headway.eventlog.jetstream_log import JetStreamLog
from headway.jetstream.connection import Connection, NatsSettings
from headway_processor.deletion.removal import TaskRemoval

async def main(url, namespace, task, place):
    connection = Connection(NatsSettings(url=url, namespace=namespace), "processor")
    await connection.open()
    log = JetStreamLog(connection.client, connection.names)
    removal = TaskRemoval(connection.client, connection.names, log)
    if place:
        end = await mark_deleted(log, task)
        for step in removal.steps(task, end, 1)[: place - 1]:
            await step()
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(*sys.argv[1:4], int(sys.argv[4])))
"""


async def test_a_removal_that_is_killed_between_any_two_steps_is_completed(
    nats_server, connection, names, security_figures
):
    places = range(len(removal_of(connection).steps("t", 1, 1)) + 1)
    tasks = {f"task{place}": place for place in places}
    for task in tasks:
        await leave_traces(connection, task)
        await Deletions(connection.client, names).request(task)  # a streamer that is killed then does no more

    async def killed(task, place):
        command = [sys.executable, "-c", KILLED, nats_server.url, names.namespace, task, str(place)]
        process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE)
        _, errors = await process.communicate()
        assert process.returncode == -signal.SIGKILL, errors.decode()

    for task, place in tasks.items():
        await killed(task, place)
    between = await found(connection, PLANTED)
    async with remover(connection):
        for task in tasks:
            await until(lambda task=task: nothing_left(connection, task))
    after = await found(connection, PLANTED)
    assert len(between) == 4
    assert after == {}
    state = (await connection.client.jetstream().stream_info(names.deletions_stream)).state
    assert state.messages == 0
    security_figures(
        15, "removals killed between steps", kills=len(tasks), completed=len(tasks), left=sum(after.values())
    )


async def test_late_events_and_results_of_a_deleted_task_are_refused_or_removed(connection, names, security_figures):
    client, log = connection.client, JetStreamLog(connection.client, names)
    zombie = Chain(log, "t1", attempt=1)
    await zombie.append(progress())
    await leave_traces(connection, "t1", attempt=2)
    deletions = Deletions(client, names)
    await removal_of(connection).remove("t1")
    refused = 0
    for chain in (zombie, Chain(log, "t1", attempt=3), Chain(log, "t1", await read_head(log, "t1"), attempt=4)):
        await ResultStore(client, names).put("t1", f'"{PLANTED} {refused}"'.encode())
        with pytest.raises(EndedError, match="deleted"):
            await chain.append(progress("completed", 100.0, message=PLANTED))
        await deletions.request("t1")  # as a job does that finds the end
        refused += 1
    late = await found(connection, PLANTED)
    async with remover(connection):
        await until(lambda: nothing_left(connection, "t1"))
    assert await found(connection, PLANTED) == {}
    assert len(await log.read("t1")) == 1
    assert await mark_deleted(log, "t1") == (await log.read("t1"))[0].seq
    security_figures(
        15, "late writers of a deleted task", writers=refused, events=0, results=sum(late.values()), left=0
    )


async def test_tasks_are_removed_when_the_retention_of_their_kind_is_over(nats_server, names, monkeypatch):
    monkeypatch.setattr("headway_processor.deletion.remover.RETENTION_SECONDS", 0.2)
    monkeypatch.setattr("headway_processor.deletion.remover.REQUESTS_SECONDS", 0.1)
    monkeypatch.setattr("headway_processor.worker.POLL_SECONDS", 0.1)
    kinds = Registry()
    register("short", registry=kinds, retention=0.5)(lambda job: PLANTED)
    register("long", registry=kinds)(lambda job: None)
    settings = NatsSettings(url=nats_server.url, namespace=names.namespace)
    processor = Processor(Settings(ops_host="127.0.0.1", ops_port=0), settings, kinds)
    running = asyncio.create_task(processor.run())
    connection = Connection(settings, "test")
    await connection.open()
    try:
        async with run_streamer(nats_server.url, names.namespace) as streamer:
            await until(lambda: processor.ready)
            tasks = {}
            for kind in ("short", "long"):
                tasks[kind] = (await streamer.http.post("/api/v1/tasks", json={"kind": kind})).json()["task"]

            async def listed():
                return {item["task"] for item in (await streamer.http.get("/api/v1/tasks")).json()["tasks"]}

            await until(lambda: nothing_left(connection, tasks["short"]))
            assert await listed() == {tasks["long"]}
            assert await found(connection, PLANTED) == {}
            offered = (await streamer.http.get("/api/v1/kinds")).json()["kinds"]
            assert {kind["kind"]: kind.get("retention_seconds") for kind in offered} == {"short": 0.5, "long": None}
    finally:
        processor.stop()
        await running
        await connection.close()


async def test_everything_of_one_owner_is_deleted_by_the_documented_command(
    nats_server, connection, names, kind, monkeypatch, printed, security_figures
):
    (block,) = printed
    async with run_streamer(nats_server.url, names.namespace, access=ACCESS) as streamer:
        tasks = {}
        for owner in ("ann-planted", "bob-planted"):
            headers = {"Authorization": f"Bearer {tokens.live_token(sub=owner, scope='tasks:submit')}"}
            for _ in range(3):
                body = {"kind": "k", "params": {"text": f"of {owner}"}}
                task = (await streamer.http.post("/api/v1/tasks", json=body, headers=headers)).json()["task"]
                head = await read_head(streamer.components.log, task)
                chain = Chain(streamer.components.log, task, head, attempt=1)
                await chain.append(progress("completed", 100.0, message=f"of {owner}"))
                tasks.setdefault(owner, []).append(task)
        monkeypatch.setenv("HEADWAY_SERVER", streamer.url)
        monkeypatch.setenv("HEADWAY_TOKEN", tokens.live_token(sub="eve", scope="tasks:read tasks:delete tasks:all"))
        command = block.text.strip().replace("ann", "ann-planted").split()
        assert command[0] == "headway"
        result = await asyncio.to_thread(headway, *command[1:], input="y\n")
        assert result.exit_code == 0, result.output
        assert sorted(result.stdout.split()[::2]) == sorted(tasks["ann-planted"])
        async with remover(connection):
            for task in tasks["ann-planted"]:
                await until(lambda task=task: nothing_left(connection, task))
        left = [await found(connection, f"{owner}-planted") for owner in ("ann", "bob")]
        assert left[0] == {}
        assert sum(left[1].values()) >= 3 * 3
    security_figures(15, "one owner of two is deleted", tasks=3, left=0, of_the_other=sum(left[1].values()))
