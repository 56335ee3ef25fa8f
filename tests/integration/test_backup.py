"""Backups of a server, and their way back."""

import pytest

from headway.errors import LogError
from headway.jetstream import provision
from headway.jetstream.backup import back_up, in_order, restore


async def contents(connection):
    """Of each stream: messages, last sequence."""
    js = connection.client.jetstream()
    found = {}
    for name in in_order(connection.names):
        info = await js.stream_info(name)
        found[name] = (info.state.messages, info.state.last_seq)
    return found


async def filled(connection):
    """Records, events, jobs of which one was taken, and a result of several megabytes."""
    js, names = connection.client.jetstream(), connection.names
    for number in range(20):
        await js.publish(names.job("k", f"t{number}"), b"{}")
        await js.publish(f"$KV.{names.tasks_bucket}.t{number}", b"{}")
        for _ in range(20):
            await js.publish(names.event(f"t{number}"), b"x" * 200)
    for number in range(30):
        await js.publish(f"$O.{names.results_bucket}.C.{number}", bytes(100_000 + number))
    consumer = provision.job_consumer(names, "k", ack_wait_seconds=60, concurrency=5)
    await js.add_consumer(names.jobs_stream, consumer)
    (taken,) = await (await js.pull_subscribe_bind("k", names.jobs_stream)).fetch(1)
    await taken.ack_sync()


async def collect(streams):
    return [copied async for copied in streams]


async def test_a_backup_brings_all_streams_back_as_they_were(connection, tmp_path):
    client, names, js = connection.client, connection.names, connection.client.jetstream()
    await filled(connection)
    before, created = await contents(connection), (await js.stream_info(names.events_stream)).created
    copied = await collect(back_up(client, names, tmp_path / "backup"))
    assert {one.stream: one.messages for one in copied} == {name: state[0] for name, state in before.items()}
    await js.publish(names.event("later"), b"x")
    with pytest.raises(LogError, match=r"already in use.*; stop the services and use --replace"):
        await collect(restore(client, names, tmp_path / "backup"))
    await collect(restore(client, names, tmp_path / "backup", replace=True))
    assert await contents(connection) == before
    # Cursors of before prove nothing of a log that is older than they are: watchers get a reset.
    assert (await js.stream_info(names.events_stream)).created > created
    info = await js.consumer_info(names.jobs_stream, "k")
    assert (info.num_pending, info.delivered.stream_seq) == (19, 1)


async def test_a_directory_that_is_not_empty_or_not_whole_is_refused(connection, tmp_path):
    client, names = connection.client, connection.names
    (tmp_path / "file").write_text("")
    with pytest.raises(LogError, match="is not empty"):
        await collect(back_up(client, names, tmp_path))
    with pytest.raises(LogError, match=f"does not hold a whole copy of KV_{names.scheduled_bucket}"):
        await collect(restore(client, names, tmp_path, replace=True))
    assert await contents(connection)  # nothing was deleted
