"""An object store of NATS: written in parts without deletions, read by DIRECT GET.

So neither reading nor writing needs a consumer or the right to purge, which cannot be limited to one object. Removing
needs that right.
https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-20.md
"""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import msgspec
from nats.aio.client import Client

from headway.errors import LogError, UnavailableError
from headway.jetstream.direct_get import DirectGet
from headway.jetstream.errors import NO_MESSAGE, from_answer, mapped
from headway.jetstream.publisher import Publisher
from headway.jetstream.stored import Stored
from headway.subjects import is_name

TIMEOUT_SECONDS = 5.0
CHUNK_BYTES = 128 * 1024
PAGE_BYTES = 1024 * 1024
PAGE = 256
LATE_SECONDS = 0.2
"""Between two reads of a replica that is behind."""
ALGORITHM = "SHA-256="

Purge = Callable[[str, str], Awaitable[None]]
"""Removes the messages of a subject from a stream."""


class ObjectInfo(msgspec.Struct, kw_only=True):
    """What the object store keeps about an object, as far as it is used here."""

    name: str
    bucket: str
    nuid: str
    size: int
    chunks: int
    digest: str = ""
    deleted: bool = False


class ObjectStore:
    """The objects of one bucket, by names without a dot. Methods raise UnavailableError."""

    def __init__(self, client: Client, bucket: str) -> None:
        self.bucket = bucket
        self.stream = f"OBJ_{bucket}"
        self.all_entries = f"$O.{bucket}.M.*"
        self.direct = DirectGet(client, self.stream, timeout_seconds=TIMEOUT_SECONDS)
        self._client = client
        self._publisher = Publisher(client, timeout_seconds=TIMEOUT_SECONDS)

    async def last_entry(self, name: str) -> Stored | None:
        """The last entry of that name, from the leader: never a stale one."""
        request = msgspec.json.encode({"last_by_subj": self.entry(name)})
        with mapped(f"entry of {name}"):
            reply = await self._client.request(
                f"$JS.API.STREAM.MSG.GET.{self.stream}", request, timeout=TIMEOUT_SECONDS
            )
        answer = msgspec.json.decode(reply.data)
        if error := answer.get("error"):
            if error.get("err_code") == NO_MESSAGE:
                return None
            raise from_answer(error, f"entry of {name}")
        message = answer["message"]
        return Stored(message["seq"], base64.b64decode(message.get("data", "")), "", name)

    async def entries(self, start: int) -> list[Stored]:
        """Up to 256 entries from sequence `start` on, in the order in which they were stored."""
        found, _ = await self.direct.get({"next_by_subj": self.all_entries, "seq": max(start, 1), "batch": PAGE})
        return found

    async def put_entry(self, what: str, name: str, info: ObjectInfo, *, expected: int | None = None) -> int:
        """Store the entry of an object. Returns its sequence. `what` names the object in errors.

        Raises ConflictError unless the last entry has the sequence `expected`, if that is given, and StoreFullError.
        """
        ack = await self._publisher.store(what, self.entry(name), msgspec.json.encode(info), expected=expected)
        return int(ack.seq)

    async def put_part(self, what: str, nuid: str, place: int, part: bytes) -> int:
        """Store a part behind the earlier ones. Returns its sequence. Raises StoreFullError.

        The same part at the same place is stored once, if it is repeated within the duplicate window.
        """
        ack = await self._publisher.store(what, self.parts_of(nuid), part, msg_id=f"{nuid}.{place}")
        return int(ack.seq)

    async def parts(self, info: ObjectInfo, *, tries: int = 1) -> AsyncIterator[bytes]:
        """The parts in order, each once, and no more than the entry announces.

        Fewer when they are not there: from a replica that is behind they are read again, `tries` times in all.
        """
        start, left, known = 1, info.chunks, set[str]()
        while left > 0:
            page = await self._page(info, start)
            if not page:
                tries -= 1
                if tries <= 0:
                    return
                await asyncio.sleep(LATE_SECONDS)
                continue
            for stored in page:
                if left > 0 and not (stored.msg_id and stored.msg_id in known):
                    known.add(stored.msg_id)
                    left -= 1
                    yield stored.payload
            start = page[-1].seq + 1

    async def remove(self, names: tuple[str, ...], purge: Purge) -> None:
        """Remove the objects of these names, also those that were replaced or not stored to their end."""
        entries = [self.entry(name) for name in names]
        for nuid in {nuid for subject in entries for nuid in await self._nuids(subject)}:
            await purge(self.stream, self.parts_of(nuid))
        for subject in entries:  # after the parts, which an interrupted removal would not find without them
            await purge(self.stream, subject)

    def entry(self, name: str) -> str:
        """The subject of the entry of an object."""
        return f"$O.{self.bucket}.M.{base64.urlsafe_b64encode(name.encode()).decode()}"

    def parts_of(self, nuid: str) -> str:
        """The subject of the parts of an object."""
        return f"$O.{self.bucket}.C.{nuid}"

    async def _nuids(self, subject: str) -> set[str]:
        """The ids of the parts of all entries that were stored on `subject`."""
        found, start = set[str](), 1
        while page := (await self.direct.get({"next_by_subj": subject, "seq": start, "batch": PAGE}))[0]:
            for stored in page:
                with suppress(msgspec.DecodeError):
                    found.add(msgspec.json.decode(stored.payload, type=ObjectInfo).nuid)
            start = page[-1].seq + 1
        return {nuid for nuid in found if is_name(nuid)}  # a third party's could match the parts of others

    async def _page(self, info: ObjectInfo, start: int) -> list[Stored]:
        request = {"next_by_subj": self.parts_of(info.nuid), "seq": start, "batch": PAGE, "max_bytes": PAGE_BYTES}
        try:
            found, _ = await self.direct.get(request)
        except LogError as error:
            raise UnavailableError(f"parts of {info.name}: {error}") from error
        return found


class Parts:
    """Stores the parts of one object in order, several at a time: who writes waits for the acknowledgements.

    A part is not tried again, as those behind it may be stored. What one raises the next call raises, and `finish`.
    """

    def __init__(self, put: Callable[[int, bytes], Awaitable[int]], at_once: int) -> None:
        self.count = 0
        """Parts that were begun."""
        self._put = put
        self._at_once = at_once
        self._pending: deque[asyncio.Task[int]] = deque()
        self._last = 0

    async def write(self, part: bytes) -> None:
        """Begin to store a part; wait before that while as many as may be are not acknowledged."""
        while len(self._pending) >= self._at_once:
            await self._acknowledged()
        self._pending.append(asyncio.ensure_future(self._store(self.count, part)))
        self.count += 1

    async def finish(self) -> None:
        """Wait until all parts are stored."""
        while self._pending:
            await self._acknowledged()

    async def abort(self) -> None:
        """Wait for nothing more."""
        for pending in self._pending:
            pending.cancel()
        await asyncio.gather(*self._pending, return_exceptions=True)
        self._pending.clear()

    async def _store(self, place: int, part: bytes) -> int:
        return await self._put(place, part)

    async def _acknowledged(self) -> None:
        seq = await self._pending.popleft()
        if seq <= self._last:
            raise UnavailableError("parts were not stored in their order")
        self._last = seq


def digest_of(sha: bytes) -> str:
    """The digest as NATS writes it.

    >>> digest_of(bytes(32))[:12]
    'SHA-256=AAAA'
    """
    return ALGORITHM + base64.urlsafe_b64encode(sha).decode()
