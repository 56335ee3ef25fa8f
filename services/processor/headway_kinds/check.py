"""The kind `check`: counts to ten. It has no side effects, and shows whether an installation works."""

from __future__ import annotations

import asyncio

from headway import Job, task

COUNT = 10
PAUSE_SECONDS = 0.1


@task("check")
async def check(job: Job) -> dict[str, int]:
    """Count to ten in a second, to check an installation."""
    for _ in job.track(range(COUNT), unit="counts"):
        await asyncio.sleep(PAUSE_SECONDS)
    return {"counted": COUNT}
