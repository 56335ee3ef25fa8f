"""How many streams of one key are open at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_streamer.limits import places
from headway_streamer.limits.places import Places

pytestmark = pytest.mark.security


def enter(counted, key="a"):
    """Whether there was a place; it is taken then."""
    if counted.full(key):
        return False
    counted.enter(key)
    return True


def test_places_are_limited_and_given_back():
    counted = Places(2)
    assert [enter(counted) for _ in range(3)] == [True, True, False]
    assert enter(counted, "b")
    counted.leave("a")
    assert enter(counted)


def test_places_elsewhere_count_until_they_are_no_longer_reported():
    counted = Places(3)
    counted.hear("s2", {"a": 2})
    counted.hear("s3", {"b": 3})
    assert [enter(counted) for _ in range(2)] == [True, False]
    assert counted.full("b")
    counted.hear("s2", {"a": 1})
    assert [enter(counted) for _ in range(2)] == [True, False]
    for streamer in ("s2", "s3", "s4"):
        counted.hear(streamer, {})
    assert not counted._elsewhere
    assert not counted.full("b")


@given(
    most=st.integers(1, 200),
    steps=st.lists(st.tuples(st.integers(0, 2), st.sampled_from("ab"), st.booleans()), max_size=300),
)
def test_streamers_that_have_heard_each_other_know_the_sum(most, steps):
    """But for keys with so few places that they are left out."""
    streamers = [Places(most) for _ in range(3)]
    held = {"a": [0, 0, 0], "b": [0, 0, 0]}
    for number, key, enters in steps:
        if enters and enter(streamers[number], key):
            held[key][number] += 1
        elif not enters and held[key][number]:
            streamers[number].leave(key)
            held[key][number] -= 1
        for index, one in enumerate(streamers):
            for other, hearing in enumerate(streamers):
                if other != index:
                    hearing.hear(str(index), dict(one.report()))
        for counts in held.values():
            assert sum(counts) <= most + 2 * (most // places.FEW)
    for key, counts in held.items():
        for number, one in enumerate(streamers):
            others = [count for index, count in enumerate(counts) if index != number]
            assert one._elsewhere[key] == sum(count for count in others if count > most // places.FEW)


def test_others_are_told_early_of_much_change():
    calls = []
    counted = Places(32)
    counted.on_much = lambda: calls.append(dict(counted.report()))
    for _ in range(4):
        counted.enter("a")
    for _ in range(4):
        counted.leave("a")
    assert calls == [{"a": 2}, {"a": 4}, {"a": 2}, {}]


def test_a_report_is_bounded_and_names_the_largest(monkeypatch):
    monkeypatch.setattr(places, "MAX_SENT", 100)
    counted = Places(100)
    for number in range(1000):
        for _ in range(1 + number // 100):
            counted.enter(f"{number:032x}")
    found = counted.report()
    assert len(found) == 100
    assert set(found.values()) == {10}
    for number in range(1000):
        for _ in range(1 + number // 100):
            counted.leave(f"{number:032x}")
    assert not counted._here
    assert counted.report() == {}
