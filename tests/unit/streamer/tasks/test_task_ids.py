"""The ids of tasks that are submitted with an idempotency key."""

import asyncio

import msgspec
import pytest

from headway.errors import StoreFullError, UnavailableError
from headway.ids import public_task
from headway.subjects import is_name
from headway.testing import MemoryBucket
from headway_streamer.tasks import task_ids
from headway_streamer.tasks.task_ids import KEPT_SECONDS, NAME, ROLLOUT_SECONDS, IdSecret, TaskIds

pytestmark = [pytest.mark.security, pytest.mark.looptime]


class Namespace:
    """The buckets of one namespace, and the streamers on it."""

    def __init__(self):
        self.secrets, self.records = MemoryBucket(), MemoryBucket()
        self.incarnation = "one"

    def streamer(self):
        return TaskIds(self.secrets, self.records, lambda: self.incarnation)

    async def secret(self):
        return msgspec.json.decode(await self.secrets.get(NAME), type=IdSecret)


@pytest.fixture
def namespace():
    return Namespace()


@pytest.fixture
def clock(monkeypatch):
    """The time of day, which the test sets."""
    now = [1_000_000.0]
    monkeypatch.setattr(task_ids.time, "time", lambda: now[0])
    return now


async def test_all_streamers_give_a_key_the_same_id_also_when_they_start_together(namespace):
    streamers = [namespace.streamer() for _ in range(20)]
    found = await asyncio.gather(*(one.of_key("", "order-17") for one in streamers))
    later = await namespace.streamer().of_key("", "order-17")
    assert {*found, later} == {later}
    assert is_name(later)


async def test_an_id_cannot_be_computed_from_its_key(namespace):
    ids = {await each.streamer().of_key("", "order-17") for each in (namespace, Namespace(), Namespace())}
    assert len(ids | {public_task("order-17")}) == 4


async def test_owners_have_keys_of_their_own(namespace):
    one = namespace.streamer()
    assert len({await one.of_key(owner, "order-17") for owner in ("", "ada", "bob")}) == 3


async def test_the_secret_is_read_once(namespace):
    one = namespace.streamer()
    await one.load()
    reads = namespace.secrets.reads
    for number in range(10):
        await one.of_key("", str(number))
    assert (namespace.secrets.reads, namespace.records.reads) == (reads, 1)  # and whether there were records, once


async def test_a_server_that_lags_behind_is_asked_again(namespace, monkeypatch):
    first = await namespace.streamer().of_key("", "k")
    late, get = [None, None], namespace.secrets.get

    async def stale(key):
        return late.pop() if late else await get(key)

    monkeypatch.setattr(namespace.secrets, "get", stale)
    assert await namespace.streamer().of_key("", "k") == first


async def test_a_store_that_was_lost_has_another_secret(namespace):
    one = namespace.streamer()
    before = await one.of_key("", "k")
    namespace.secrets, one._secrets = [MemoryBucket()] * 2
    namespace.incarnation = "two"
    assert await one.of_key("", "k") == await namespace.streamer().of_key("", "k") != before


async def test_nats_that_does_not_answer_refuses_a_key_and_is_waited_for(namespace):
    namespace.secrets.away = True
    one = namespace.streamer()
    with pytest.raises(UnavailableError):
        await one.of_key("", "k")
    loading = asyncio.ensure_future(one.load())
    await asyncio.sleep(10)
    namespace.secrets.away = False
    await loading
    namespace.secrets.away = True
    assert await one.of_key("", "k")


async def test_a_secret_that_was_deleted_is_not_made_again(namespace):
    await namespace.streamer().load()
    namespace.secrets.set(NAME, b"")
    with pytest.raises(UnavailableError, match="deleted"):
        await namespace.streamer().of_key("", "k")


async def test_a_full_store_is_said(namespace):
    namespace.secrets.full = True
    with pytest.raises(StoreFullError):
        await namespace.streamer().of_key("", "k")


async def test_tasks_of_a_version_without_secrets_are_found_by_their_keys(namespace, clock):
    old = public_task("before")
    namespace.records.set(old, b"{}")
    one = namespace.streamer()
    # Streamers of both versions run side by side: a key must mean the same to all.
    assert (await one.of_key("", "before"), await one.of_key("", "while")) == (old, public_task("while"))
    assert len({await one.of_key(owner, "before") for owner in ("", "ada", "bob")}) == 3
    clock[0] += ROLLOUT_SECONDS + 1
    assert await one.of_key("", "before") == old
    assert await one.of_key("", "while") != public_task("while")
    clock[0] += KEPT_SECONDS
    assert await one.of_key("", "before") != old
    assert namespace.records.reads == 3


async def test_a_fresh_namespace_uses_its_secret_at_once(namespace):
    await namespace.streamer().load()
    assert (await namespace.secret()).searched_until == 0.0
