"""Of each key one task at a time, whatever ends the task that holds it."""

import asyncio
import time

import pytest

from headway import codec
from headway.errors import KeyHeldError, UnavailableError
from headway_streamer.tasks.unique import BEING_STORED_SECONDS, Holder, digest_of
from tests.unit.streamer.conftest import completed, ticks

pytestmark = pytest.mark.looptime


async def submit(parts, unique="key", **options):
    record, _ = await parts.task_store.submit("k", b"{}", unique=unique, **options)
    return record.task


async def hold(parts, task, seconds_ago=0.0, key="key"):
    """Let a task that was never stored hold a key."""
    parts.holders.set(key, codec.encode_json(Holder(task=task, kind="k", at=time.time() - seconds_ago)))


async def test_another_task_is_refused_until_the_first_one_has_ended(parts):
    first = await submit(parts)
    with pytest.raises(KeyHeldError) as held:
        await submit(parts)
    assert held.value.task == first
    assert await submit(parts, "other") != first
    await parts.write(first, *ticks(1, 1))
    with pytest.raises(KeyHeldError):
        await submit(parts)
    await parts.write(first, completed())
    assert await submit(parts) != first


async def test_of_many_at_once_one_is_accepted(parts):
    answers = await asyncio.gather(*(submit(parts) for _ in range(20)), return_exceptions=True)
    accepted = [answer for answer in answers if isinstance(answer, str)]
    assert len(accepted) == len(parts.jobs.jobs) == 1
    assert all(isinstance(answer, KeyHeldError | UnavailableError) for answer in answers if answer != accepted[0])


async def test_the_same_task_takes_its_key_again(parts):
    first = await submit(parts, key="idempotent")
    assert await submit(parts, key="idempotent") == first
    await parts.write(first, completed())
    await submit(parts)
    assert await submit(parts, key="idempotent") == first  # it has ended, and is found


async def test_task_whose_streamer_crashed_before_it_was_stored_frees_the_key(parts):
    await hold(parts, "lost")
    with pytest.raises(UnavailableError):
        await submit(parts)
    await hold(parts, "lost", BEING_STORED_SECONDS)
    assert await submit(parts) in parts.jobs.jobs


async def test_task_that_is_queued_without_an_event_holds_its_key(parts):
    parts.log.full = True
    first = await submit(parts)
    parts.log.full = False
    await hold(parts, first, BEING_STORED_SECONDS)
    with pytest.raises(KeyHeldError):
        await submit(parts)


async def test_deleted_task_frees_its_key(parts):
    first = await submit(parts)
    await parts.write(first, completed())
    await parts.task_store.delete(first)
    assert await submit(parts)


async def test_malformed_entry_is_replaced(parts):
    for value in (b"no json", codec.encode_json(Holder(task="a b", kind="k", at=1.0))):
        parts.holders.set("key", value)
        first = await submit(parts)
        await parts.write(first, completed())


async def test_entry_that_changes_again_and_again_is_not_waited_for(parts, monkeypatch):
    async def update(key, value, seq):
        return False

    monkeypatch.setattr(parts.holders, "update", update)
    with pytest.raises(UnavailableError):
        await submit(parts)
    assert parts.jobs.jobs == {}


def test_a_key_is_of_a_kind_within_a_tenant_and_its_name_does_not_tell_it():
    keys = [("", "k", "secret"), ("t", "k", "secret"), ("", "l", "secret"), ("", "k", "other"), ("", "", "k")]
    names = {digest_of(*key) for key in keys}
    assert len(names) == 5
    assert not any("secret" in name for name in names)


async def test_a_task_that_begins_later_holds_its_key_also_without_an_event(parts, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(parts.log, "put", _unreachable)
        record, _ = await parts.task_store.submit("k", b"{}", unique="key", run_at=time.time() + 1000)
    await hold(parts, record.task, BEING_STORED_SECONDS + 1)
    with pytest.raises(KeyHeldError):
        await submit(parts)


async def _unreachable(*_, **__):
    raise UnavailableError("NATS is unreachable")
