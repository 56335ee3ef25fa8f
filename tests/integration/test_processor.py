"""The whole processor: in this process, and as one of its own."""

import asyncio
import json
import re
import signal
import subprocess
import sys

import msgspec
import pytest

from headway import codec, current_job
from headway.eventlog.jetstream_log import JetStreamLog
from headway.events import is_terminal
from headway.jetstream.connection import NatsSettings
from headway.kind import Registry
from headway.records import JobMessage, KindRecord
from headway.task import task
from headway_processor import kinds_publisher, ops
from headway_processor.app import Processor
from headway_processor.ops import Response
from headway_processor.settings import Settings
from tests.fixtures.condition import until
from tests.fixtures.process import start_process

SETTINGS = Settings(ops_host="127.0.0.1", ops_port=0, grace_seconds=5.0)


@pytest.fixture(autouse=True)
def short_polls(monkeypatch):
    """A worker closes when its last request has ended."""
    monkeypatch.setattr("headway_processor.worker.POLL_SECONDS", 0.1)
    monkeypatch.setattr("headway_processor.jobs.backlog.PAUSE_SECONDS", 0.05)


class Params(msgspec.Struct):
    url: str


async def get(port, path, method="GET"):
    """Status and body of a plain HTTP request."""
    return await send(port, f"{method} {path} HTTP/1.1\r\nHost: ops\r\n\r\n".encode())


async def send(port, raw):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    if writer.can_write_eof():
        writer.write_eof()
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split(b" ")[1]), body.decode()


@pytest.fixture
def registry():
    registry = Registry()

    @task("echo", registry=registry, retries=2, timeout=9.0)
    async def echo(job, params: Params) -> str:
        """Say it again."""
        return params.url

    @task("pooled", registry=registry)
    async def pooled(job):
        """Track in the loop's own executor."""
        found = await asyncio.get_running_loop().run_in_executor(None, current_job)
        return found is job

    return registry


@pytest.fixture
async def processor(nats_server, names, registry):
    processor = Processor(SETTINGS, NatsSettings(url=nats_server.url, namespace=names.namespace), registry)
    running = asyncio.create_task(processor.run())
    await until(lambda: processor.ready or running.done())
    yield processor
    processor.stop()
    assert await running is True


async def test_probes_and_metrics_tell_how_it_is(processor, connection):
    job = JobMessage(task="t1", kind="echo", params=codec.raw(b'{"url": "u"}'))
    await connection.client.jetstream().publish(connection.names.job("echo", "t1"), codec.encode_json(job))
    assert await get(processor.ops_port, "/livez") == (200, "alive\n")
    assert await get(processor.ops_port, "/readyz") == (200, "ready\n")
    finished = 'headway_attempts_finished_total{kind="echo",status="completed"} 1.0'
    waiting = 'headway_jobs_pending{kind="echo"} 0.0'

    async def counted():
        _, body = await get(processor.ops_port, "/metrics?all")
        return finished in body and waiting in body

    await until(counted)
    status, body = await get(processor.ops_port, "/metrics?all")
    assert status == 200
    for line in (
        'headway_attempts_started_total{kind="echo"} 1.0',
        'headway_attempts_running{kind="echo"} 0.0',
        'headway_attempt_duration_seconds_count{kind="echo"} 1.0',
        'headway_nats_connected{service="processor"} 1.0',
    ):
        assert line in body


async def test_executor_of_the_event_loop_carries_the_task(processor, connection):
    job = JobMessage(task="t2", kind="pooled", params=codec.raw(b"{}"))
    await connection.client.jetstream().publish(connection.names.job("pooled", "t2"), codec.encode_json(job))
    log = JetStreamLog(connection.client, connection.names)

    async def ended():
        last = await log.last("t2")
        return last is not None and is_terminal(codec.decode(last.payload))

    await until(ended)
    assert codec.decode((await log.last("t2")).payload).data is True


async def test_a_job_of_a_kind_that_nobody_offers_ends_while_those_of_others_wait(
    connection, nats_server, names, registry
):
    js, log = connection.client.jetstream(), JetStreamLog(connection.client, names)
    settings = msgspec.structs.replace(SETTINGS, unknown_kind_seconds=0.5)
    processor = Processor(settings, NatsSettings(url=nats_server.url, namespace=names.namespace), registry)
    running = asyncio.create_task(processor.run())
    await until(lambda: processor.ready)
    await (await js.key_value(names.kinds_bucket)).put("theirs", codec.encode_json(KindRecord(kind="theirs")))
    for kind in ("ghost", "theirs"):
        await js.publish(names.job(kind, kind), codec.encode_json(JobMessage(task=kind, kind=kind)))

    async def ended():
        last = await log.last("ghost")
        return last is not None and is_terminal(codec.decode(last.payload))

    await until(ended)
    assert codec.decode((await log.last("ghost")).payload).error.type == "UnknownKind"

    async def removed():
        return (await js.stream_info(names.jobs_stream)).state.messages == 1

    await until(removed)
    assert (await js.stream_info(names.dead_stream)).state.messages == 1
    assert await log.last("theirs") is None
    processor.stop()
    assert await running is True


async def test_kinds_are_published_once(processor, connection, registry):
    js, names = connection.client.jetstream(), connection.names
    bucket = await js.key_value(names.kinds_bucket)

    async def published():
        return (await bucket.status()).values

    await until(published)
    entry = await bucket.get("echo")
    record = msgspec.json.decode(entry.value, type=KindRecord)
    assert (record.description, record.retries, record.timeout_seconds) == ("Say it again.", 2, 9.0)
    assert record.params["required"] == ["url"]
    assert await kinds_publisher.publish(js, names, [record]) == 0
    assert await kinds_publisher.publish(js, names, [msgspec.structs.replace(record, retries=3)]) == 1


