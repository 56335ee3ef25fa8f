"""The children of one task: submitted, waited for, and cancelled by its handler."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from headway import codec
from headway.children.child import Child
from headway.children.ends import Ends
from headway.children.kinds import KnownKinds
from headway.children.waits import Slot, Waits
from headway.errors import (
    ChildrenError,
    EndedError,
    KeyReusedError,
    MalformedEventError,
    TooLargeError,
    UnavailableError,
)
from headway.eventlog.cancel_request import request_cancel
from headway.eventlog.log import Log
from headway.events import Progress
from headway.ids import child_task
from headway.ownership import UNKNOWN, Ownership
from headway.progress.parts import Parts, check_weight
from headway.records import TaskRecord
from headway.service.retry import retry
from headway.subjects import is_name
from headway.submission import Submission, check_same
from headway.values.labels import check_tags, check_title, tags_of, title_of
from headway.values.results import MAX_RESULT_BYTES
from headway.values.title_template import fill_in

MAX_CHILDREN = 1000
"""Children of one task. A child may have children of its own."""
MAX_DEPTH = 8
"""Parents above a task."""
CANCEL_SECONDS = 5.0
"""How long children that are cancelled may take to end before their parent does not wait for them any more."""
AT_ONCE = 50
"""Requests that are sent at the same time."""

OnFailure = Literal["cancel", "continue"]


class Results(Protocol):
    """Results that were too large for an event."""

    async def get(self, task: str) -> bytes | None:
        """The JSON of the result of `task`. Raises UnavailableError."""


class Stores(NamedTuple):
    """Where tasks are stored. All tasks of a process share them."""

    log: Log
    submission: Submission
    kinds: KnownKinds
    results: Results


class Parent(NamedTuple):
    """The task whose children they are."""

    task: str
    ownership: Ownership = UNKNOWN
    depth: int = 0
    """How many parents are above it."""


class Report(NamedTuple):
    """How the parent shows its children."""

    parts: Callable[[], Parts]
    """Those of the current step."""
    touch: Callable[[], None]
    """Called when they have changed."""
    warn: Callable[[str], None]
    """Called with a line about each child that has failed."""
    stopped: Callable[[], bool]
    """Whether the parent's handler should end."""


