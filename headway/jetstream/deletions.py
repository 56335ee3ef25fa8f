"""The queue of deletions: requests to remove a task, and notes that a task of a kind with a retention has ended.

Both hold nothing of the task but its id. They are read without a consumer, and removed when the task is.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec
from nats.aio.client import Client

from headway import codec
from headway.jetstream.direct_get import DirectGet
from headway.jetstream.publisher import Publisher
from headway.jetstream.stored import Stored
from headway.records import Deletion
from headway.subjects import Names, is_name

TIMEOUT_SECONDS = 2.0
PAGE = 256


class Entry(NamedTuple):
    """A task that is to be removed."""

    task: str
    seq: int
    """Sequence of the message that asks for it."""


class Deletions:
    """The stream of deletions. Methods raise UnavailableError, those that store also StoreFullError."""

    def __init__(self, client: Client, names: Names) -> None:
        self._publisher = Publisher(client, timeout_seconds=TIMEOUT_SECONDS)
        self._direct = DirectGet(client, names.deletions_stream, timeout_seconds=TIMEOUT_SECONDS)
        self._names = names

    async def request(self, task: str) -> None:
        """Have a processor remove the task. May be repeated."""
        await self._store(f"the deletion of {task}", self._names.deletion(task))

    async def note_ended(self, kind: str, task: str) -> None:
        """Store that the task has ended now: it is removed when the retention of its kind is over. May be repeated."""
        await self._store(f"the end of {task}", self._names.ended(kind, task))

    async def requested(self) -> list[Entry]:
        """The oldest requests, at most 256."""
        return [Entry(stored.task, stored.seq) for stored in await self._page(self._names.all_deletions, 1)]

    async def ended_before(self, kind: str, before: float) -> AsyncIterator[Entry]:
        """The tasks of `kind` that were noted as ended before that time, seconds since 1970; the oldest first."""
        start = 1
        while page := await self._page(self._names.ended_of(kind), start):
            for stored in page:
                if _at(stored) >= before:
                    return
                yield Entry(stored.task, stored.seq)
            start = page[-1].seq + 1

    async def _store(self, what: str, subject: str) -> None:
        note = codec.encode_json(Deletion(round(time.time(), 3)))
        await self._publisher.store(what, subject, note, stream=self._names.deletions_stream)

    async def _page(self, subject: str, start: int) -> list[Stored]:
        found, _ = await self._direct.get({"next_by_subj": subject, "seq": start, "batch": PAGE})
        return [stored for stored in found if is_name(stored.task)]


def _at(stored: Stored) -> float:
    try:
        return msgspec.json.decode(stored.payload, type=Deletion).at
    except msgspec.DecodeError:  # a third party's: it has no time, and does not delay the others
        return 0.0
