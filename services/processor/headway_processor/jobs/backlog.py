"""Count the pending jobs of each kind, for the metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from headway.errors import UnavailableError
from headway_processor.jobs.puller import Puller
from headway_processor.metrics import Metrics

PAUSE_SECONDS = 10.0


async def count_pending(pullers: Mapping[str, Puller], metrics: Metrics) -> None:
    """Read the number of pending jobs of each kind every 10 s, until cancelled."""
    while True:
        for kind, puller in pullers.items():
            with suppress(UnavailableError):  # before its consumer exists, and while NATS is unreachable
                metrics.pending(kind, await puller.pending())
        await asyncio.sleep(PAUSE_SECONDS)
