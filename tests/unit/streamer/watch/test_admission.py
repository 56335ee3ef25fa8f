"""Admission of streams."""

import asyncio
from contextlib import suppress

import pytest

from headway.eventlog.chain import EMPTY, Chain
from headway.ownership import Ownership
from headway.testing import MemoryLog
from headway_streamer.access.principal import ACTIONS, ALL, Principal
from headway_streamer.frames.cursor import encode
from headway_streamer.limits.caller import Caller
from headway_streamer.problems import Problem
from headway_streamer.watch.admission import StreamRequest, parse_cursor, rejection
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


ADA = Caller(owner="ada")


async def test_limits_reject_and_free_places_are_given_again():
    async with parts_on(MemoryLog(), max_watchers=2, max_watchers_per_user=1) as parts:
        await parts.write("t1", *ticks(1, 1))
        ada = await parts.admission.open(StreamRequest(("t1",), caller=ADA))
        assert reason(await parts.admission.open(StreamRequest(("t1",), caller=ADA))) == "limit"
        other = await parts.admission.open(StreamRequest(("t1",)))
        assert reason(await parts.admission.open(StreamRequest(("t1",)))) == "overload"
        for session in (ada, other):
            session.close()
        again = await parts.admission.open(StreamRequest(("t1",), caller=ADA))
        assert again.watcher is not None
        again.close()


@pytest.mark.security
@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"max_watchers_per_user": 10}, StreamRequest(("t1",), caller=ADA)),
        ({"max_watchers": 10}, StreamRequest(("t1",))),
    ],
)
async def test_requests_that_come_at_once_do_not_pass_a_limit_together(settings, wanted):
    async with parts_on(MemoryLog(), **settings) as parts:
        await parts.write("t1", *ticks(1, 1))
        sessions = await asyncio.gather(*(parts.admission.open(wanted) for _ in range(100)))
        assert sum(session.watcher is not None for session in sessions) == 10
        for session in sessions:
            session.close()
        assert parts.admission.count == 0


@pytest.mark.parametrize(("task", "cursor", "away"), [("t1", "end", False), ("absent", "", False), ("t1", "", True)])
async def test_a_request_without_a_stream_takes_no_place(parts, log, task, cursor, away):
    await parts.write("t1", *ticks(1, 1), completed())
    cursor = cursor and encode("inc", [(await parts.history.last("t1")).position])
    log.away = away
    with suppress(Problem):
        await parts.admission.open(StreamRequest((task,), cursor, caller=ADA))
    assert parts.admission.count == 0
    assert parts.limits.places["owner"].report() == {}


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


MINE = Ownership("ann", "acme")
ANN = Principal("ann", "acme", ACTIONS)
BOB = Principal("bob", "acme", ACTIONS)
ADMIN = Principal("root", "acme", ACTIONS | {ALL})


async def owned(parts, task, *events):
    """A task of ann's, whose events say so."""
    await parts.add_task(task, owner="ann", tenant="acme")
    chain = Chain(parts.log, task, EMPTY._replace(ownership=MINE), attempt=1)
    for event in events:
        await chain.append(event)


class Reads:
    """Counts reads of the log's end and of records."""

    def __init__(self, parts, monkeypatch):
        self.made = []
        for name, store, method in (("log", parts.log, "last"), ("record", parts.records, "get")):
            monkeypatch.setattr(store, method, self._counted(name, getattr(store, method)))

    def _counted(self, name, method):
        async def counted(key):
            self.made.append(name)
            return await method(key)

        return counted

    def taken(self):
        made, self.made = self.made, []
        return made


async def reads_of_refusal(parts, reads, task, principal=BOB):
    with pytest.raises(Problem) as caught:
        await parts.admission.open(StreamRequest((task,), principal=principal))
    assert caught.value.status == 404
    return reads.taken()


@pytest.mark.parametrize("principal", [ANN, ADMIN])
async def test_the_events_of_a_task_tell_whose_it_is_in_the_same_read(parts, monkeypatch, principal):
    await owned(parts, "t1", *ticks(1, 1))
    reads = Reads(parts, monkeypatch)
    (await parts.admission.open(StreamRequest(("t1",), principal=principal))).close()
    assert reads.taken() == ["log"]


async def test_a_foreign_task_costs_the_same_reads_as_an_absent_one_also_while_it_is_watched(parts, monkeypatch):
    await owned(parts, "t1", *ticks(1, 1))
    reads = Reads(parts, monkeypatch)
    absent = await reads_of_refusal(parts, reads, "t2")
    assert await reads_of_refusal(parts, reads, "t1") == absent == ["log", "record"]
    watching = await parts.admission.open(StreamRequest(("t1",), principal=ANN))
    reads.taken()
    assert await reads_of_refusal(parts, reads, "t1") == absent
    watching.close()


async def test_the_record_tells_whose_a_task_is_when_no_event_does(parts, monkeypatch):
    await parts.add_task("t1", owner="ann", tenant="acme")
    await parts.write("t1", *ticks(1, 1))
    reads = Reads(parts, monkeypatch)
    (await parts.admission.open(StreamRequest(("t1",), principal=ANN))).close()
    assert reads.taken() == ["log", "record"]
    assert "record" in await reads_of_refusal(parts, reads, "t1")


def test_a_client_returns_no_earlier_than_its_limit_allows():
    (goodbye,) = parse(rejection("limit", 20).farewell)
    assert 21_500 <= goodbye.retry <= 29_000


def test_text_that_is_not_a_cursor_is_none():
    assert parse_cursor("garbage!") is None
    assert parse_cursor("inc.1-1").incarnation == "inc"
