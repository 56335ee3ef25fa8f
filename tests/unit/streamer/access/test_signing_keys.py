"""Keys of stream tokens are made each day, and no valid token is refused while they change."""

import asyncio
import random

import msgspec
import pytest

from headway import codec
from headway.errors import UnavailableError
from headway.testing import MemoryBucket
from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.minter import LIFE_SECONDS, Claims, Minter
from headway_streamer.access.signing_keys import (
    CHECK_SECONDS,
    PERIOD_SECONDS,
    SETTLING_SECONDS,
    SigningKeys,
    StoredKey,
)

pytestmark = [pytest.mark.security, pytest.mark.looptime]
START = 1_800_000_000.0
KEPT_SECONDS = 2 * PERIOD_SECONDS + 3600


class Store(MemoryBucket):
    """A bucket that deletes keys when they are old, as the server does."""

    async def create(self, key, value):
        return await super().create(key, value, life_seconds=KEPT_SECONDS)


class Streamer:
    """A streamer's keys, and what it mints and reads with them, by a clock of its own."""

    def __init__(self, store, ahead_seconds=0.0):
        self.ahead_seconds = ahead_seconds
        self.keys = SigningKeys(store, clock=self.now)
        self.minter = Minter("t", Claims, self.keys, clock=self.now)

    def now(self):
        return START + asyncio.get_running_loop().time() + self.ahead_seconds

    def accepts(self, token):
        try:
            return bool(self.minter.claims(token))
        except UnauthenticatedError:
            return False


@pytest.fixture
def store():
    return Store()


async def test_no_valid_token_is_refused_while_keys_change_for_days(store, security_figures):
    streamers = [Streamer(store, ahead) for ahead in (-30.0, 0.0, 30.0, 12.5)]
    await asyncio.gather(*(one.keys.refresh() for one in streamers))
    roots = [asyncio.ensure_future(one.keys.keep_fresh()) for one in streamers]
    dice, refused, kids = random.Random(17), 0, set()
    for _ in range(1500):
        maker, reader = dice.choice(streamers), dice.choice(streamers)
        token, kid = (
            maker.minter.mint(Claims(sub="ann", tenant="", jti="j", of=(), issued=0.0), float("inf")),
            maker.keys.current().kid,
        )
        kids.add(kid)
        await asyncio.sleep(dice.uniform(0, LIFE_SECONDS - 61))
        refused += not reader.accepts(token)
        await asyncio.sleep(dice.uniform(0, 100))
    for root in roots:
        root.cancel()
    days = asyncio.get_running_loop().time() / PERIOD_SECONDS
    security_figures(14, "keys change; clocks a minute apart", days=round(days), keys=len(kids), refused=refused)
    assert refused == 0
    assert days - 1 < len(kids) < days + 4
    assert len(await store.all()) <= 3 * len(streamers)


async def test_streamers_that_start_together_sign_with_a_key_that_all_know(store):
    streamers = [Streamer(store) for _ in range(20)]
    await asyncio.gather(*(one.keys.refresh() for one in streamers))
    tokens = [
        one.minter.mint(Claims(sub="ann", tenant="", jti="j", of=(), issued=0.0), float("inf")) for one in streamers
    ]
    assert {one.keys.current().kid for one in streamers} == {(await store.all())[0][0]}
    assert all(one.accepts(token) for one in streamers for token in tokens)


async def test_a_new_key_signs_once_all_have_read_it_and_the_old_one_ends(store):
    one = Streamer(store)
    root = asyncio.ensure_future(one.keys.keep_fresh())
    await asyncio.sleep(1)
    first = (
        one.minter.mint(Claims(sub="ann", tenant="", jti="j", of=(), issued=0.0), float("inf")),
        one.keys.current().kid,
    )
    await asyncio.sleep(PERIOD_SECONDS)
    assert len(await store.all()) == 2
    assert one.keys.current().kid == first[1]
    await asyncio.sleep(SETTLING_SECONDS + CHECK_SECONDS)
    assert one.keys.current().kid != first[1]
    assert one.keys.find("HS256", first[1]) is not None
    await asyncio.sleep(KEPT_SECONDS)
    assert one.keys.find("HS256", first[1]) is None
    root.cancel()


async def test_keys_stay_valid_while_nats_is_unreachable_and_are_read_again_after_it(store):
    one = Streamer(store)
    root = asyncio.ensure_future(one.keys.keep_fresh())
    await asyncio.sleep(1)
    token = one.minter.mint(Claims(sub="ann", tenant="", jti="j", of=(), issued=0.0), float("inf"))
    store.away = True
    await asyncio.sleep(200)
    assert one.accepts(token)
    assert one.accepts(one.minter.mint(Claims(sub="ann", tenant="", jti="j", of=(), issued=0.0), float("inf")))
    store.away = False
    other = Streamer(lost := Store())
    await other.keys.refresh()
    one.keys._store = lost
    one.keys.read_soon()
    await asyncio.sleep(0.01)
    assert one.accepts(other.minter.mint(Claims(sub="ann", tenant="", jti="j", of=(), issued=0.0), float("inf")))
    root.cancel()


async def test_without_keys_it_tries_each_second(store):
    store.away = True
    one = Streamer(store)
    root = asyncio.ensure_future(one.keys.keep_fresh())
    await asyncio.sleep(10)
    with pytest.raises(UnavailableError):
        one.keys.current()
    store.away = False
    await asyncio.sleep(1.1)
    assert one.keys.known
    root.cancel()


async def test_a_replica_that_lags_behind_takes_no_key_away(store, monkeypatch):
    one = Streamer(store)
    await one.keys.refresh()
    kid = one.keys.current().kid

    async def nothing():
        return []

    monkeypatch.setattr(store, "all", nothing)
    await one.keys.refresh()
    assert one.keys.current().kid == kid


@pytest.mark.parametrize(
    "value",
    [
        b"x",
        b"\xff",
        b"{}",
        codec.encode_json(StoredKey(secret=b"short", made=START)),
        codec.encode_json(StoredKey(secret=b"s" * 32, made=START + 10 * PERIOD_SECONDS)),
    ],
)
async def test_what_is_no_key_is_left_out(store, value):
    store.set("odd", value)
    one = Streamer(store)
    await one.keys.refresh()
    assert one.keys.find("HS256", "odd") is None
    assert one.keys.known


async def test_a_key_is_for_one_algorithm(store):
    one = Streamer(store)
    await one.keys.refresh()
    kid = one.keys.current().kid
    assert one.keys.find("HS256", kid) is not None
    assert [one.keys.find(*wanted) for wanted in (("HS512", kid), ("HS256", None), ("HS256", "x"))] == [None] * 3


async def test_keys_are_random(store):
    await Streamer(store).keys.refresh()
    ((_, value),) = await store.all()
    ((_, other),) = await _made_elsewhere()
    assert len({msgspec.json.decode(one, type=StoredKey).secret for one in (value, other)}) == 2


async def _made_elsewhere():
    store = Store()
    await Streamer(store).keys.refresh()
    return await store.all()
