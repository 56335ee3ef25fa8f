"""Admission of streams."""

import pytest

from headway.testing import MemoryLog
from headway_streamer.frames.cursor import encode
from headway_streamer.problems import Problem
from headway_streamer.watch.admission import StreamRequest, parse_cursor
from tests.unit.streamer.conftest import completed, parse, parts_on, ticks

pytestmark = pytest.mark.looptime


def reason(session):
    """Why a stream was rejected."""
    (goodbye,) = parse(session.farewell)
    assert goodbye.retry >= 1500
    return goodbye.data["reason"]


@pytest.mark.parametrize("head", [False, True])
async def test_an_unknown_task_is_a_problem_and_a_known_one_without_events_is_not(parts, head):
    with pytest.raises(Problem):
        await parts.admission.open(StreamRequest(("t1",), head=head))
    await parts.add_task("t1")
    session = await parts.admission.open(StreamRequest(("t1",), head=head))
    assert (session.watcher is None) is head
    session.close()
    assert parts.admission.count == 0


async def test_a_task_among_others_that_is_unknown_leaves_no_tail(parts):
    await parts.write("a", *ticks(1, 1))
    with pytest.raises(Problem):
        await parts.admission.open(StreamRequest(("a", "b")))
    assert parts.metrics.watchers == 0
    assert not any(entry.users for entry in parts.tails._entries.values())


async def test_limits_reject_and_free_places_are_given_again():
    async with parts_on(MemoryLog(), max_watchers=2, max_watchers_per_user=1) as parts:
        await parts.write("t1", *ticks(1, 1))
        ada = await parts.admission.open(StreamRequest(("t1",), user="ada"))
        assert reason(await parts.admission.open(StreamRequest(("t1",), user="ada"))) == "overload"
        other = await parts.admission.open(StreamRequest(("t1",)))
        assert reason(await parts.admission.open(StreamRequest(("t1",)))) == "overload"
        for session in (ada, other):
            session.close()
        again = await parts.admission.open(StreamRequest(("t1",), user="ada"))
        assert again.watcher is not None
        again.close()


@pytest.mark.parametrize("head", [False, True])
async def test_a_drain_and_an_unreachable_nats_reject(parts, log, head):
    await parts.write("t1", *ticks(1, 1))
    log.away = True
    assert reason(await parts.admission.open(StreamRequest(("t1",), head=head))) == "unavailable"
    log.away = False
    parts.drain.begin()
    assert reason(await parts.admission.open(StreamRequest(("t1",), head=head))) == "drain"


@pytest.mark.parametrize("head", [False, True])
async def test_a_client_that_has_everything_gets_no_stream(parts, head):
    await parts.write("t1", *ticks(1, 1), completed())
    end = encode("inc", [(await parts.history.last("t1")).position])
    assert await parts.admission.open(StreamRequest(("t1",), end, head=head)) is None
    for cursor in ("", "garbage", "old.2-2", "inc.1-1"):
        session = await parts.admission.open(StreamRequest(("t1",), cursor, head=head))
        assert session is not None
        session.close()


def test_text_that_is_not_a_cursor_is_none():
    assert parse_cursor("garbage!") is None
    assert parse_cursor("inc.1-1").incarnation == "inc"
