"""The job of the running code."""

import asyncio
import threading

from headway.current import current, running
from headway.testing import MemoryLog, start_job


async def test_it_is_that_of_the_context():
    assert current.get() is None
    token = current.set(job := start_job(MemoryLog()))
    assert await asyncio.to_thread(current.get) is job
    seen = []
    thread = threading.Thread(target=lambda: seen.append(current.get()))
    thread.start()
    thread.join()
    assert (seen, len(running)) == ([None], 1)
    current.reset(token)
    await job.abort()
    assert not running
