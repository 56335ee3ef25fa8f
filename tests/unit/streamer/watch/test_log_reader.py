"""No id claims what was not sent: wherever a stream is cut, its last id leads on without a hole, a repeat, or a lie."""

import asyncio

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from headway.errors import UnavailableError
from headway.events import Chunk
from headway.testing import MemoryLog
from headway_streamer.frames.cursor import LATEST, START, UNPROVEN, Position, decode, encode
from headway_streamer.tail.frame_decoder import FrameDecoder
from headway_streamer.watch.admission import StreamRequest
from tests.unit.streamer.conftest import StreamerParts, completed, parse, parts_on, ticks

pytestmark = pytest.mark.looptime

NOT_OF_THIS_LOG = ["zz9.5-3", "garbage", "inc.5-3", "inc.ffffff-ff", "inc.x", "inc.2-1.2-1"]


class Client:
    """A browser: it keeps the last id, and what it has of each task until it is sent a reset."""

    def __init__(self, cursor="", has=()):
        self.cursor = cursor
        self.has = {task: [-1] for task in has}
        """Per task the numbers it has; -1 for what it has of another log."""

    def take(self, blocks):
        for block in blocks:
            self.cursor = block.id or self.cursor
            if block.event == "reset":
                self.has[block.data["task"]] = []
            elif "n" in block.data:
                self._add(block.data["task"], block.data["n"])

    def _add(self, task, n):
        seen = self.has.setdefault(task, [])
        assert -1 not in seen, f"{task}: event {n} for a client that has something else and was not sent a reset"
        assert not seen or n == seen[-1] + 1, f"{task}: event {n} after {seen[-1]}"
        seen.append(n)


async def read_in_cuts(parts, client, tasks, cuts):
    """The client reads, is cut after so many blocks, returns with its id; at last it reads to the end."""
    for blocks in [*cuts, None]:
        client.take(await parts.read(*tasks, cursor=client.cursor, blocks=blocks, merging=False))


@pytest.mark.parametrize("cursor", NOT_OF_THIS_LOG)
@pytest.mark.parametrize("cut", [1, 2, 3])
async def test_a_cut_before_the_reset_does_not_lose_it(cursor, cut):
    async with parts_on(MemoryLog()) as parts:
        await parts.write("t1", *ticks(1, 3), completed())
        client = Client(cursor, has=["t1"])
        await read_in_cuts(parts, client, ["t1"], [cut])
        assert client.has == {"t1": [1, 2, 3, 4]}


@pytest.mark.parametrize("cut", range(1, 14))
async def test_each_of_several_tasks_gets_its_reset_wherever_the_stream_is_cut(cut):
    async with parts_on(MemoryLog()) as parts:
        for task in ("a", "b", "c"):
            await parts.write(task, *ticks(1, 2), completed())
        client = Client("zz9.5-3.6-3.7-3", has=["a", "b", "c"])
        await read_in_cuts(parts, client, ["a", "b", "c"], [cut])
        assert client.has == {task: [1, 2, 3] for task in ("a", "b", "c")}


