"""`headway nats-adapt` by the operator's password: limits and replicas of streams that hold something."""

import asyncio
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import nats
import pytest

from headway.jetstream import provision
from headway.jetstream.accounts import Literal, User, accounts
from headway.jetstream.connection import NatsSettings
from headway.jetstream.grants import created_streams
from headway.jetstream.nats_config import render
from headway.subjects import Names
from tests.fixtures.nats import run_nats
from tests.fixtures.services import free_port

NAMES = Names("hw")
HEADWAY = Path(sys.executable).with_name("headway")
HOUR = 3600.0


def configuration(more=""):
    users = {role: (User(role, Literal("secret")),) for role in ("streamer", "processor", "reporter", "operator")}
    admin = User("admin", Literal("secret"))
    found = accounts(NAMES, users, max_file="400MB", admin=admin)
    return "jetstream { max_file_store: 400MB }\n" + more + render({"accounts": found})


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with run_nats(tmp_path_factory.mktemp("nats"), configuration()) as server:
        yield server


@pytest.fixture
async def js(server):
    """An administrator, with the streams as processors create them, a task and its job."""
    client = await nats.connect(server.url, user="admin", password="secret")
    js = client.jetstream()
    await prepare(js)
    yield js
    for name in created_streams(NAMES):
        await js.delete_stream(name)
    await client.close()


async def prepare(js, replicas=1):
    await provision.ensure(js, NAMES, NatsSettings(replicas=replicas))
    await js.add_consumer(NAMES.jobs_stream, provision.job_consumer(NAMES, "k", ack_wait_seconds=60, concurrency=1))
    for subject in ("hw.ev.t1", "hw.job.k.t1", "hw.job.k.t2", "$KV.hw_tasks.t1"):
        await js.publish(subject, b"{}")


async def adapt(server, *words, user="operator", **settings):
    """Exit code and lines of the command, with these settings of NATS; its columns are separated by one space."""
    environ = {"PATH": os.environ["PATH"], "HEADWAY_NATS_URL": server.url}
    environ |= {"HEADWAY_NATS_USER": user, "HEADWAY_NATS_PASSWORD": "secret"}
    environ |= {f"HEADWAY_NATS_{name.upper()}": str(value) for name, value in settings.items()}
    done = await asyncio.to_thread(
        subprocess.run,
        [HEADWAY, "nats-adapt", *words],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    return done.returncode, [" ".join(line.split()) for line in (done.stdout + done.stderr).splitlines()]


async def test_limits_follow_the_settings_and_nothing_is_lost(server, js):
    code, lines = await adapt(server)
    assert (code, {line.split()[1] for line in lines}) == (0, {"unchanged"})
    code, lines = await adapt(server, "--dry-run", max_jobs=1, max_jobs_bytes=2_000_000)
    assert "HW_JOBS would be changed" in lines[-1]
    assert (await js.stream_info(NAMES.jobs_stream)).config.max_msgs == 1_000_000
    assert (await adapt(server, max_jobs=1, max_jobs_bytes=2_000_000))[0] == 0
    info = await js.stream_info(NAMES.jobs_stream)
    assert (info.config.max_msgs, info.config.max_bytes) == (1, 2_000_000)
    assert info.state.messages == 2  # new jobs are refused; those that wait are kept
    assert (await js.consumer_info(NAMES.jobs_stream, "k")).num_pending == 2


async def test_a_limit_that_deletes_is_lowered_only_when_that_is_allowed(server, js):
    events = (await js.stream_info(NAMES.events_stream)).config
    await js.update_stream(events.evolve(max_age=3 * NatsSettings().retention_seconds))
    code, lines = await adapt(server)
    assert code == 1
    assert "HW_EVENTS refused max_age 1814400 s → 604800 s: this deletes stored messages" in lines
    assert lines[-1] == f"Error: 1 of {len(created_streams(NAMES))} streams are left as they are: HW_EVENTS"
    assert (await adapt(server, "--allow-deletion"))[0] == 0
    assert (await js.stream_info(NAMES.events_stream)).config.max_age == NatsSettings().retention_seconds
    code, lines = await adapt(server, "--allow-deletion", retention_seconds=200_000)
    changed = {line.split()[0] for line in lines if "max_age 604800 s → 200000 s" in line}
    assert changed == {
        *(NAMES.events_stream, NAMES.deletions_stream),
        *("KV_hw_tasks", "KV_hw_unique", "KV_hw_scheduled", "OBJ_hw_results", "OBJ_hw_files"),
    }


async def test_a_stream_of_an_older_release_becomes_what_new_ones_are(server, js):
    bucket = f"KV_{NAMES.tasks_bucket}"
    await js.delete_stream(bucket)
    await js.create_key_value(bucket=NAMES.tasks_bucket, direct=True, ttl=NatsSettings().retention_seconds)
    await js.publish("$KV.hw_tasks.t1", b"{}")
    assert (await adapt(server))[0] == 0
    config = (await js.stream_info(bucket)).config
    assert (bool(config.allow_rollup_hdrs), config.discard_new_per_subject) == (False, True)
    assert (await js.stream_info(bucket)).state.messages == 1


async def test_what_a_stream_cannot_become_is_named_and_the_others_are_adapted(server, js):
    config = (await js.stream_info(NAMES.dead_stream)).config
    await js.delete_stream(NAMES.dead_stream)
    await js.add_stream(config.evolve(retention="interest"))
    code, lines = await adapt(server, max_jobs=7)
    assert code == 1
    assert any(line.startswith("HW_DEAD refused retention interest → limits: NATS does") for line in lines)
    assert (await js.stream_info(NAMES.jobs_stream)).config.max_msgs == 7
    code, lines = await adapt(server, replicas=3)
    assert code == 1
    assert any("num_replicas 1 → 3: NATS refuses: replicas > 1 not supported" in line for line in lines)


@pytest.mark.security
@pytest.mark.parametrize("user", ["streamer", "processor", "reporter"])
async def test_no_service_may_adapt(server, js, user):
    code, lines = await adapt(server, "--seconds", "2", user=user, max_jobs=7)
    assert code == 1
    assert "NATS did not answer within 2 s" in lines[-1]
    assert (await js.stream_info(NAMES.jobs_stream)).config.max_msgs == 1_000_000


async def test_on_three_nodes_each_stream_gets_its_copies(tmp_path):
    ports = [free_port() for _ in range(3)]
    routes = ", ".join(f"nats://127.0.0.1:{port}" for port in ports)
    with ExitStack() as stack:
        servers = []
        for number, port in enumerate(ports):
            (tmp_path / str(number)).mkdir()
            cluster = f"cluster {{ name: c, listen: 127.0.0.1:{port}, routes: [{routes}] }}\n"
            text = f"server_name: n{number}\n" + configuration(cluster)
            servers.append(stack.enter_context(run_nats(tmp_path / str(number), text)))
        client = await nats.connect(servers[0].url, user="admin", password="secret")
        js = client.jetstream()
        await provision.ensure_patiently(js, NAMES)
        await prepare(js)
        code, lines = await adapt(servers[1], replicas=3)
        assert code == 0, lines

        infos = [await js.stream_info(name) for name in created_streams(NAMES)]
        assert {info.config.num_replicas for info in infos} == {3}  # the servers copy in the background
        consumer = await js.consumer_info(NAMES.jobs_stream, "k")
        assert not consumer.config.num_replicas  # it has those of its stream
        assert (await js.stream_info(NAMES.events_stream)).state.messages == 1
        assert consumer.num_pending == 2
        await client.close()
