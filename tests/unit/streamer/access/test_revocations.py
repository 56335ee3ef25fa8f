"""What was revoked is known to every streamer within seconds, whatever happens to NATS in between."""

import asyncio
import time

import pytest

from headway.errors import StoreFullError, UnavailableError
from headway.testing import MemoryBucket
from headway_streamer.access import revocations
from headway_streamer.access.principal import READ, Principal
from headway_streamer.access.revocations import Revocation, Revocations

pytestmark = [pytest.mark.security, pytest.mark.looptime]
START = 1_800_000_000.0
ANN = Principal("ann", "acme", frozenset((READ,)), tokens=("t1",), issued=START)
CHILD = ANN._replace(tokens=("s1", "t1"))


def now():
    return START + asyncio.get_running_loop().time()


def token(id="t1", tenant="acme", seconds=3600.0):
    return Revocation(tenant=tenant, token=id, until=START + seconds)


def owner(name="ann", before=START, tenant="acme"):
    return Revocation(tenant=tenant, owner=name, before=before, until=before + 3600)


@pytest.fixture
def store():
    return MemoryBucket()


@pytest.fixture
async def made(store):
    return await known(store)


async def known(store):
    made = Revocations(store, clock=now)
    await made.read()
    return made


@pytest.mark.parametrize(
    ("revoked", "covered", "others"),
    [
        (token(), [ANN, CHILD], [ANN._replace(tokens=("t2",)), ANN._replace(tenant=""), ANN._replace(tokens=())]),
        (token("s1"), [CHILD], [ANN, CHILD._replace(tokens=("s2", "t1"))]),
        (owner(), [ANN, CHILD, ANN._replace(issued=0.0)], [ANN._replace(issued=START + 1)]),
        (owner(), [], [ANN._replace(owner="bob"), ANN._replace(tenant="bolt")]),
    ],
)
async def test_a_revocation_covers_what_it_names(store, made, revoked, covered, others):
    other = await known(store)
    assert not any(made.cover(each) for each in covered + others)
    assert await made.add(revoked)
    await other.read()
    for one in (made, other):
        assert all(one.cover(each) for each in covered)
        assert not any(one.cover(each) for each in others)


async def test_the_same_is_stored_once(store, made):
    assert [await made.add(one) for one in (token(), token(), owner(), owner())] == [True, False, True, False]
    assert len(await store.all()) == 2


async def test_of_several_revocations_of_an_owner_the_latest_moment_counts(store, made):
    for before in (START + 20, START + 10):
        await made.add(owner(before=before))
    assert made.cover(ANN._replace(issued=START + 15))
    assert (await known(store)).cover(ANN._replace(issued=START + 15))


async def test_a_list_of_many_pages_is_read_whole(store, made):
    for n in range(1001):
        await made.add(token(f"t{n}"))
    other = await known(store)
    assert len(other) == 1001
    reads = store.reads
    await other.read()
    assert store.reads == reads + 1


async def test_other_streamers_know_it_within_seconds(store, made):
    other = Revocations(store, clock=now)
    added = []

    async def note():
        added.append(asyncio.get_running_loop().time())

    other.on_added.append(note)
    root = asyncio.ensure_future(other.keep_read())
    await asyncio.sleep(7.3)
    await made.add(token())
    began = asyncio.get_running_loop().time()
    await asyncio.sleep(2)
    assert other.cover(ANN)
    assert [at - began <= revocations.POLL_SECONDS + 0.1 for at in added] == [True]
    root.cancel()


async def test_what_is_revoked_here_is_in_force_at_once_and_ends_streams(store):
    made = Revocations(store, clock=now)
    ended = asyncio.Event()

    async def note():
        ended.set()

    made.on_added.append(note)
    root = asyncio.ensure_future(made.keep_read())
    await asyncio.sleep(0.5)
    await made.add(token())
    assert made.cover(ANN)
    async with asyncio.timeout(0.1):
        await ended.wait()
    root.cancel()


async def test_nothing_is_known_before_the_first_reading_and_all_stays_known_while_nats_is_unreachable(store, made):
    await made.add(token())
    store.away = True
    late = Revocations(store, clock=now)
    roots = [asyncio.ensure_future(one.keep_read()) for one in (made, late)]
    await asyncio.sleep(60)
    assert (made.known, made.cover(ANN), late.known) == (True, True, False)
    store.away = False
    store_entry = token("t9")
    await made.add(store_entry)
    await asyncio.sleep(1.1)
    assert late.known
    assert late.cover(ANN)
    assert late.cover(ANN._replace(tokens=("t9",)))
    for root in roots:
        root.cancel()


async def test_a_revocation_that_could_not_be_stored_is_not_in_force(store, made):
    store.full = True
    with pytest.raises(StoreFullError):
        await made.add(token())
    store.full, store.away = False, True
    with pytest.raises(UnavailableError):
        await made.add(token())
    assert not made.cover(ANN)


async def test_a_list_that_was_lost_is_read_from_its_beginning_and_what_was_known_stays(store, made):
    for n in range(5):
        await made.add(token(f"t{n}"))
    await made.read()
    made._store = MemoryBucket()
    other = await known(made._store)
    await other.add(token("t9"))
    await made.read()
    assert all(made.cover(ANN._replace(tokens=(each,))) for each in ("t0", "t4", "t9"))


async def test_the_list_is_read_on_after_its_newest_entry_has_expired(store, made):
    await made.add(token("t2"))
    await made.add(token("short", seconds=5))
    await made.read()
    await asyncio.sleep(6)
    other = await known(store)
    await other.add(token("t3"))
    await made.read()
    assert [made.cover(ANN._replace(tokens=(each,))) for each in ("t2", "t3")] == [True, True]


async def test_what_has_expired_leaves_memory_and_store(store, made):
    root = asyncio.ensure_future(made.keep_read())
    await made.add(token(seconds=100))
    await made.add(owner(before=START - 3500))
    assert len(made) == 2
    await asyncio.sleep(200)
    assert (len(made), len(await store.all())) == (0, 0)
    root.cancel()


@pytest.mark.parametrize("value", [b"", b"x", b"\xff", b"{}", b'{"tenant": 7, "until": 1}', b"[" * 100_000])
async def test_a_malformed_entry_is_left_out(store, made, value):
    store.set("odd", value)
    await made.add(token())
    other = await known(store)
    assert other.cover(ANN)
    assert len(other) == 1


async def test_a_look_up_takes_no_longer_with_a_full_list(store, made, security_figures):
    for n in range(100_000):
        made._apply(token(f"revoked{n}"))
    began = time.perf_counter()
    for _ in range(10_000):
        made.cover(CHILD)
    microseconds = (time.perf_counter() - began) * 100
    security_figures(14, "a look-up in 100,000 revocations", µs=round(microseconds, 2))
    assert microseconds < 1000  # a search of the list takes longer
