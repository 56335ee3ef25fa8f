"""The ends of streams at shutdown."""

import asyncio

import pytest

from headway_streamer.watch.drain import OVERDUE_SECONDS, Drain, retry_ms

pytestmark = pytest.mark.looptime


async def test_a_drain_begins_once_and_wakes_all_watchers():
    drain, woken = Drain(10), []
    drain.enter("one", lambda: woken.append("one"))
    assert not drain.draining
    drain.begin()
    drain.begin()
    assert (drain.draining, woken) == (True, ["one"])


async def test_a_drain_ends_with_the_last_stream_or_a_little_after_its_window():
    drain, loop = Drain(10), asyncio.get_running_loop()
    drain.begin()
    begun = loop.time()
    await drain.emptied()
    assert loop.time() == begun
    drain.enter("stuck", lambda: None)
    await drain.emptied()
    assert loop.time() == pytest.approx(begun + 10 + OVERDUE_SECONDS)


async def test_ends_are_within_the_window():
    drain = Drain(10)
    drain.begin()
    now = asyncio.get_running_loop().time()
    times = [drain.leave_at(n) - now for n in range(200)]
    assert 0 <= min(times) < 2 < 8 < max(times) <= 10


def test_the_reconnection_time_is_half_a_second_to_three():
    assert all(500 <= retry_ms() <= 3000 for _ in range(100))


async def test_a_stream_that_is_open_after_its_end_is_overdue():
    drain = Drain(10)
    watchers = ["one", "two", "three"]
    for watcher in watchers:
        drain.enter(watcher, lambda: None)
    drain.begin()
    times = [drain.leave_at(watcher) for watcher in watchers]
    drain.leave(watchers[0])
    assert drain.overdue() == 0
    await asyncio.sleep(max(times) + OVERDUE_SECONDS + 0.1)
    assert drain.overdue() == 2
    drain.leave(watchers[1])
    drain.leave(watchers[2])
    assert drain.overdue() == 0
