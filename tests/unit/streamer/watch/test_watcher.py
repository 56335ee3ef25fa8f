"""What one watcher gets: order, no hole, no duplicate, or a reset."""

import asyncio
from contextlib import aclosing

import pytest

from headway.eventlog.deletion import mark_deleted
from headway.events import Chunk, LogLine
from headway.testing import MemoryLog, progress
from headway_streamer.frames.cursor import LATEST, Position, decode
from headway_streamer.frames.dialect import CELERY, THREE_WORDS
from headway_streamer.watch.admission import StreamRequest
from headway_streamer.watch.watcher import STEP_BYTES
from tests.unit.streamer.conftest import completed, parse, parts_on, ticks

pytestmark = pytest.mark.looptime


def numbers(blocks):
    return [b.data["n"] for b in blocks if "n" in b.data]


async def test_hello_comes_first_and_names_the_server(parts):
    await parts.write("t1", *ticks(1, 1))
    watched = await parts.watch("t1")
    hello = await watched.next()
    assert (hello.event, hello.data["server"], hello.data["tasks"]) == ("hello", "s1", ["t1"])
    assert 500 <= hello.retry <= 3000
    assert decode(hello.id).positions == ((0, 0),)


async def test_a_watcher_that_joins_before_sees_every_event_once(parts):
    watched = await parts.watch("t1", merging=False)
    await parts.write("t1", *ticks(1, 5), completed())
    assert numbers(await watched.all()) == [1, 2, 3, 4, 5, 6]


async def test_a_watcher_that_joins_in_the_middle_sees_every_event_once(parts):
    await parts.write("t1", *ticks(1, 5))
    watched = await parts.watch("t1", merging=False)
    await watched.until(lambda b: b.data.get("n") == 3)
    await parts.write("t1", *ticks(6, 8), completed())
    assert numbers(await watched.all()) == [4, 5, 6, 7, 8, 9]


async def test_a_watcher_that_joins_after_the_end_sees_the_history_and_a_clean_end(parts):
    await parts.write("t1", *ticks(1, 5), completed())
    watched = await parts.watch("t1", merging=False)
    assert numbers(await watched.all()) == [1, 2, 3, 4, 5, 6]
    assert watched.watcher.ended_by == "completed"


async def test_history_longer_than_a_page_and_a_ring_is_complete(log):
    async with parts_on(log, ring_bytes=2000) as parts:
        await parts.write("t1", *(Chunk(text=str(n), offset=n) for n in range(700)), completed())
        watched = await parts.watch("t1")
        assert numbers(await watched.all()) == list(range(1, 702))


async def test_like_ticks_of_the_past_are_merged_and_the_rest_is_kept(parts):
    steps = [*ticks(1, 4, step="a"), LogLine(level="info", message="x"), *ticks(5, 9, step="b"), completed()]
    await parts.write("t1", *steps)
    watched = await parts.watch("t1")
    assert numbers(await watched.all()) == [4, 5, 10, 11]
    assert parts.counted("events_merged_total") == 7


async def test_from_latest_begins_with_the_last_progress(parts):
    await parts.write("t1", *ticks(1, 4), Chunk(text="x", offset=0), Chunk(text="y", offset=1))
    watched = await parts.watch("t1", at=LATEST)
    await parts.write("t1", completed())
    assert numbers(await watched.all()) == [4, 5, 6, 7]


async def test_a_cursor_resumes_after_its_event(parts):
    await parts.write("t1", *ticks(1, 9), completed())
    watched = await parts.watch("t1", at=Position(4, 4), merging=False)
    blocks = await watched.all()
    assert numbers(blocks) == [5, 6, 7, 8, 9, 10]
    assert "reset" not in [b.event for b in blocks]


async def test_a_cursor_resumes_from_history_when_the_ring_has_moved_on(log):
    async with parts_on(log, ring_bytes=500) as parts:
        await parts.write("t1", *ticks(1, 600), completed())
        watched = await parts.watch("t1", at=Position(4, 4), merging=False)
        assert numbers(await watched.all()) == list(range(5, 602))


