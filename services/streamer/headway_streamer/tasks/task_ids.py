"""The ids of tasks that are submitted with an idempotency key.

The same key of the same owner must give the same id on every streamer and after every restart, without a look-up; and
nobody else may compute the id, because an id is all that is needed to watch a task. So ids are derived with a secret,
which the first streamer of a namespace makes and stores.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable

import msgspec

from headway import codec
from headway.errors import UnavailableError
from headway.ids import derived_task, public_task
from headway.retry_delay import RetryDelay
from headway.service.retry import retry
from headway_streamer.tasks.ports import KeyValues

NAME = "task_ids"
"""Key of the secret in its bucket."""
SECRET_BYTES = 32
KEPT_SECONDS = 7 * 24 * 3600.0
"""How long versions without secrets kept a task."""
ROLLOUT_SECONDS = 900.0
"""How long streamers of a version without secrets may still run beside the first that makes one."""
AGAIN_SECONDS = 0.02
TRIES = 50
LOADING = RetryDelay(first_seconds=1.0, backoff=2.0, max_seconds=30.0, jitter=0.2)

logger = logging.getLogger(__name__)


class IdSecret(msgspec.Struct, kw_only=True, frozen=True):
    """What ids are derived with. Kept in the KV bucket `<namespace>_secrets`, which never changes it."""

    secret: bytes
    since: float = 0.0
    """Seconds since 1970 from which it is used: before, ids are those of versions without secrets."""
    searched_until: float = 0.0
    """Until then a key may have given such an id to a task that is still kept."""


class TaskIds:
    """Gives each key the id of its task.

    Args:
        secrets: the bucket of the secret.
        records: the records of tasks.
        incarnation: what changes when the store was lost: the secret may be another one then.
    """

    def __init__(self, secrets: KeyValues, records: KeyValues, incarnation: Callable[[], str]) -> None:
        self._secrets = secrets
        self._records = records
        self._incarnation = incarnation
        self._known: tuple[str, IdSecret] | None = None

    async def of_key(self, owner: str, key: str) -> str:
        """The id that belongs to an owner's key. Raises UnavailableError and StoreFullError."""
        secret, now = await self._secret(), time.time()
        if not owner and now < secret.searched_until:  # the versions without secrets knew no owners
            old = public_task(key)
            if now < secret.since or await self._records.get(old) is not None:
                return old
        return derived_task(secret.secret, owner, key)

    async def load(self) -> None:
        """Return once the secret is known. Raises nothing: waits while NATS does not answer."""

        def on_refused(error: UnavailableError) -> None:
            logger.info("the secret of task ids is not read yet", extra={"action": "id_secret", "error": str(error)})

        await retry(self._secret, delay=LOADING, on_refused=on_refused)

    async def _secret(self) -> IdSecret:
        incarnation = self._incarnation()
        if self._known is None or self._known[0] != incarnation:
            self._known = incarnation, await self._stored()
        return self._known[1]

    async def _stored(self) -> IdSecret:
        """The secret that all streamers use: of several that start together the first one makes it."""
        for _ in range(TRIES):
            if (raw := await self._secrets.get(NAME)) is not None:
                return msgspec.json.decode(raw, type=IdSecret)
            if not await self._secrets.create(NAME, codec.encode_json(await self._made())):
                await asyncio.sleep(AGAIN_SECONDS)  # another has made it, and the server that was asked lags behind
        raise UnavailableError("the secret of task ids is stored but not shown: was it deleted?")

    async def _made(self) -> IdSecret:
        secret, now = os.urandom(SECRET_BYTES), time.time()
        if not (await self._records.newest_before(0)).entries:
            return IdSecret(secret=secret)
        since = now + ROLLOUT_SECONDS
        return IdSecret(secret=secret, since=since, searched_until=since + KEPT_SECONDS)
