"""What waits for the log: merged, bounded and in order."""

import pytest

from headway.events import MAX_CHUNK_CHARS, Aside, Chunk, LogLine, Progress
from headway.progress import pending
from headway.progress.pending import (
    MAX_CHANNELS,
    MAX_PENDING_LINES,
    MAX_PENDING_STEPS,
    OTHER_CHANNEL,
    PROGRESS_EVERY,
    Pending,
    Room,
)
from headway.testing import progress


class Attempt:
    """A step that has a name, and the events that wait."""

    def __init__(self):
        self.step = ""
        self.pending = Pending(lambda: progress(step=self.step))

    def begin(self, name, *, changed=False):
        return self.pending.add_step(lambda: setattr(self, "step", name), changed=changed)

    def take(self, *, changed=False):
        return list(self.pending.take(changed=changed))


@pytest.fixture
def attempt():
    return Attempt()


def line(text):
    return LogLine(level="info", message=text)


def test_nothing_waits_at_first(attempt):
    assert len(attempt.pending) == 0
    assert attempt.take() == []


def test_progress_that_has_changed_is_taken_last(attempt):
    attempt.pending.add_line(line("a"))
    assert [type(event) for event in attempt.take(changed=True)] == [LogLine, Progress]


def test_taken_events_are_gone(attempt):
    attempt.pending.add_line(line("a"))
    attempt.take()
    assert attempt.take() == []


def test_step_keeps_the_last_state_of_the_one_before_only_if_it_has_changed(attempt):
    assert not attempt.begin("one")
    assert not attempt.begin("two", changed=True)
    assert [event.step for event in attempt.take()] == ["one", "one", "two"]


def test_of_a_flood_of_steps_the_first_are_kept_and_the_rest_is_counted(attempt):
    kept = [attempt.begin(f"step {n}") for n in range(MAX_PENDING_STEPS + 5)]
    assert kept == [False] * MAX_PENDING_STEPS + [True] * 5
    *steps, left_out, latest = attempt.take(changed=True)
    assert len(steps) == MAX_PENDING_STEPS
    assert left_out.message == "4 more steps left out"
    assert latest.step == f"step {MAX_PENDING_STEPS + 4}"
    assert not attempt.begin("next round")


def test_of_a_flood_of_lines_the_first_are_kept_and_the_rest_is_counted(attempt):
    kept = [attempt.pending.add_line(line(str(n))) for n in range(MAX_PENDING_LINES + 3)]
    assert kept == [True] * MAX_PENDING_LINES + [False] * 3
    *lines, left_out = attempt.take()
    assert [event.message for event in lines] == [str(n) for n in range(MAX_PENDING_LINES)]
    assert left_out.message == "3 more lines left out"
    assert attempt.pending.add_line(line("next round"))


def test_output_that_follows_output_is_joined(attempt):
    attempt.pending.add_output("a")
    attempt.pending.add_output("b")
    attempt.pending.add_line(line("between"))
    attempt.pending.add_output("c")
    taken = attempt.take()
    assert [(event.text, event.offset) for event in taken if isinstance(event, Chunk)] == [("ab", 0), ("c", 2)]


def pieces(taken):
    return [(getattr(event, "channel", ""), event.text, event.offset) for event in taken]


def test_only_text_of_one_channel_is_joined_and_each_channel_counts_its_own_characters(attempt):
    said = [("a", "thought"), ("b", "thought"), ("c", ""), ("d", "thought"), ("e", "call"), ("f", ""), ("g", "")]
    for text, channel in said:
        attempt.pending.add_output(text, channel)
    taken = attempt.take()
    assert pieces(taken) == [
        *(("thought", "ab", 0), ("", "c", 0), ("thought", "d", 2)),
        *(("call", "e", 0), ("", "fg", 1)),
    ]
    assert {type(event) for event in taken} == {Chunk, Aside}


def test_text_beside_the_output_takes_room_until_it_is_stored(attempt, monkeypatch):
    monkeypatch.setattr(pending, "MAX_PENDING_CHARS", 10)
    attempt.pending.add_output("x" * 10, "thought")
    assert not attempt.pending.has_room
    assert all(attempt.pending.stored(event) for event in attempt.take())
    assert attempt.pending.has_room


def test_of_too_many_channels_the_text_of_the_last_goes_to_one(attempt):
    attempt.pending.add_output("out")
    for number in range(MAX_CHANNELS + 2):
        attempt.pending.add_output("x", f"channel {number}")
    attempt.pending.add_output("y", "channel 0")
    *_, last, known = pieces(attempt.take())
    assert (last, known) == ((OTHER_CHANNEL, "xx", 0), ("channel 0", "y", 1))


def test_long_output_is_split_into_pieces_that_fit(attempt):
    attempt.pending.add_output("x" * (2 * MAX_CHUNK_CHARS + 1))
    assert [len(event.text) for event in attempt.take()] == [MAX_CHUNK_CHARS, MAX_CHUNK_CHARS, 1]


def test_output_has_room_again_when_some_is_stored(attempt, monkeypatch):
    monkeypatch.setattr(pending, "MAX_PENDING_CHARS", 10)
    attempt.pending.add_output("x" * 9)
    assert attempt.pending.has_room
    attempt.pending.add_output("x" * 20)
    assert not attempt.pending.has_room
    taken = attempt.take()
    assert not attempt.pending.has_room  # taken is not stored
    assert all(attempt.pending.stored(event) for event in taken)
    assert attempt.pending.has_room


def test_a_shared_room_bounds_output_and_lines_of_all_and_the_rest_is_counted(attempt):
    room = Room(10)
    one, other = (Pending(progress, room) for _ in range(2))
    one.add_output("x" * 9)
    assert other.add_line(line("y"))
    assert not other.add_line(line("z"))
    other.leave_out("abc")
    assert not one.has_room
    taken = list(other.take(changed=False))
    assert [event.message for event in taken] == ["y", "3 more characters of output left out", "1 more lines left out"]
    one.discard()
    assert all(other.stored(event) for event in taken)
    assert other.has_room


def test_progress_is_repeated_among_many_other_events(attempt):
    for _ in range(PROGRESS_EVERY // 100):
        for n in range(100):
            attempt.pending.add_line(line(str(n)))
        taken = attempt.take()
    assert isinstance(taken[-1], Progress)
    attempt.pending.add_line(line("a"))
    assert not isinstance(attempt.take()[-1], Progress)