@pytest.mark.parametrize(
    ("position", "reason"),
    [(Position(3, 7), "cursor"), (Position(99, 99), "future"), (Position(2, 9), "cursor"), (Position(9, 2), "cursor")],
)
async def test_a_cursor_that_is_not_of_this_log_resets(parts, position, reason):
    await parts.write("t1", *ticks(1, 8), completed())
    watched = await parts.watch("t1", at=position, merging=False)
    blocks = await watched.all()
    assert [(b.event, b.data.get("reason")) for b in blocks[1:2]] == [("reset", reason)]
    assert numbers(blocks) == list(range(1, 10))
    assert parts.counted("stream_resets_total", reason=reason) == 1


async def test_a_mismatch_from_outside_resets(parts):
    await parts.write("t1", *ticks(1, 2), completed())
    watched = await parts.watch("t1", mismatch="incarnation")
    blocks = await watched.all()
    assert blocks[1].data == {"task": "t1", "reason": "incarnation"}
    assert numbers(blocks) == [2, 3]


async def test_a_trimmed_history_resets_a_new_watcher_and_shows_what_is_kept():
    async with parts_on(MemoryLog(max_per_task=4)) as parts:
        await parts.write("t1", *ticks(1, 9), completed())
        watched = await parts.watch("t1", merging=False)
        blocks = await watched.all()
        assert blocks[1].data == {"task": "t1", "reason": "trimmed"}
        assert numbers(blocks) == [7, 8, 9, 10]


async def test_a_trimmed_history_resets_a_cursor_before_it():
    async with parts_on(MemoryLog(max_per_task=4)) as parts:
        await parts.write("t1", *ticks(1, 9), completed())
        watched = await parts.watch("t1", at=Position(3, 3), merging=False)
        blocks = await watched.all()
        assert [b.event for b in blocks[1:3]] == ["reset", "message"]
        assert numbers(blocks) == [7, 8, 9, 10]


async def test_an_event_whose_republish_was_lost_is_found_by_the_next_one(parts, log):
    watched = await parts.watch("t1", merging=False)
    await parts.write("t1", *ticks(1, 2))
    await watched.until(lambda b: b.data.get("n") == 2)
    log.mute = True
    await parts.write("t1", *ticks(3, 5))
    log.mute = False
    await parts.write("t1", completed())
    assert numbers(await watched.all()) == [3, 4, 5, 6]
    assert parts.counted("tail_refills_total") >= 1


async def test_a_terminal_event_whose_republish_was_lost_is_found_by_the_probe(parts, log):
    watched = await parts.watch("t1", merging=False)
    await parts.write("t1", *ticks(1, 2))
    await watched.until(lambda b: b.data.get("n") == 2)
    await asyncio.sleep(3)
    log.mute = True
    await parts.write("t1", *ticks(3, 4), completed())
    started = asyncio.get_running_loop().time()
    assert numbers(await watched.all()) == [3, 4, 5]
    assert asyncio.get_running_loop().time() - started <= 16
    assert parts.counted("tail_probe_repairs_total") == 1


async def test_a_task_whose_events_are_shown_is_not_probed(parts, log, monkeypatch):
    asked = []
    lasts = log.lasts
    monkeypatch.setattr(log, "lasts", lambda tasks, floor: asked.append(list(tasks)) or lasts(tasks, floor))
    watched = await parts.watch("quiet", "busy", merging=False)
    for n in range(1, 60):
        await parts.write("busy", *ticks(n, n))
        await watched.until(lambda b, n=n: b.data.get("n") == n)
        await asyncio.sleep(0.9)
    assert asked == [["quiet"]] * len(asked)
    assert len(asked) >= 3