async def test_liveness_and_readiness_stay_while_nats_is_unreachable(own_nats_server, names, registry):
    processor = Processor(SETTINGS, NatsSettings(url=own_nats_server.url, namespace=names.namespace), registry)
    running = asyncio.create_task(processor.run())
    await until(lambda: processor.ready)
    own_nats_server.kill()
    await until(lambda: not any(worker.bound for worker in processor._workers))
    assert (await get(processor.ops_port, "/livez"))[0] == 200
    assert await get(processor.ops_port, "/readyz") == (200, "ready\n")
    status, details = await get(processor.ops_port, "/readyz?verbose")
    assert status == 200
    assert re.match(r"nats connected: no, since \S+Z\nkinds bound: 0 of 2\nstopping: no\njobs: 0\n", details)
    assert 'headway_nats_connected{service="processor"} 0.0' in (await get(processor.ops_port, "/metrics"))[1]
    processor.stop()
    assert (await get(processor.ops_port, "/readyz"))[0] == 503
    assert await running is True


async def test_stop_is_obeyed_while_nats_was_never_there(registry):
    processor = Processor(SETTINGS, NatsSettings(url="nats://127.0.0.1:1"), registry)
    running = asyncio.create_task(processor.run())
    await until(lambda: processor.ops_port)
    assert (await get(processor.ops_port, "/readyz"))[0] == 503
    processor.stop()
    async with asyncio.timeout(5):
        assert await running is True


async def test_connection_that_ends_for_good_ends_the_processor(nats_server, names, registry):
    processor = Processor(SETTINGS, NatsSettings(url=nats_server.url, namespace=names.namespace), registry)
    running = asyncio.create_task(processor.run())
    await until(lambda: processor.ready)
    await processor._connection.client.close()
    assert await running is False


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"POST /ok HTTP/1.1\r\n\r\n", 405),
        (b"GET /ok HTTP/1.1\r\nX: " + b"x" * ops.MAX_REQUEST_BYTES + b"\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"\xff\xff \xff \xff\r\n\r\n", 400),
        (b"GET /ok", 400),
        (b"", 400),
        (b"HEAD /ok HTTP/1.0\r\n\r\n", 200),
    ],
)
async def test_ops_port_answers_any_request_and_closes(raw, status):
    async with ops.serve("127.0.0.1", 0, {"/ok": lambda _: Response(200, b"fine")}) as port:
        assert await send(port, raw) == (
            status,
            {404: "not found\n", 405: "use GET\n", 400: "bad request\n", 200: ""}[status],
        )


async def test_ops_port_does_not_wait_for_a_client_that_sends_nothing(monkeypatch):
    monkeypatch.setattr(ops, "REQUEST_SECONDS", 0.05)
    async with ops.serve("127.0.0.1", 0, {}) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


TASKS = """
import asyncio
from headway import task

@task("wait")
async def wait(job):
    await asyncio.Event().wait()
"""


@pytest.fixture
def launch(nats_server, names, tmp_path):
    """Start `python -m headway_processor` in a directory with a module of tasks."""
    (tmp_path / "mytasks.py").write_text(TASKS)
    started = []

    def start(**environ):
        environ = {
            "HEADWAY_NATS_URL": nats_server.url,
            "HEADWAY_NATS_NAMESPACE": names.namespace,
            "HEADWAY_TASKS": "mytasks",
            "HEADWAY_PROCESSOR_OPS_HOST": "127.0.0.1",
            "HEADWAY_PROCESSOR_OPS_PORT": "0",
            "HEADWAY_PROCESSOR_GRACE_SECONDS": "0.1",
        } | environ
        command = [sys.executable, "-m", "headway_processor"]
        process = start_process(command, cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        with process:
            process.kill()


async def test_sigterm_ends_it_with_0_and_hands_its_job_back(launch, connection):
    js, names = connection.client.jetstream(), connection.names
    await js.publish(names.job("wait", "t1"), codec.encode_json(JobMessage(task="t1", kind="wait")))
    process = launch()
    subscription = await connection.client.subscribe(names.live("t1"))
    assert codec.decode((await subscription.next_msg(15)).data).status == "processing"
    process.send_signal(signal.SIGTERM)
    handed_back = codec.decode((await subscription.next_msg(15)).data)
    assert (handed_back.status, handed_back.failed) == ("retrying", 0)
    _, stderr = await asyncio.to_thread(process.communicate)
    lines = [json.loads(line) for line in stderr.splitlines()]
    assert process.returncode == 0
    assert "Traceback" not in stderr
    assert {"start", "shutdown"} <= {line.get("action") for line in lines}


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"HEADWAY_TASKS": "mytaskz"}, ["mytaskz", "No module named"]),
        ({"HEADWAY_TASKS": ""}, ["HEADWAY_TASKS", "HEADWAY_PROCESSOR_BUILTIN_KINDS"]),
        ({"HEADWAY_PROCESSOR_BUILTIN_KINDS": "false"}, ["'false'", "bulk, check, cluster, crawl, generate, script"]),
        ({"HEADWAY_PROCESSOR_GRACE": "1"}, ["HEADWAY_PROCESSOR_GRACE", "did you mean HEADWAY_PROCESSOR_GRACE_SECONDS"]),
        ({"HEADWAY_PROCESSOR_LOG_LEVEL": "loud"}, ["loud"]),
        ({"HEADWAY_NATS_CREDS_FILE": "/none"}, ["/none"]),
        ({"HEADWAY_NATS_NAMESPACE": "No."}, ["No."]),
    ],
)
def test_wrong_setting_ends_it_with_2_and_one_line(launch, environ, words):
    process = launch(**environ)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr.count("\n")) == (2, 1), stderr
    for word in words:
        assert word in stderr
