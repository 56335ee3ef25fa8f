"""The tokens that were revoked before they expire. Every streamer reads the list from a bucket, about once a second."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import struct
import time
from base64 import b32hexencode
from collections.abc import Awaitable, Callable, Iterator
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from headway import codec
from headway.errors import UnavailableError
from headway.jetstream.kv import PAGE, Entry
from headway_streamer.access.principal import Principal

POLL_SECONDS = 1.0
TIDY_SECONDS = 60.0
"""Interval at which what has expired is removed from memory."""

SLICE = 2000
"""How many entries are examined before others run."""

logger = logging.getLogger(__name__)


class RevocationStore(Protocol):
    """The bucket of the list, which takes each key once."""

    async def page(self, start: int) -> list[Entry]:
        """Up to `PAGE` entries from sequence `start` on, fewer if they are the last. Raises UnavailableError."""

    async def create(self, key: str, value: bytes, *, life_seconds: float) -> bool:
        """Store `value` for that time, if the key is new. Raises UnavailableError and StoreFullError."""


class Revocation(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One token, or all of an owner, within a tenant. Kept in the KV bucket `<namespace>_revocations` until it ends."""

    tenant: str
    token: str = ""
    """Id of the token. Empty for all of the owner."""
    owner: str = ""
    before: float = 0.0
    """Tokens of the owner that were issued until then, seconds since 1970."""
    until: float
    """Seconds since 1970 at which all that are meant have expired."""

    @property
    def key(self) -> str:
        """The same for the same revocation."""
        what = "\0".join((self.tenant, self.token, self.owner, repr(self.before)))
        return b32hexencode(hashlib.sha256(what.encode()).digest()[:20]).decode().lower()


def of_token(holder: Principal) -> Revocation:
    """The revocation of the token of `holder`, who has one."""
    return Revocation(tenant=holder.tenant, token=holder.tokens[0], until=holder.expires)


def mark_of(principal: Principal) -> bytes:
    """What the revocation of a principal's token depends on, in few bytes: each open stream keeps it.

    Owner and tokens are 64 bits each, of a hash whose key is that of the process.
    """
    return _mark(principal) if principal.tasks is not None else _shared_mark(principal)


def _mark(principal: Principal) -> bytes:
    return struct.pack(_format(len(principal.tokens)), *_hashes(principal))


_shared_mark = lru_cache(4096)(_mark)
"""One object for all streams of an access token; stream tokens are for one each."""


def _hashes(principal: Principal) -> Iterator[Any]:
    """Of the owner; the moment of issue; then of the tokens."""
    tenant = principal.tenant
    yield hash((tenant, principal.owner))
    yield principal.issued
    for token in principal.tokens:
        yield hash((tenant, token))


def _format(tokens: int) -> str:
    return f"=qd{tokens}q"


class Revocations:
    """The list. It is known from the first reading on, and what is known stays valid while NATS is unreachable."""

    def __init__(self, store: RevocationStore, *, clock: Callable[[], float] = time.time) -> None:
        self.known = False
        """Whether the list was read once. Before, no token can be taken for valid."""
        self.on_added: list[Callable[[], Awaitable[None]]] = []
        """Called after revocations were added."""
        self._store = store
        self._clock = clock
        self._tokens: dict[int, float] = {}
        """Until when, by the hash of tenant and id."""
        self._owners: dict[int, tuple[float, float]] = {}
        """Before when, and until when, by the hash of tenant and owner."""
        self._last: Entry | None = None
        self._added = False
        self._asked = asyncio.Event()
        self._failed = False

    def __len__(self) -> int:
        return len(self._tokens) + len(self._owners)

    def cover(self, principal: Principal) -> bool:
        """Whether the token of `principal`, one that it was minted with, or all of its owner's were revoked."""
        return len(self) > 0 and self._cover(*_hashes(principal))

    def cover_mark(self, mark: bytes) -> bool:
        """The same as `cover`, of what `mark_of` returned."""
        return len(self) > 0 and self._cover(*struct.unpack(_format(len(mark) // 8 - 2), mark))

    def _cover(self, owner: int, issued: float, *tokens: int) -> bool:
        if any(token in self._tokens for token in tokens):
            return True
        times = self._owners.get(owner)
        return times is not None and issued <= times[0]

    async def add(self, revocation: Revocation) -> bool:
        """Store a revocation; it is in force here at once. False if it was stored before.

        Raises UnavailableError, StoreFullError if there are too many, and TooLargeError.
        """
        life_seconds = max(revocation.until - self._clock(), 1.0)
        new = await self._store.create(revocation.key, codec.encode_json(revocation), life_seconds=life_seconds)
        self._apply(revocation)
        self.read_soon()
        return new

    def read_soon(self) -> None:
        """Read the list now: after a reconnection."""
        self._asked.set()

    async def keep_read(self) -> None:
        """Read what is new every second. A root task."""
        loop = asyncio.get_running_loop()
        tidy_at = loop.time() + TIDY_SECONDS
        while True:
            await self._try_to_read()
            if loop.time() >= tidy_at:
                await self._tidy()
                tidy_at = loop.time() + TIDY_SECONDS
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._asked.wait()
            except TimeoutError:
                continue
            self._asked.clear()

    async def read(self) -> None:
        """Read what is new, or all if the list is not the one that was read last. Raises UnavailableError."""
        start = self._last.seq if self._last is not None else 1
        page = await self._store.page(start)
        if self._last is not None and page[:1] != [self._last]:  # it has expired, or the bucket is another one
            page = await self._store.page(1)
            self._last = None
        while page:
            for entry in page:
                self._note(entry)
            if len(page) < PAGE:
                break
            page = await self._store.page(page[-1].seq + 1)
        self.known = True

    async def _try_to_read(self) -> None:
        try:
            await self.read()
        except UnavailableError as error:
            if not self._failed:
                extra = {"action": "revocations_failed", "error": str(error), "known": len(self)}
                logger.warning("the revocations could not be read; what is known stays in force", extra=extra)
            self._failed = True
        else:
            self._failed = False
        if self._added:
            self._added = False
            for call in self.on_added:
                await call()

    def _note(self, entry: Entry) -> None:
        if entry == self._last:
            return
        self._last = entry
        try:
            self._apply(msgspec.json.decode(entry.value, type=Revocation))
        except (msgspec.DecodeError, UnicodeDecodeError):
            extra = {"action": "revocation_malformed", "key": entry.key}
            logger.warning("a revocation is malformed", extra=extra)

    def _apply(self, revocation: Revocation) -> None:
        tenant, until = revocation.tenant, revocation.until
        if revocation.token:
            self._tokens[hash((tenant, revocation.token))] = until
        else:
            owner = hash((tenant, revocation.owner))
            before, latest = self._owners.get(owner, (-math.inf, 0.0))
            self._owners[owner] = max(before, revocation.before), max(latest, until)
        self._added = True

    async def _tidy(self) -> None:
        now = self._clock()
        for number, (key, until) in enumerate(list(self._tokens.items())):
            if number % SLICE == 0:
                await asyncio.sleep(0)
            if until <= now:
                self._tokens.pop(key, None)
        self._owners = {key: times for key, times in self._owners.items() if times[1] > now}
