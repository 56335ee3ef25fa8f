"""The event that waiting tasks get when a processor begins to offer their kind."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from contextlib import suppress

from headway import codec
from headway.errors import LogError, UnavailableError
from headway.eventlog.chain import EVENT_BYTES, read_head
from headway.eventlog.log import Log
from headway.events import Progress
from headway.ids import nonce
from headway_streamer.tasks.kinds import FRESH_SECONDS, KindCatalogue, no_processor
from headway_streamer.tasks.listing import Listing
from headway_streamer.tasks.task_filter import Filter

MAX_TASKS = 500

logger = logging.getLogger(__name__)


class Offers:
    """Appends one event to each task that was queued while no processor offered its kind.

    All streamers try; the log accepts the event of the first.
    """

    def __init__(self, catalogue: KindCatalogue, listing: Listing, log: Log) -> None:
        self._catalogue = catalogue
        self._listing = listing
        self._log = log
        self._offered: set[str] = set()

    async def keep_announced(self) -> None:
        """Look for kinds that are offered again, every two seconds. A root task."""
        while True:
            await asyncio.sleep(FRESH_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - one streamer before another
            with suppress(UnavailableError):
                await self._look()

    async def _look(self) -> None:
        offered = {kind for kind, count in (await self._catalogue.processors()).items() if count}
        if begun := offered - self._offered:
            for item in await self._listing.recent(Filter(limit=MAX_TASKS, statuses=("queued",))):
                if item["kind"] in begun and item["state"]["message"] == no_processor(item["kind"]):
                    await self._announce(item["task"], item["kind"])
        self._offered = offered

    async def _announce(self, task: str, kind: str) -> None:
        head = await read_head(self._log, task)
        if not isinstance(head.event, Progress) or head.event.message != no_processor(kind):
            return
        event = Progress(
            task=task,
            n=head.n + 1,
            attempt=0,
            at=round(time.time(), 3),
            first=head.first,
            status="queued",
            progress=0.0,
            message=f"a processor offers {kind} now; waiting for its turn",
            step="",
        )
        with suppress(LogError):  # a processor has begun it, or another streamer was faster
            # Without a Chain, which would follow the other's event: one is enough.
            msg_id = f"{task}.offered.{nonce()}"
            payload = codec.encode(event)
            size = head.size and head.size + EVENT_BYTES + len(payload)
            await self._log.put(task, payload, expected=head.seq, msg_id=msg_id, ownership=head.ownership, size=size)
            logger.info("a waiting task is offered", extra={"action": "offered", "task": task, "kind": kind})
