"""The ring of the newest frames."""

import pytest

from headway import codec
from headway.events import Chunk
from headway.testing import progress
from headway_streamer.frames.frame import FRAME_BYTES, Frame
from headway_streamer.tail.ring import Ring, RingBudget


def frame(n, *, text="x" * 100, event=None):
    made = event or Chunk(text=text, offset=0)
    made.task, made.n = "t1", n
    return Frame.of(made, codec.encode(made), n * 10, b"inc")


def size_of(n):
    return len(frame(n).native) + FRAME_BYTES


def filled(*numbers, max_bytes=100_000, budget=None):
    ring = Ring(max_bytes, budget or RingBudget(max_bytes))
    for n in numbers:
        ring.append(frame(n))
    return ring


def numbers(frames):
    return None if frames is None else [one.n for one in frames]


@pytest.mark.parametrize(("n", "expected"), [(0, None), (2, None), (3, [4, 5, 6]), (5, [6]), (6, []), (9, [])], ids=str)
def test_the_frames_after_an_event_are_those_that_follow_it(n, expected):
    assert numbers(filled(4, 5, 6).after(n)) == expected


@pytest.mark.parametrize(("n", "found"), [(3, False), (4, True), (6, True), (7, False)])
def test_a_frame_is_found_by_its_number(n, found):
    assert (filled(4, 5, 6).frame(n) is not None) is found


def test_an_empty_ring_has_no_frames():
    ring = filled()
    assert (ring.last, ring.last_n, ring.after(0), ring.frame(0), ring.all()) == (None, 0, [], None, [])


def test_a_ring_keeps_what_fits_and_at_least_the_last_frame():
    assert numbers(filled(1, 2, 3, max_bytes=2 * size_of(1) + 10).all()) == [2, 3]
    assert numbers(filled(1, 2, 3, max_bytes=1).all()) == [3]


def test_rings_share_a_budget_and_give_it_back():
    budget = RingBudget(3 * size_of(1) + 10)
    one, other = filled(1, 2, budget=budget), filled(1, 2, budget=budget)
    assert (numbers(one.all()), numbers(other.all())) == ([1, 2], [2])
    for ring in (one, other):
        ring.clear()
    assert (budget.used, one.last, one.last_n) == (0, None, 2)


def test_a_gap_in_the_log_begins_the_ring_again():
    assert numbers(filled(1, 2, 5, 6).all()) == [5, 6]


def test_like_ticks_share_one_object():
    ring = filled()
    for n in (1, 2):
        ring.append(frame(n, event=progress("processing", float(n), step="s")))
    one, other = ring.all()
    assert one.tick is other.tick


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ([2, 3], [2, 3, 4, 5]),
        ([2, 3, 4, 5], [2, 3, 4, 5]),
        ([1, 2], [4, 5]),
        ([1, 3], [4, 5]),
        ([], [4, 5]),
        ([6], [4, 5]),
    ],
    ids=str,
)
def test_frames_that_were_read_are_kept_if_they_reach_to_the_ring(read, expected):
    ring = filled(4, 5)
    ring.backfill([frame(n) for n in read])
    assert numbers(ring.all()) == expected


def test_nothing_is_backfilled_over_the_bounds_or_into_an_empty_ring():
    ring = filled(4, 5, max_bytes=3 * size_of(1))
    ring.backfill([frame(2), frame(3)])
    assert numbers(ring.all()) == [4, 5]
    budget = RingBudget(3 * size_of(1))
    ring = filled(4, 5, budget=budget)
    ring.backfill([frame(2), frame(3)])
    assert numbers(ring.all()) == [4, 5]
    empty = filled()
    empty.backfill([frame(1)])
    assert empty.all() == []
