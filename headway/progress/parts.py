"""The weighted progress of the tasks that a step consists of. No I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass

from headway.progress.counting import CountView
from headway.progress.estimate import Estimate

UNIT = "parts"


@dataclass
class _Part:
    weight: float
    share: float = 0.0
    ended: bool = False


class Parts:
    """What the tasks that were submitted in one step add up to: "3 of 10 parts", and how far the bar is.

    Each one moves the bar by its own progress, in proportion to its weight. A task that has ended counts as a whole,
    whatever its end: the bar shows how much is left.
    """

    def __init__(self) -> None:
        self.estimate: Estimate | None = None
        self._parts: dict[str, _Part] = {}

    def add(self, task: str, weight: float = 1.0) -> None:
        """Add a part, unless it is known. Raises ValueError for a weight that is not a number above 0."""
        check_weight(weight)
        self._parts.setdefault(task, _Part(float(weight)))

    def note(self, task: str, percent: float, *, ended: bool) -> bool:
        """Note how far a part is. Return whether that changes anything: a part never goes back, as in a new attempt."""
        part = self._parts[task]
        ended = ended or part.ended
        share = 1.0 if ended else max(part.share, min(percent / 100.0, 1.0))
        changed = (share, ended) != (part.share, part.ended)
        part.share, part.ended = share, ended
        return changed

    def view(self) -> CountView:
        """The count to be shown."""
        parts = list(self._parts.values())
        total = sum(part.weight for part in parts)
        share = math.fsum(part.weight * part.share for part in parts) / total
        done, count = float(sum(part.ended for part in parts)), float(len(parts))
        return CountView(done, count, UNIT, "", share * count, self, min(share, 1.0), None)


def check_weight(weight: float) -> None:
    """Raise ValueError for a weight that is not a finite number above 0."""
    if not (isinstance(weight, int | float) and 0 < weight < math.inf):
        raise ValueError(f"weight is a number above 0, not {weight!r}: the share of the parent's bar")
