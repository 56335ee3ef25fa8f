"""The kind `check` counts to ten."""

import pytest

from headway.events import Progress
from headway.testing import MemoryLog, start_job
from headway_kinds.check import check


@pytest.mark.looptime
async def test_it_counts_to_ten():
    log = MemoryLog()
    job = start_job(log, interval_seconds=0.01)
    assert await check(job) == {"counted": 10}
    await job.finish("completed", data=None)
    last = [event for event in log.events("t1") if isinstance(event, Progress)][-1]
    assert (last.status, last.done, last.total, last.unit) == ("completed", 10, 10, "counts")
