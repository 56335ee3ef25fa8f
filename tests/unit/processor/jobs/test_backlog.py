"""The number of pending jobs is read regularly."""

import asyncio

import pytest

from headway.errors import UnavailableError
from headway_processor.jobs.backlog import PAUSE_SECONDS, count_pending
from headway_processor.metrics import Metrics


class Queue:
    """A puller that knows how many jobs are pending, or is unreachable."""

    def __init__(self, jobs):
        self.jobs = jobs

    async def pending(self):
        if self.jobs is None:
            raise UnavailableError("unreachable")
        return self.jobs


class Gauges(Metrics):
    def __init__(self):
        self.seen = {}

    def pending(self, kind, jobs):
        self.seen[kind] = jobs


@pytest.mark.looptime
async def test_each_kind_is_counted_also_when_another_cannot_be():
    queues, gauges = {"a": Queue(None), "b": Queue(2)}, Gauges()
    counting = asyncio.create_task(count_pending(queues, gauges))
    await asyncio.sleep(1)
    assert gauges.seen == {"b": 2}
    queues["a"].jobs = 1
    await asyncio.sleep(PAUSE_SECONDS)
    counting.cancel()
    assert gauges.seen == {"a": 1, "b": 2}