class Children:
    """The children of one attempt of a task. Call on the event loop on which they were made."""

    def __init__(self, parent: Parent, stores: Stores, report: Report, slot: Slot) -> None:
        self.loop = asyncio.get_running_loop()
        self._parent = parent
        self._stores = stores
        self._report = report
        self._waits = Waits(slot, report.stopped)
        self._ends = Ends(stores.log, self._note)
        self._children: dict[str, Child] = {}
        self._records: dict[str, TaskRecord] = {}
        self._parts: dict[str, Parts] = {}
        self._submitted: dict[str, int] = {}

    async def submit(
        self,
        kind: str,
        params: object = None,
        *,
        weight: float = 1.0,
        title: str = "",
        tags: Iterable[str] = (),
        key: str | None = None,
    ) -> Child:
        """Submit a task as a child: see `headway.Job.submit`."""
        self._check_place(kind, weight)
        encoded, parts = self._encoded(params), self._report.parts()
        record = await self._record(kind, encoded, title, tags, self._key(kind, encoded, key))
        if (known := self._children.get(record.task)) is not None:
            self._check_same(record)
            return known
        child = self._add(record)
        try:
            await self._ends.add(child.task)
            new = await self._store(record)
        except BaseException:
            self._forget(child.task)
            raise
        parts.add(child.task, weight)
        self._parts[child.task] = parts
        self._report.touch()
        if not new:
            await retry(lambda: self._ends.read([child.task]))
        self._show(child)
        return child

    async def gather(self, *children: Child, on_failure: OnFailure = "cancel") -> list[Any]:
        """Wait for all of them: see `headway.Job.gather`."""
        if on_failure not in ("cancel", "continue"):
            raise ChildrenError(f"on_failure is 'cancel' or 'continue', not {on_failure!r}")
        async with self._waits.wait():
            async for child in self.as_completed(*children):
                if on_failure == "cancel" and (error := child.failure()) is not None:
                    await self._end(children, f"its sibling {child.task} was not successful")
                    raise error
            return [child.failure() or await child.result() for child in children]

    async def as_completed(self, *children: Child) -> AsyncIterator[Child]:
        """Yield them as they end: see `headway.Job.as_completed`."""
        ended: asyncio.Queue[Child] = asyncio.Queue()
        for child in children:
            child.on_end(ended.put_nowait)
        await asyncio.sleep(0)  # the callbacks of those that have ended
        for _ in children:
            if ended.empty():
                async with self._waits.wait():
                    child = await ended.get()
            else:
                child = ended.get_nowait()
            child.observed = True
            yield child

    async def settle(self) -> None:
        """Wait for the children that the handler has not waited for. Raises ChildFailedError."""
        await self.gather(*self.unobserved)

    @property
    def unobserved(self) -> list[Child]:
        """The children that nobody has waited for."""
        return [child for child in self._children.values() if not child.observed]

    async def end(self, reason: str) -> None:
        """Cancel the children that have not ended, and wait `CANCEL_SECONDS` at most for their end."""
        await self._end(self._children.values(), reason)

    async def close(self) -> None:
        """Follow nothing any more."""
        await self._ends.close()

    # Submitting

    def _check_place(self, kind: str, weight: float) -> None:
        if asyncio.get_running_loop() is not self.loop:
            raise ChildrenError("children belong to the event loop of the processor; in a thread use job.blocking")
        if not is_name(kind):
            raise ChildrenError(f"{kind!r} is not a kind: use 1 to 64 of A-Z a-z 0-9 _ -")
        if self._parent.depth >= MAX_DEPTH:
            raise ChildrenError(f"this task has {MAX_DEPTH} parents above it, and a child would have more")
        if len(self._children) >= MAX_CHILDREN:
            raise ChildrenError(f"a task has at most {MAX_CHILDREN} children: give each more to do, or submit in turn")
        try:
            check_weight(weight)
        except ValueError as error:
            raise ChildrenError(str(error)) from error

    def _encoded(self, params: object) -> bytes:
        try:
            encoded = codec.encode_params({} if params is None else params)
            codec.check_depth(encoded)
        except (TypeError, ValueError, RecursionError, MalformedEventError) as error:
            raise ChildrenError(f"the parameters have no form in JSON: {error}") from error
        if not encoded.startswith(b"{"):
            raise ChildrenError("parameters are an object: a dict, a Struct or a dataclass")
        if len(encoded) > (limit := self._stores.submission.limit_bytes):
            raise ChildrenError(str(TooLargeError("the JSON of the parameters", len(encoded), limit)))
        return encoded

    def _key(self, kind: str, encoded: bytes, key: str | None) -> str:
        """The same in each attempt. Without a key: of kind and parameters, and how often they were submitted before."""
        if key is not None:
            if not isinstance(key, str) or not key:
                raise ChildrenError(f"a key is a text, not {key!r}")
            return f"key:{key}"
        content = hashlib.sha256(f"{kind}:".encode() + encoded).hexdigest()
        count = self._submitted[content] = self._submitted.get(content, 0) + 1
        return f"content:{content}:{count}"

    async def _record(self, kind: str, encoded: bytes, title: str, tags: Iterable[str], key: str) -> TaskRecord:
        named = [tags] if isinstance(tags, str) else list(tags)
        try:
            check_title(title)
            check_tags(named)
        except ValueError as error:
            raise ChildrenError(str(error)) from error
        known = await self._stores.kinds.get(kind)
        return TaskRecord(
            task=child_task(self._parent.task, key),
            kind=kind,
            created=round(time.time(), 3),
            params=codec.raw(encoded),
            owner=self._parent.ownership.owner,
            tenant=self._parent.ownership.tenant,
            title=title_of(title) or fill_in(known.title, msgspec.json.decode(encoded), known.params),
            tags=tags_of([*named, *known.tags]),
            parent=self._parent.task,
        )

    async def _store(self, record: TaskRecord) -> bool:
        """Store a child. Return whether it is new. Waits while NATS is unreachable or full."""
        try:
            _, new = await retry(lambda: self._stores.submission.store(record, depth=self._parent.depth + 1))
        except KeyReusedError as error:
            raise _key_reused(error) from error
        except MalformedEventError as error:
            raise ChildrenError(f"child {record.task}: {error}") from error
        return new

    def _add(self, record: TaskRecord) -> Child:
        child = Child(record.task, record.kind, wait=self._wait, load=self._load, cancel=self._cancel)
        self._children[record.task] = child
        self._records[record.task] = record
        return child

    def _forget(self, task: str) -> None:
        self._children.pop(task, None)
        self._records.pop(task, None)
        self._ends.leave(task)

    def _check_same(self, record: TaskRecord) -> None:
        try:
            check_same(self._records[record.task], record)
        except KeyReusedError as error:
            raise _key_reused(error) from error

    # Following

    def _note(self, task: str, event: Progress) -> None:
        child = self._children[task]
        child.note(event)
        self._show(child)
        if (error := child.failure()) is not None:
            self._report.warn(str(error))

    def _show(self, child: Child) -> None:
        parts = self._parts.get(child.task)
        if parts is not None and parts.note(child.task, child.progress, ended=child.done()):
            self._report.touch()

    async def _wait(self, child: Child) -> None:
        if not child.done():
            async with self._waits.wait():
                await child.ended()

    async def _load(self, end: Progress) -> Any:
        data = None if end.data is msgspec.UNSET else end.data
        if isinstance(data, dict) and data.keys() == {"href", "bytes"} and data["bytes"] > MAX_RESULT_BYTES:
            raw = await retry(lambda: self._stores.results.get(end.task))
            if raw is None:
                raise ChildrenError(f"the result of child {end.task} is not kept any more")
            return codec.decode_json(raw)
        return data

    # Ending

    async def _end(self, children: Iterable[Child], reason: str) -> None:
        left = [child for child in children if not child.done()]
        for start in range(0, len(left), AT_ONCE):
            await asyncio.gather(*(self._cancel(child.task, reason) for child in left[start : start + AT_ONCE]))
        for child in left:
            child.observed = True
        waits = [asyncio.ensure_future(child.ended()) for child in left]
        if waits:
            async with self._waits.wait():
                await asyncio.wait(waits, timeout=CANCEL_SECONDS)
            for wait in waits:
                wait.cancel()

    async def _cancel(self, task: str, reason: str) -> None:
        # Unreachable: who runs it ends it, once the end of its parent is stored.
        with suppress(EndedError, UnavailableError):
            await request_cancel(self._stores.log, task, reason)


def _key_reused(error: KeyReusedError) -> ChildrenError:
    return ChildrenError(f"{error}. A parent that runs again finds its children by their keys: give each its own")


def unsupported() -> ChildrenError:
    """The error of a job that cannot have children."""
    return ChildrenError(
        "this job cannot have children: only a handler that a processor runs on its event loop or in a thread can, and"
        " not one in a process; in tests one of headway.testing.start_job(…, children={…})"
    )
