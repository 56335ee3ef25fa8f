"""The kinds that handlers submit."""

import asyncio

import pytest

from headway import codec
from headway.children.kinds import FRESH_SECONDS, KnownKinds
from headway.errors import ChildrenError
from headway.records import KindRecord
from headway.testing import MemoryBucket

pytestmark = pytest.mark.looptime


@pytest.fixture
def bucket():
    return MemoryBucket()


async def test_a_kind_is_read_again_when_it_is_old(bucket):
    bucket.set("k", codec.encode_json(KindRecord(kind="k", title="one")))
    kinds = KnownKinds(bucket)
    assert [(await kinds.get("k")).title for _ in range(3)] == ["one"] * 3
    assert bucket.reads == 1
    bucket.set("k", codec.encode_json(KindRecord(kind="k", title="two")))
    await asyncio.sleep(FRESH_SECONDS)
    assert (await kinds.get("k")).title == "two"


async def test_a_kind_that_nobody_offers_is_an_error_which_may_pass(bucket):
    with pytest.raises(ChildrenError, match="no processor runs kind 'k'") as caught:
        await KnownKinds(bucket).get("k")
    assert caught.value.retryable


async def test_it_waits_while_nats_is_unreachable(bucket):
    bucket.set("k", codec.encode_json(KindRecord(kind="k")))
    bucket.away = True
    reading = asyncio.create_task(KnownKinds(bucket).get("k"))
    await asyncio.sleep(60)
    assert not reading.done()
    bucket.away = False
    assert (await reading).kind == "k"
