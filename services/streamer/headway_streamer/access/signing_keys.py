"""The keys of stream and start tokens, which streamers share through a bucket: made by them, a new one each day.

A key is known to all streamers before any signs with it, and the server deletes it a day after the last use. Streamers
that make one at the same time make several, and each is as good as another.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec
from joserfc.jwk import OctKey

from headway import codec
from headway.errors import UnavailableError
from headway.ids import nonce
from headway_streamer.access.keys import Key

ALGORITHM = "HS256"
PERIOD_SECONDS = 24 * 3600.0
"""Age of the newest key at which another is made. The bucket keeps each for two periods and an hour."""
CHECK_SECONDS = 60.0
"""Interval at which the keys are read again."""
SETTLING_SECONDS = 300.0
"""Age from which a key signs. Until then every streamer has read it, also those whose clocks are a minute apart."""
RETRY_SECONDS = 1.0
"""Interval of attempts until keys were read once."""
SECRET_BYTES = 32

logger = logging.getLogger(__name__)


class KeyStore(Protocol):
    """The bucket of the keys, which takes each once and deletes it when it is old."""

    async def all(self) -> list[tuple[str, bytes]]:
        """All keys and values, in the order in which they were stored. Raises UnavailableError."""

    async def create(self, key: str, value: bytes) -> bool:
        """Store `value`, if the key is new. Raises UnavailableError and StoreFullError."""


class StoredKey(msgspec.Struct, kw_only=True, frozen=True):
    """A key of stream and start tokens. Kept in the KV bucket `<namespace>_token_keys`."""

    secret: bytes
    made: float
    """Seconds since 1970."""


class _Known(NamedTuple):
    key: OctKey
    made: float


class SigningKeys:
    """The keys, as they were read last. They stay valid while NATS is unreachable."""

    def __init__(self, store: KeyStore, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, _Known] = {}
        """By `kid`, in the order in which they were stored."""
        self._asked = asyncio.Event()

    @property
    def known(self) -> bool:
        """Whether keys were read."""
        return bool(self._known)

    def find(self, algorithm: str, kid: str | None) -> Key | None:
        """The key that may verify a token with this `alg` and `kid`, if there is one."""
        known = self._known.get(kid or "")
        return known.key if known is not None and algorithm == ALGORITHM else None

    def current(self) -> OctKey:
        """The key to sign with: the newest that every streamer has read, or else the first. Raises UnavailableError."""
        keys = list(self._known.values())
        if not keys:
            raise UnavailableError("the keys of stream tokens were not read yet")
        settled = [known for known in keys if known.made + SETTLING_SECONDS <= self._clock()]
        return (settled[-1] if settled else keys[0]).key

    def read_soon(self) -> None:
        """Read the keys again: the store may be another one."""
        self._asked.set()

    async def keep_fresh(self) -> None:
        """Read the keys now and every minute, and make one when the newest is a day old. A root task."""
        while True:
            try:
                await self.refresh()
            except UnavailableError as error:
                extra = {"action": "token_keys_failed", "error": str(error), "known": len(self._known)}
                logger.warning("the keys of stream tokens could not be read or made", extra=extra)
            try:
                async with asyncio.timeout(CHECK_SECONDS if self._known else RETRY_SECONDS):
                    await self._asked.wait()
            except TimeoutError:
                continue
            self._asked.clear()

    async def refresh(self) -> None:
        """Read the keys, and make one if it is due. Raises UnavailableError."""
        found = await self._read()
        if max((known.made for known in found.values()), default=0.0) + PERIOD_SECONDS <= self._clock():
            made = StoredKey(secret=os.urandom(SECRET_BYTES), made=self._clock())
            await self._store.create(nonce(), codec.encode_json(made))
            found = await self._read()
        if found:  # else a replica that lags behind has answered
            self._known = found

    async def _read(self) -> dict[str, _Known]:
        latest = self._clock() + SETTLING_SECONDS  # no clock is that far ahead: it would hold up the next key
        found = {name: _decoded(name, value) for name, value in await self._store.all()}
        return {name: known for name, known in found.items() if known is not None and known.made < latest}


def _decoded(name: str, value: bytes) -> _Known | None:
    try:
        stored = msgspec.json.decode(value, type=StoredKey)
    except (msgspec.DecodeError, UnicodeDecodeError):
        logger.warning("a key of stream tokens is malformed", extra={"action": "token_key_malformed", "key": name})
        return None
    if len(stored.secret) < SECRET_BYTES:
        return None
    return _Known(OctKey.import_key(stored.secret, {"kid": name}), stored.made)