async def test_a_task_that_fell_idle_is_probed_in_time(parts, log):
    watched = await parts.watch("t1", merging=False)
    for n in range(1, 40):
        await parts.write("t1", *ticks(n, n))
        await asyncio.sleep(0.9)
    log.mute = True
    await parts.write("t1", completed())
    started = asyncio.get_running_loop().time()
    assert numbers(await watched.all())[-1] == 40
    assert asyncio.get_running_loop().time() - started <= 15.5


@pytest.mark.security
async def test_a_malformed_event_is_skipped_and_the_others_arrive(parts, log):
    watched = await parts.watch("t1", merging=False)
    head = await parts.write("t1", *ticks(1, 2))
    await log.put("t1", b"{nonsense", expected=head.seq, msg_id="evil")
    await parts.write("t1", *ticks(3, 4), completed())
    assert numbers(await watched.all()) == [1, 2, 3, 4, 5]
    assert parts.counted("events_malformed_total") >= 1


async def test_an_event_that_names_another_task_is_skipped(parts, log):
    watched = await parts.watch("t1", merging=False)
    head = await parts.write("other", *ticks(1, 1))
    await log.put("t1", log._logs["other"][0].payload, expected=0, msg_id="evil")
    await parts.write("t1", completed())
    assert head.seq == 1
    assert numbers(await watched.all()) == [1]


async def test_an_idle_stream_gets_a_heartbeat_every_15_seconds(parts):
    await parts.write("t1", progress("queued"))
    watched = await parts.watch("t1")
    await watched.until(lambda b: b.data.get("n") == 1)
    start = asyncio.get_running_loop().time()
    for round in (1, 2, 3):
        beat = await watched.next()
        assert beat.event == "comment"
        assert asyncio.get_running_loop().time() - start == pytest.approx(15 * round, abs=0.5)


async def test_a_running_task_without_task_beat_is_stalled_once(parts, log):
    await parts.write("t1", *ticks(1, 1))
    watched = await parts.watch("t1")
    blocks = await watched.until(lambda b: b.event == "stalled")
    assert blocks[-1].data == {"task": "t1", "seconds": 15}
    assert (await watched.next()).event == "comment"
    assert (await watched.next()).event == "comment"


async def test_a_stalled_task_that_reports_again_is_announced_as_resumed(parts, log):
    await parts.write("t1", *ticks(1, 1))
    watched = await parts.watch("t1")
    await watched.until(lambda b: b.event == "stalled")
    await asyncio.sleep(3)
    await log.beat("t1", b'{"type":"beat","task":"t1","attempt":1}')
    beaten_at = asyncio.get_running_loop().time()
    blocks = await watched.until(lambda b: b.event == "resumed")
    assert asyncio.get_running_loop().time() == beaten_at
    assert [(b.event, b.data) for b in blocks if b.event != "comment"] == [
        ("stalled", {"task": "t1", "seconds": 0}),
        ("resumed", {"task": "t1"}),
    ]
    assert (await watched.next()).data == {"task": "t1", "seconds": 15}


async def test_a_step_sends_a_bounded_number_of_bytes_in_turn_over_the_tasks(parts):
    tasks = [f"t{n:02}" for n in range(32)]
    for task in tasks:
        await parts.write(task, *(Chunk(text="x" * 20_000, offset=n) for n in range(12)), completed())
    session = await parts.admission.open(StreamRequest(tuple(tasks)))
    sent, turns = [], []
    async with aclosing(session.watcher.stream()) as pieces:
        async for piece in pieces:
            assert len(piece) < STEP_BYTES + 25_000
            blocks = [b.data for b in parse(piece) if "n" in b.data]
            turns += [block["task"] for place, block in enumerate(blocks) if place == 0]
            sent += [(block["task"], block["n"]) for block in blocks]
    session.close()
    assert sorted(sent) == [(task, n) for task in tasks for n in range(1, 14)]
    assert set(turns[:32]) == set(tasks)


