"""Streams of revoked tokens end, whatever their clients do."""

import asyncio

import pytest

from headway.testing import MemoryLog
from headway_streamer.access.principal import READ, Principal
from headway_streamer.access.revocations import mark_of
from headway_streamer.watch.admission import StreamRequest
from headway_streamer.watch.open_streams import GRACE_SECONDS
from tests.unit.streamer.conftest import parse, parts_on, ticks

pytestmark = [pytest.mark.security, pytest.mark.looptime]
ANN = Principal("ann", "", frozenset((READ,)), tokens=("t1",))
BOB = ANN._replace(owner="bob", tokens=("t2",))


@pytest.fixture
async def parts():
    async with parts_on(MemoryLog()) as made:
        await made.add_task("t1", owner="ann")
        await made.add_task("t2", owner="bob")
        await made.write("t1", *ticks(1, 3))
        await made.write("t2", *ticks(1, 3))
        yield made


async def opened(parts, principal, task):
    return await parts.admission.open(StreamRequest((task,), principal=principal))


async def blocks_of(session):
    found = []
    async for piece in session.watcher.stream():
        found += parse(piece)
    session.close()
    return [block.event for block in found]


async def test_only_the_streams_of_revoked_tokens_end(parts):
    ann, bob = await opened(parts, ANN, "t1"), await opened(parts, BOB, "t2")
    reading = [asyncio.ensure_future(blocks_of(session)) for session in (ann, bob)]
    await asyncio.sleep(1)
    parts.revoked = lambda mark: mark == mark_of(ANN)
    await parts.open_streams.end_revoked()
    assert (await reading[0])[-2:] == ["message", "reauth"]
    await asyncio.sleep(1)
    assert not reading[1].done()
    assert list(parts.open_streams._marks) == [bob]
    reading[1].cancel()


async def test_a_stream_that_opens_while_its_token_is_revoked_gets_no_event(parts):
    parts.revoked = lambda mark: True
    assert await blocks_of(await opened(parts, ANN, "t1")) == ["hello", "reauth"]


async def test_a_revoked_stream_that_is_far_behind_gets_no_more_of_it(parts):
    await parts.write("t1", *ticks(4, 900))
    session = await parts.admission.open(StreamRequest(("t1",), principal=ANN, merging=False))
    pieces = session.watcher.stream()
    await anext(pieces)
    parts.revoked = lambda mark: True
    await parts.open_streams.end_revoked()
    rest = [block.event async for piece in pieces for block in parse(piece)]
    assert rest == ["reauth"]
    session.close()


async def test_a_client_that_does_not_read_is_disconnected(parts):
    session, aborted = await opened(parts, ANN, "t1"), []
    session.abort = lambda: aborted.append(asyncio.get_running_loop().time())
    parts.revoked = lambda mark: True
    began = asyncio.get_running_loop().time()
    await parts.open_streams.end_revoked()
    await asyncio.sleep(2 * GRACE_SECONDS)
    assert [at - began for at in aborted] == [pytest.approx(GRACE_SECONDS)]
    session.close()


async def test_a_stream_that_has_ended_is_forgotten(parts):
    session, aborted = await opened(parts, ANN, "t1"), []
    session.abort = lambda: aborted.append(1)
    parts.revoked = lambda mark: True
    await parts.open_streams.end_revoked()
    session.close()
    await asyncio.sleep(2 * GRACE_SECONDS)
    assert (aborted, parts.open_streams._marks) == ([], {})


async def test_without_access_control_streams_are_not_held(parts):
    session = await parts.admission.open(StreamRequest(("t1",)))
    assert parts.open_streams._marks == {}
    session.close()
