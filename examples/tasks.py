"""Four tasks to copy from. Run them with `headway dev --tasks examples.tasks`."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import msgspec

from headway import Job, TaskError, task


class Egg(msgspec.Struct):
    seconds: Annotated[int, msgspec.Meta(ge=1, le=3600, description="How long it boils")] = 5


@task("boil")
async def boil(job: Job, params: Egg) -> str:
    """Boils an egg: a loop with a bar."""
    for _ in job.track(range(params.seconds), unit="s", message="boiling"):
        await asyncio.sleep(1)
    return "soft" if params.seconds < 240 else "hard"


class Story(msgspec.Struct):
    topic: str
    words: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 60


@task("story", retries=1)
async def story(job: Job, params: Story) -> dict[str, int]:
    """Writes a story word by word: steps and streamed text."""
    if not params.topic.strip():
        raise TaskError("a story needs a topic", retryable=False)
    job.step("Thinking", upto=10)
    await asyncio.sleep(1)
    job.step("Writing", total=params.words, unit="words")
    for number in range(params.words):
        job.chunk(f"{params.topic if number % 7 == 0 else 'and'} ")
        job.advance()
        await asyncio.sleep(0.05)
    return {"words": params.words}


@task("pictures", concurrency=2, timeout=600)
def pictures(job: Job) -> dict[str, int]:
    """Blocks in a thread, and stops when it is cancelled."""
    for number in job.track(range(50), unit="pictures"):
        time.sleep(0.1)
        if number % 20 == 19:
            job.log(f"picture {number} was blurred", "warning")
    return {"pictures": 50}


class Breakfast(msgspec.Struct):
    guests: Annotated[list[str], msgspec.Meta(min_length=1, max_length=20)]
    eggs: Annotated[int, msgspec.Meta(ge=1, le=10, description="For each guest")] = 2


@task("breakfast")
async def breakfast(job: Job, params: Breakfast) -> list[object]:
    """Splits its work: a part for each guest, and within it one for each egg."""
    if len(params.guests) > 1:
        parts = [
            await job.submit("breakfast", {"guests": [guest], "eggs": params.eggs}, title=f"For {guest}")
            for guest in params.guests
        ]
    else:
        parts = [await job.submit("boil", {"seconds": 4 + n}, title=f"Egg {n + 1}") for n in range(params.eggs)]
    return await job.gather(*parts)
