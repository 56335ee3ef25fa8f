"""The readers of one tail."""

from headway_streamer.frames.cursor import Position
from headway_streamer.tail.audience import Audience


class Reader:
    def __init__(self, *, takes=True):
        self.takes = takes
        self.woken = 0
        self.taken = []

    def wake(self):
        self.woken += 1

    def take(self, start, after, piece, now):
        if self.takes:
            self.taken.append((start, after, piece, now))
        return self.takes


def test_a_write_reaches_those_that_take_it_and_wakes_the_others():
    audience = Audience()
    caught_up, behind = Reader(), Reader(takes=False)
    audience.direct |= {caught_up, behind}
    assert audience.write(3, Position(40, 4), b"piece", 1.0) == 1
    assert caught_up.taken == [(3, (40, 4), b"piece", 1.0)]
    assert (caught_up.woken, behind.woken) == (0, 1)
    audience.wake_direct()
    assert (caught_up.woken, behind.woken) == (1, 2)


def test_the_stalled_are_woken_until_they_leave():
    audience = Audience()
    waiting, stalled = Reader(), Reader()
    audience.waiting.add(waiting)
    audience.leave_stalled(stalled)
    audience.join_stalled(stalled)
    audience.wake()
    audience.wake_stalled()
    assert (waiting.woken, stalled.woken) == (1, 2)
    audience.leave_stalled(stalled)
    assert audience.stalled is None
    audience.wake_stalled()
    assert stalled.woken == 2


def test_a_reader_may_leave_while_it_is_woken():
    audience = Audience()
    readers = [Reader() for _ in range(3)]
    for reader in readers:
        reader.wake = lambda reader=reader: audience.waiting.discard(reader)
        audience.waiting.add(reader)
    audience.wake()
    assert audience.waiting == set()
