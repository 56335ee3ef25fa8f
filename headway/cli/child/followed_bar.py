"""Which of several bars of one program the task shows. No I/O."""

from __future__ import annotations

from typing import NamedTuple

from headway.cli.child.recognition import Seen

PATIENCE_LINES = 10
"""A bar that stays unfinished gives way after this many lines of others."""
ALMOST = 0.9
"""From this share on a bar gives way to one that begins: not all programs draw their bars to the end."""


class Change(NamedTuple):
    """What the task is to show now."""

    seen: Seen
    begins: bool
    """Whether it is another bar than before, or the same one from its beginning."""


class FollowedBar:
    """Follows the bar that began first to its end: loops within it, and bars beside it, do not disturb it.

    Another bar follows when it has ended or almost, or when others move for long and it does not. A bar that moves
    after it was left is the outer one of a loop: it is left no more.
    """

    def __init__(self) -> None:
        self._current: Seen | None = None
        self._left: Seen | None = None
        """The bar that was left before its end."""
        self._outer = False
        self._others = 0

    def take(self, seen: Seen) -> Change | None:
        """What follows from a line that shows a bar; None when the line is not of the followed one."""
        current = self._current
        if current is None or current.share >= 1 or current.total is None:
            return self._follow(seen, begins=current is None or _differ(current, seen) or seen.share < 0.5)
        if not _differ(current, seen):
            if seen.unit == "%" != current.unit:
                return None  # a line of this bar without its count
            return self._follow(seen, begins=current.share >= ALMOST and seen.share < 0.5)
        self._others += 1
        if self._left is not None and not _differ(self._left, seen) and seen.share >= self._left.share:
            self._outer, self._left = True, None
            return self._follow(seen, begins=True)
        almost = current.share >= ALMOST and seen.share <= 1 - ALMOST
        if self._outer or not (almost or self._others >= PATIENCE_LINES):
            return None
        self._left = current
        return self._follow(seen, begins=True)

    def _follow(self, seen: Seen, *, begins: bool) -> Change:
        begins = begins and (self._current is None or self._current.total is not None or _differ(self._current, seen))
        if self._current is not None and self._current.share >= 1:
            self._outer = False
        self._current, self._others = seen, 0
        return Change(seen, begins)


def _differ(one: Seen, other: Seen) -> bool:
    return (one.bar, one.total is None) != (other.bar, other.total is None)