def where_sum_and_difference_disagree(after, silence):
    """A time t, a multiple of a microsecond, with t + silence - t < silence in floating point."""
    times = (round(after + step * 1e-6, 6) for step in range(1, 10_000))
    return next(t for t in times if round(t + silence, 6) - t < silence)


@pytest.mark.timeout(10)
async def test_a_watcher_woken_a_moment_too_early_to_leave_does_not_spin(log, monkeypatch):
    """Timers fire early, by the resolution of the clock; virtual time would stand still indefinitely."""
    async with parts_on(log, drain_seconds=20) as parts:
        await parts.write("t1", *ticks(1, 3))
        watched = await parts.watch("t1")
        monkeypatch.setattr(parts.drain, "leave_at", lambda _: 5.0 + 2.5e-12)
        parts.drain.begin()
        assert (await watched.all())[-1].event == "goodbye"


@pytest.mark.timeout(10)
async def test_a_watcher_woken_at_the_very_time_of_the_stall_does_not_spin(parts):
    loop = asyncio.get_running_loop()
    watched = await parts.watch("t1")
    at = where_sum_and_difference_disagree(loop.time() + 1.0, parts.settings.stalled_seconds)
    await asyncio.sleep(at - loop.time())
    await parts.write("t1", *ticks(1, 1))
    assert loop.time() == at
    assert (await watched.until(lambda b: b.event == "stalled"))[-1].data["seconds"] == 15
    await watched.close()


async def test_a_beat_keeps_a_quiet_task_from_being_stalled(parts, log):
    await parts.write("t1", *ticks(1, 1))
    watched = await parts.watch("t1")
    for _ in range(10):
        await asyncio.sleep(5)
        await log.beat("t1", b'{"type":"beat","task":"t1","attempt":1}')
    await parts.write("t1", completed())
    assert "stalled" not in [b.event for b in await watched.all()]


async def test_a_tail_hears_beats_unless_its_task_has_ended(parts, log):
    await parts.write("t1", *ticks(1, 1))
    await parts.write("t2", completed())
    tails = [await parts.tails.join(task) for task in ("t1", "t2")]
    assert [log.beat_subscribers(task) for task in ("t1", "t2")] == [1, 0]
    for tail in tails:
        parts.tails.leave(tail)
    await parts.tails.close()
    assert [log.beat_subscribers(task) for task in ("t1", "t2")] == [0, 0]


async def test_a_live_message_that_was_not_stored_is_counted_and_skipped(parts):
    await parts.write("t1", *ticks(1, 1))
    tail = await parts.tails.join("t1")
    alive_at = tail.alive_at
    await asyncio.sleep(1)
    tail.on_live(0, 0, b'{"type":"beat","task":"t1","attempt":1}')
    assert (tail.alive_at, tail.ring.last_n, parts.counted("events_malformed_total")) == (alive_at, 1, 1)
    parts.tails.leave(tail)


async def test_a_stream_ends_cleanly_at_the_end_of_its_life_with_a_cursor_to_resume(parts):
    await parts.write("t1", *ticks(1, 3))
    watched = await parts.watch("t1")
    start = asyncio.get_running_loop().time()
    blocks = await watched.all()
    assert 480 <= asyncio.get_running_loop().time() - start <= 721
    assert (blocks[-1].event, blocks[-1].data) == ("goodbye", {"reason": "lifetime"})
    assert decode(blocks[-1].id).positions == ((3, 3),)
    assert blocks[-1].retry is not None


@pytest.mark.parametrize("dialect", [CELERY, THREE_WORDS])
async def test_a_stream_of_a_seeds_route_ends_for_a_drain_and_not_for_age(log, dialect):
    async with parts_on(log, lifetime_seconds=10) as parts:
        await parts.write("t1", *ticks(1, 3))
        watched = await parts.watch("t1", dialect=dialect)
        await asyncio.sleep(60)
        assert not watched.watcher.over
        parts.drain.begin()
        assert (await watched.all())[-1].data == {"reason": "drain"}


