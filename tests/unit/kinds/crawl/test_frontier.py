"""Which URL of a crawl is requested next, also by the attempt after a crash."""

import msgspec
import pytest

from headway_kinds.crawl.frontier import Frontier, FrontierState, Visit


def stored(frontier):
    """The frontier after a crash."""
    raw = msgspec.msgpack.encode(frontier.state(frontier.places()))
    return Frontier.of(msgspec.msgpack.decode(raw, type=FrontierState))


def drained(frontier):
    """All visits, level by level."""
    levels = []
    while frontier.begin_level():
        levels.append([])
        while (visit := frontier.take()) is not None:
            levels[-1].append(visit)
            frontier.done(visit)
    return levels


@pytest.fixture
def frontier():
    frontier = Frontier()
    for path in "abc":
        frontier.add(Visit(path, 1, ""))
    frontier.begin_level()
    return frontier


def test_levels_follow_each_other(frontier):
    frontier.add(Visit("d", 2, "a"))
    frontier.add(Visit("redirected", 1, "", 1), now=True)
    assert [[visit.url for visit in level] for level in drained(frontier)] == [["a", "b", "c", "redirected"], ["d"]]
    assert not frontier.begin_level()
    assert frontier.take() is None


def test_visits_that_were_open_at_the_crash_are_made_again_and_those_that_were_done_are_not(frontier):
    done = frontier.take()
    frontier.take()
    frontier.add(Visit("d", 2, done.url, 3))
    frontier.done(done)
    again = stored(frontier)
    assert again.seen == frontier.seen == {"a": "", "b": "", "c": "", "d": "a"}
    assert drained(again) == [[Visit("b", 1), Visit("c", 1)], [Visit("d", 2, "a", 3)]]


def test_nothing_is_stored_of_an_empty_frontier():
    assert drained(stored(Frontier())) == []
