"""How many jobs wait, for those who watch over the processors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from headway.errors import UnavailableError
from headway_processor.jobs.puller import Puller
from headway_processor.metrics import Metrics

PAUSE_SECONDS = 10.0


async def keep_counted(pullers: Mapping[str, Puller], metrics: Metrics) -> None:
    """A root task: ask for each kind's waiting jobs again and again."""
    while True:
        for kind, puller in pullers.items():
            with suppress(UnavailableError):  # before its consumer is made, and while NATS is away
                metrics.waiting(kind, await puller.waiting())
        await asyncio.sleep(PAUSE_SECONDS)