async def test_a_drain_ends_all_streams_spread_over_the_window(log):
    async with parts_on(log, drain_seconds=20) as parts:
        await parts.write("t1", *ticks(1, 3))
        all_watched = [await parts.watch("t1") for _ in range(60)]
        await asyncio.sleep(1)
        start = asyncio.get_running_loop().time()
        parts.drain.begin()

        async def end(watched):
            last = (await watched.all())[-1]
            return last, asyncio.get_running_loop().time() - start

        ends = await asyncio.gather(*(end(w) for w in all_watched))
        assert {last.data["reason"] for last, _ in ends} == {"drain"}
        times = sorted(at for _, at in ends)
        assert times[-1] <= 20.5
        assert sum(t < 10 for t in times) in range(12, 49)
        await parts.drain.emptied()
        assert parts.drain.overdue() == 0


async def test_several_tasks_share_one_stream_with_a_vector_cursor(parts):
    watched = await parts.watch("b", "a", merging=False)
    await parts.write("a", *ticks(1, 2))
    await parts.write("b", *ticks(1, 3), completed())
    first = await watched.until(lambda b: b.data.get("task") == "b" and b.data.get("n") == 4)
    assert [b.data["n"] for b in first if b.data.get("task") == "a"] == [1, 2]
    places = decode(first[-1].id).positions
    assert places == ((2, 2), (6, 4))
    await watched.close()
    again = await parts.watch("a", "b", at=list(places), merging=False)
    await parts.write("a", completed())
    assert [(b.data["task"], b.data["n"]) for b in await again.all() if "n" in b.data] == [("a", 3)]


async def test_each_id_of_a_shared_stream_resumes_without_hole_or_duplicate(parts):
    await parts.write("a", *ticks(1, 3), completed())
    await parts.write("b", *ticks(1, 3), completed())
    every = [b for b in await (await parts.watch("a", "b", merging=False)).all() if "n" in b.data]
    for cut, block in enumerate(every):
        watched = await parts.watch("a", "b", at=list(decode(block.id).positions), merging=False)
        rest = [b for b in await watched.all() if b.event == "reset" or "n" in b.data]
        assert [(b.data["task"], b.data["n"]) for b in rest] == [
            (b.data["task"], b.data["n"]) for b in every[cut + 1 :]
        ]


async def test_the_named_cursor_carries_the_task(parts):
    await parts.write("t1", completed())
    watched = await parts.watch("t1", named=True)
    assert {decode(b.id).task for b in await watched.all()} == {"t1"}


async def test_the_stream_stays_open_while_nats_is_unreachable_and_continues_after(parts, log):
    watched = await parts.watch("t1", merging=False)
    await parts.write("t1", *ticks(1, 2))
    await watched.until(lambda b: b.data.get("n") == 2)
    log.mute = True
    await parts.write("t1", *ticks(3, 4))
    log.away = True
    assert (await watched.next()).event in ("comment", "stalled")
    log.away = log.mute = False
    await parts.write("t1", completed())
    assert numbers(await watched.all()) == [3, 4, 5]


async def test_a_recreated_stream_resets_the_watchers(parts, log):
    watched = await parts.watch("t1", merging=False)
    await parts.write("t1", *ticks(1, 5))
    await watched.until(lambda b: b.data.get("n") == 5)
    log.recreate()
    await parts.tails.check_incarnation("inc2")
    await parts.write("t1", *ticks(1, 1), completed())
    blocks = [b for b in await watched.all() if b.event != "comment"]
    assert (blocks[0].event, blocks[0].data.get("reason")) == ("reset", "incarnation")
    assert numbers(blocks) == [1, 2]
    assert {decode(b.id).incarnation for b in blocks} == {"inc2"}


async def test_a_watcher_that_leaves_frees_the_tail_and_the_subscription(parts, log):
    await parts.write("t1", *ticks(1, 1))
    one, two = await parts.watch("t1"), await parts.watch("t1")
    await one.next()
    await two.next()
    assert (len(parts.tails), log.subscribers("t1")) == (1, 1)
    await one.close()
    assert (len(parts.tails), log.subscribers("t1")) == (1, 1)
    await two.close()
    await asyncio.sleep(1)
    assert (len(parts.tails), log.subscribers("t1")) == (0, 0)