@given(
    st.lists(st.integers(1, 9), max_size=8),
    st.sampled_from(["", *NOT_OF_THIS_LOG, "inc.x.x", "inc.9-9.2-1"]),
    st.integers(3, 12),
)
@bounds(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_cut_makes_a_hole_or_a_unannounced_replay(cuts, cursor, kept):
    async with parts_on(MemoryLog(max_per_task=kept), ring_bytes=400) as parts:
        for task, count in (("a", 5), ("b", 9)):
            await parts.write(task, *(Chunk(text="x" * 50, offset=n) for n in range(count)), completed())
        client = Client(cursor, has=["a", "b"] if cursor else [])
        await read_in_cuts(parts, client, ["a", "b"], cuts)
        assert {task: seen[-1] for task, seen in client.has.items()} == {"a": 6, "b": 10}


async def test_a_stream_recreated_meanwhile_leaves_no_id_that_claims_the_old_one():
    log = MemoryLog()
    async with parts_on(log) as parts:
        for task in ("a", "b"):
            await parts.write(task, *ticks(1, 4))
        client = Client()
        client.take(await parts.read("a", "b", blocks=9, merging=False))
        log.recreate()
        await parts.tails.check_incarnation("inc2")
        for task in ("a", "b"):
            await parts.write(task, *ticks(1, 5), completed())
        await read_in_cuts(parts, client, ["a", "b"], [1, 2, 2])
        assert client.has == {"a": [1, 2, 3, 4, 5, 6], "b": [1, 2, 3, 4, 5, 6]}


async def test_a_watcher_whose_stream_is_recreated_is_sent_no_claim_before_its_resets():
    log = MemoryLog()
    async with parts_on(log) as parts:
        watched = await parts.watch("a", "b", merging=False)
        for task in ("a", "b"):
            await parts.write(task, *ticks(1, 3))
        await watched.until(lambda b: b.data.get("task") == "b" and b.data.get("n") == 3)
        log.recreate()
        await parts.tails.check_incarnation("inc2")
        for task in ("a", "b"):
            await parts.write(task, *ticks(1, 1), completed())
        sent = [b for b in await watched.all() if b.event != "comment"]
        reset = set()
        for block in sent:
            if block.event == "reset":
                reset.add(block.data["task"])
            claims = dict(zip(("a", "b"), decode(block.id).positions, strict=True))
            assert all(claims[task] == UNPROVEN for task in {"a", "b"} - reset), block
        assert reset == {"a", "b"}


async def test_a_client_cut_before_the_latest_progress_begins_at_the_latest_again():
    async with parts_on(MemoryLog()) as parts:
        await parts.write("t1", *ticks(1, 5))
        hello = (await parts.read("t1", blocks=1, latest=True))[0]
        assert decode(hello.id).positions == (LATEST,)
        await parts.write("t1", *ticks(6, 6), completed())
        assert [b.data["n"] for b in await parts.read("t1", cursor=hello.id) if "n" in b.data] == [7]


def test_marks_are_encoded_beside_positions():
    text = encode("inc", [START, UNPROVEN, LATEST, Position(10, 3)])
    assert text == "inc.0-0.x.l.a-3"
    assert decode(text).positions == (START, UNPROVEN, LATEST, Position(10, 3))


async def test_one_unreachable_moment_costs_a_stream_of_many_tasks_one_pause():
    log = MemoryLog()
    async with parts_on(log, ring_bytes=1) as parts:
        tasks = [f"t{n}" for n in range(30)]
        for task in tasks:
            await parts.write(task, *ticks(1, 3))
        watched = await parts.watch(*tasks)
        assert (await watched.next()).event == "hello"
        log.away = True
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(16)
        parts.drain.begin()
        assert (await watched.until(lambda b: b.event == "goodbye"))[-1].event == "goodbye"
        assert asyncio.get_running_loop().time() - begun <= 16 + parts.settings.drain_seconds + 1.5
        log.away = False


async def test_nothing_is_served_and_no_frame_is_made_before_the_log_is_known():
    async with parts_on(MemoryLog()) as parts:
        await parts.write("t1", *ticks(1, 3))
        valid = (await parts.read("t1", blocks=2, merging=False))[-1].id
        fresh = FrameDecoder(parts.metrics)
        restarted = StreamerParts(parts.log, decoder=fresh)
        session = await restarted.admission.open(StreamRequest(("t1",), valid))
        assert session.watcher is None
        assert [(sent.event, sent.data, sent.id) for sent in parse(session.farewell)] == [
            ("goodbye", {"reason": "unavailable"}, "")
        ]
        with pytest.raises(UnavailableError):
            fresh.frame("t1", parts.log._logs["t1"][0].payload, 1)
        with pytest.raises(UnavailableError):
            _ = fresh.incarnation
        await restarted.tails.check_incarnation("inc")
        assert [b.event for b in await restarted.read("t1", cursor=valid, blocks=2)] == ["hello", "message"]
