"""Which tasks may begin beside those that run in a processor, so that one that ends its processor is found. No I/O.

A task whose last attempt vanished with its processor is a suspect: it, or one that ran beside it, ended the processor.
The beginning of its next attempt is a trial. After one loss few suspects are on trial at a time; after more, one is
alone: what else runs has done so for some seconds, and nothing begins meanwhile. So a processor that ends during this
trial was probably ended by the suspect, and only such a loss counts as a failure of the task. Before the last one that
it may have, everything else is handed back: what ends the processor then is certain.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

ALONE_FROM = 2
"""Number of losses, one after another, from which a suspect's trial is alone."""
FIRST_SECONDS = 1.0
FACTOR = 4
"""Each further loss makes the trial longer: a task may run for some time before it ends its processor."""
MAX_SECONDS = 3600.0
MAX_SETTLING_SECONDS = 10.0


class Suspect(NamedTuple):
    """A task that is to begin; one that did not vanish has no losses."""

    lost: int
    """How many of its latest attempts vanished, one after another."""
    blamed: bool = False
    """Whether an attempt of it has failed or vanished alone."""
    last_chance: bool = False
    """Whether it is given up if it vanishes during this trial. Then nothing at all runs beside it."""

    @property
    def alone(self) -> bool:
        """Whether its trial is alone."""
        return self.lost >= ALONE_FROM


class Neighbour(NamedTuple):
    """A task that runs."""

    lost: int
    seconds: float
    """For how long it has run."""
    on_trial: bool


def trial_seconds(lost: int) -> float:
    """How long the trial of a task takes that vanished so many times.

    >>> [trial_seconds(lost) for lost in (0, 1, 2, 3, 10)]
    [0.0, 1.0, 4.0, 16.0, 3600.0]
    """
    return min(FIRST_SECONDS * FACTOR ** min(lost - 1, 10), MAX_SECONDS) if lost else 0.0


def settling_seconds(lost: int) -> float:
    """How long others must have run when the trial of a task begins that vanished so many times."""
    return min(trial_seconds(lost), MAX_SETTLING_SECONDS)


def may_begin(suspect: Suspect, running: Iterable[Neighbour], passed: int) -> bool:
    """Whether a task may begin beside those that run.

    Args:
        passed: how many suspects have passed their trial here lately. As many more may be on trial at a time: after a
            node was lost with its tasks, none of which was the cause, all of them run again soon.
    """
    neighbours = list(running)
    if any(other.on_trial and other.lost >= ALONE_FROM for other in neighbours):
        return False
    if suspect.last_chance and suspect.alone:
        return not neighbours
    if suspect.alone:
        return all(not other.on_trial and other.seconds >= settling_seconds(suspect.lost) for other in neighbours)
    return suspect.lost == 0 or sum(other.on_trial for other in neighbours) <= passed