async def test_a_hundred_watchers_of_an_old_task_share_its_reads(parts, log):
    await parts.write("t1", *(Chunk(text="x", offset=n) for n in range(200)), completed())
    before = log.reads
    streams = await asyncio.gather(*(parts.watch("t1") for _ in range(100)))
    results = await asyncio.gather(*(w.all() for w in streams))
    assert {tuple(numbers(r)) for r in results} == {tuple(range(1, 202))}
    assert log.reads - before < 10


async def test_a_wave_of_returning_watchers_is_served_from_memory(log):
    async with parts_on(log) as parts:
        await parts.write("t1", *(Chunk(text="x", offset=n) for n in range(600)))
        first = await parts.watch("t1", at=Position(400, 400))
        assert numbers(await first.until(lambda b: b.data.get("n") == 600)) == list(range(401, 601))
        reads = log.reads
        wave = [await parts.watch("t1", at=Position(n, n)) for n in range(400, 600)]
        await parts.write("t1", completed())
        for watched, n in zip(wave, range(400, 600), strict=True):
            assert numbers(await watched.all()) == list(range(n + 1, 602))
        assert log.reads == reads


async def test_the_rings_of_all_tails_share_a_bound(log):
    async with parts_on(log) as parts:
        parts.tails._budget.limit = 20_000
        for task in ("a", "b", "c"):
            watched = await parts.watch(task)
            await parts.write(task, *(Chunk(text="x" * 100, offset=n) for n in range(100)))
            await watched.until(lambda b: b.data.get("n") == 100)
        assert 10_000 < parts.tails._budget.used <= 21_000  # each tail keeps its last frame
        again = await parts.watch("a")
        assert numbers(await again.until(lambda b: b.data.get("n") == 100)) == list(range(1, 101))


async def test_a_tail_is_kept_for_a_while_after_its_last_watcher(log):
    async with parts_on(log) as parts:
        parts.tails._linger = 5
        await parts.write("t1", *ticks(1, 1))
        watched = await parts.watch("t1")
        await watched.next()
        await watched.close()
        await asyncio.sleep(4)
        assert log.subscribers("t1") == 1
        again = await parts.watch("t1")
        await again.next()
        await asyncio.sleep(4)
        assert log.subscribers("t1") == 1
        await again.close()
        await asyncio.sleep(6)
        assert (len(parts.tails), log.subscribers("t1")) == (0, 0)
        assert parts.tails._budget.used == 0


async def test_a_deletion_ends_the_stream_with_a_goodbye_and_empties_the_tail(parts, log):
    await parts.write("t1", *ticks(1, 1), completed("secret"))
    watched = await parts.watch("t1", "t2")
    assert numbers(await watched.until(lambda block: block.data.get("n") == 2)) == [1, 2]
    tail = await parts.tails.join("t1")
    assert tail.ring.all()
    await mark_deleted(log, "t1")
    assert tail.ring.all() == []
    await parts.write("t2", *ticks(1, 1), completed())
    *sent, goodbye = await watched.all()
    assert [(block.data["task"], block.data["n"]) for block in sent] == [("t2", 1), ("t2", 2)]
    assert (goodbye.event, goodbye.data, watched.watcher.ended_by) == ("goodbye", {"reason": "deleted"}, "deleted")


async def test_a_watcher_in_the_middle_of_history_gets_no_more_of_a_deleted_task(parts, log):
    await parts.write("t1", *ticks(1, 900), completed())
    watched = await parts.watch("t1", merging=False)
    assert (await watched.next()).event == "hello"
    await mark_deleted(log, "t1")
    *_, goodbye = await watched.all()
    assert goodbye.data == {"reason": "deleted"}
