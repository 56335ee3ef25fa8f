"""Dead letters as callers see them: what can be read of each, whose it is, and whether it can be submitted again."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from headway import codec
from headway.errors import MalformedEventError
from headway.jetstream.stored import Stored
from headway.ownership import Ownership
from headway.records import NAMELESS, DeadJob, JobMessage, decode_record
from headway.subjects import is_name
from headway_streamer.access.principal import Principal
from headway_streamer.tasks.ports import DeadLetters

MAX_READ = 2000
"""Most dead letters that one request looks at: what others own counts, too."""


class Letter(NamedTuple):
    """A dead letter."""

    seq: int
    kind: str
    task: str
    """Empty if the message named none."""
    reason: str
    at: float
    """When it was stored, seconds since 1970; 0 if it cannot be decoded."""
    job: JobMessage | None
    """None if it is not a job."""
    raw: str
    """The message, or its beginning, if it is not a job."""
    problem: str
    """Why it cannot be submitted again; empty if it can."""

    @property
    def ownership(self) -> Ownership:
        """Whose it is. What is not a job belongs to nobody: it is shown to those who see all tasks of no tenant."""
        return self.job.ownership if self.job is not None else Ownership("", "")

    def shown(self, *, whole: bool = False) -> dict[str, Any]:
        """The form of the API; `whole` adds the parameters, or what the message is instead of a job."""
        fields: dict[str, Any] = {
            "id": str(self.seq),
            "kind": self.kind,
            "task": self.task,
            "reason": self.reason,
            "at": self.at,
            "resubmittable": not self.problem,
            "problem": self.problem,
        }
        if self.job is not None:
            fields |= {"owner": self.job.owner, "submitted": self.job.submitted}
        if whole:
            fields |= {"params": self.job.params} if self.job is not None else {"raw": self.raw}
        return fields


class LetterPage(NamedTuple):
    """A part of the dead letters."""

    letters: list[Letter]
    """The oldest first."""
    after: int | None
    """The sequence after which the next page begins; None if this is the last one."""


class LetterBox:
    """The dead letters that a principal sees. Methods raise UnavailableError."""

    def __init__(self, store: DeadLetters) -> None:
        self._store = store

    async def page(self, principal: Principal, *, kind: str, limit: int, after: int) -> LetterPage:
        """Up to `limit` dead letters of `kind` (all kinds if empty) behind a sequence."""
        letters: list[Letter] = []
        read = 0
        while found := await self._store.page(kind, after + 1):
            for stored in found:
                letter = read_letter(stored)
                if _sees(principal, letter):
                    if len(letters) == limit:
                        return LetterPage(letters, after)
                    letters.append(letter)
                after = stored.seq
            read += len(found)
            if read >= MAX_READ:
                return LetterPage(letters, after)
        return LetterPage(letters, None)

    async def letter(self, principal: Principal, id: str) -> Letter | None:
        """The dead letter of an id; None for one that does not exist and for one that may not be seen."""
        if not (id.isascii() and id.isdigit() and len(id) < 19):
            return None
        stored = await self._store.get(int(id))
        letter = None if stored is None else read_letter(stored)
        return letter if letter is not None and _sees(principal, letter) else None

    async def remove(self, letter: Letter) -> None:
        """Remove a dead letter. May be repeated."""
        await self._store.remove(letter.seq)


def read_letter(stored: Stored) -> Letter:
    """What can be read of a message of the stream."""
    kind, task = stored.subject.split(".")[-2:] if "." in stored.subject else ("", "")
    letter = Letter(stored.seq, kind, "" if task == NAMELESS else task, "", 0.0, None, "", "")
    try:
        dead = decode_record(stored.payload, DeadJob)
    except MalformedEventError as error:
        raw = stored.payload.decode("utf-8", "replace")
        return letter._replace(raw=raw, problem=f"it was not stored by a processor: {error}")
    letter = letter._replace(reason=dead.reason, at=dead.at)
    try:
        job = decode_record(bytes(dead.job), JobMessage)
    except MalformedEventError as error:
        return letter._replace(raw=_text(dead.job), problem=f"the message is not a job: {error}")
    if not is_name(job.task) or (job.task, job.kind) != (task, kind):
        return letter._replace(raw=_text(dead.job), problem="the message is not the job that its subject names")
    if not isinstance(codec.decode_json(bytes(job.params)), dict):
        return letter._replace(job=job, problem="its parameters are not a JSON object")
    return letter._replace(job=job)


def _text(job: msgspec.Raw) -> str:
    decoded = codec.decode_json(bytes(job))
    return decoded if isinstance(decoded, str) else bytes(job).decode("utf-8", "replace")


def _sees(principal: Principal, letter: Letter) -> bool:
    return principal.sees_task(letter.task, letter.ownership)
