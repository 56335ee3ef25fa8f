"""`headway nats-config`, as its page prints it, and the move of an older store into the accounts."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from headway.jetstream import provision
from headway.jetstream.accounts import Literal, User, accounts
from headway.jetstream.connection import Connection, NatsSettings
from headway.jetstream.grants import roles
from headway.jetstream.nats_config import render
from headway.subjects import Names
from tests.fixtures.nats import run_nats

NAMES = Names("hw")
HEADWAY = Path(sys.executable).with_name("headway")


async def opened(url, user, namespace="hw", name="test"):
    settings = NatsSettings(url=url, user=user, password="secret" if user else "", namespace=namespace)
    connection = Connection(settings, name)
    await connection.open()
    return connection


@pytest.mark.security
async def test_the_printed_configuration_runs(printed, tmp_path, monkeypatch):
    command, config = printed
    (words,) = command.commands
    subprocess.run([HEADWAY, *words.split()[1:]], cwd=tmp_path, check=True, timeout=60)
    for namespace in ("HW", "STAGING"):
        for role in ("STREAMER", "PROCESSOR", "REPORTER"):
            monkeypatch.setenv(f"{namespace}_{role}_PASSWORD", "secret")
    text = config.text.replace("store_dir: /var/lib/nats", "max_file_store: 50GB")
    assert text != config.text
    with run_nats(tmp_path, text) as server:
        for namespace in ("hw", "staging"):
            processor = await opened(server.url, f"{namespace}_processor", namespace, "processor")
            await provision.ensure(processor.client.jetstream(), processor.names, processor.settings)
            await processor.close()


async def test_a_store_without_accounts_is_carried_over_by_its_name(tmp_path):
    with run_nats(tmp_path) as server:
        before = await opened(server.url, "")
        js = before.client.jetstream()
        await provision.ensure(js, NAMES)
        await js.add_consumer(NAMES.jobs_stream, provision.job_consumer(NAMES, "k", ack_wait_seconds=60, concurrency=1))
        for subject in ("hw.ev.t1", "hw.job.k.t1", "$KV.hw_tasks.t1"):
            await js.publish(subject, b"{}")
        created = (await js.stream_info(NAMES.events_stream)).created
        await before.close()
    store = tmp_path / "store" / "jetstream"
    shutil.move(store / "$G", store / NAMES.jetstream_account)
    users = {role.name: (User(role.name, Literal("secret")),) for role in roles(NAMES)}
    found = accounts(NAMES, users, max_file="1GB", admin=User("admin", Literal("secret")))
    with run_nats(tmp_path, render({"accounts": found})) as server:
        after = await opened(server.url, "admin")
        js = after.client.jetstream()
        assert (await js.stream_info(NAMES.events_stream)).created == created  # cursors hold
        counts = {info.config.name: info.state.messages for info in await js.streams_info()}
        assert {name: count for name, count in counts.items() if count} == {
            "HW_EVENTS": 1,
            "HW_JOBS": 1,
            "KV_hw_tasks": 1,
        }
        assert (await js.consumer_info(NAMES.jobs_stream, "k")).num_pending == 1
        await after.close()


async def test_an_administrator_closes_what_newer_streams_refuse(nats_server, connection, names):
    """A bucket as an older release created it."""
    js = connection.client.jetstream()
    await js.delete_stream(f"KV_{names.tasks_bucket}")
    await js.create_key_value(bucket=names.tasks_bucket, direct=True)
    config = (await js.stream_info(f"KV_{names.tasks_bucket}")).config
    await js.update_stream(config.evolve(allow_rollup_hdrs=False, discard_new_per_subject=True))
    changed = (await js.stream_info(f"KV_{names.tasks_bucket}")).config
    assert (bool(changed.allow_rollup_hdrs), changed.discard_new_per_subject) == (False, True)
