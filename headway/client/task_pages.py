"""The pages of a list of tasks, and what it can be filtered by. No I/O: both clients ask for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias, TypedDict

from headway.client.answer import Answer

MAX_PAGE = 500
"""Most tasks of a page."""
Several: TypeAlias = str | Sequence[str]
"""One value of a filter, or several."""


class TaskFilters(TypedDict, total=False):
    """What tasks are listed: those to which all that is given applies."""

    kind: Several
    """One kind, or several of which any will do."""
    status: Several
    """Likewise: queued, processing, retrying, completed, error, cancelled."""
    tag: Several
    """One tag, or several which the task must all have."""
    text: str
    """In the title, the kind, the id or a tag, in upper or lower case."""
    since: float
    """Only tasks created after this time, seconds since 1970."""
    before: float | None
    """Only tasks created until this time."""
    owner: str
    """Only tasks of this owner; others than one's own need the scope ``tasks:all``."""
    parent: str
    """Only the parts of this task."""


class TaskPage(NamedTuple):
    """A page of a list of tasks. It may be empty and not the last: the streamer has searched for as long as it may."""

    tasks: list[dict[str, Any]]
    """The newest first."""
    cursor: str | None
    """Where the next page begins; None if this is the last one."""
    searched_until: float | None
    """Older tasks than this, seconds since 1970, are on later pages; None if there are none."""


class DeadLetterPage(NamedTuple):
    """A page of dead letters. It may be empty and not the last: those of others are left out."""

    dead_letters: list[dict[str, Any]]
    """The oldest first."""
    cursor: str | None
    """Where the next page begins; None if this is the last one."""


class Pages:
    """The pages of one list, one after another."""

    def __init__(self, filters: TaskFilters, *, limit: int, most: int | None = None, cursor: str = "") -> None:
        self._left = math.inf if most is None else most
        self.ended = self._left <= 0
        self._limit, self._cursor = min(limit, MAX_PAGE), cursor
        values: dict[str, Any] = {
            name: list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
            for name, value in filters.items()
        }
        self._filters = {name: value for name, value in values.items() if value}

    @property
    def query(self) -> dict[str, Any]:
        """The query of the next page."""
        return {"limit": self._limit} | self._filters | ({"cursor": self._cursor} if self._cursor else {})

    def read(self, answer: Answer) -> TaskPage:
        """The page of that answer, without what is more than was asked for. Raises ClientError."""
        tasks, until = answer.items("tasks"), answer.object().get("searched_until")
        cursor = answer.object().get("cursor")
        if cursor is None and until is not None:
            raise answer.strange("did not answer a cursor: is the streamer older than this client?")
        if not isinstance(cursor, str) or cursor == self._cursor:
            cursor = None
        if len(tasks) > self._left:
            tasks = tasks[: int(self._left)]
        self._left -= len(tasks)
        self._cursor = cursor or ""
        self.ended = cursor is None or self._left <= 0
        return TaskPage(tasks, cursor, float(until) if isinstance(until, int | float | Decimal) else None)
