"""How a handler has ended."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from headway.failure import Failure
from headway.values.results import Encoded


class Returned(NamedTuple):
    """The handler returned."""

    value: Encoded


class Raised(NamedTuple):
    """The handler raised."""

    error: BaseException


class Failed(NamedTuple):
    """The handler failed in a process of its own, or that process ended under it."""

    failure: Failure


class StillRuns(NamedTuple):
    """The handler did not end when it was stopped, and cannot be ended by force."""

    where: str
    """For people: ``in its thread``."""

    @property
    def message(self) -> str:
        """What the people who watch should know."""
        return f"the handler did not stop and still runs {self.where}"


HandlerOutcome: TypeAlias = Returned | Raised | Failed | StillRuns
