"""The examples are tasks that run."""

import pytest

from examples import tasks
from headway.kind import REGISTRY
from headway.testing import MemoryLog, start_job


@pytest.mark.looptime
async def test_the_egg_boils_with_a_bar():
    log = MemoryLog()
    job = start_job(log)
    await job.finish("completed", data=await tasks.boil(job, tasks.Egg(seconds=3)))
    last = log.events("t1")[-1]
    assert (last.data, last.done, last.total) == ("soft", 3, 3)


@pytest.mark.looptime
async def test_the_story_streams_its_words():
    log = MemoryLog()
    job = start_job(log)
    await job.finish("completed", data=await tasks.story(job, tasks.Story(topic="cats", words=20)))
    text = "".join(e.text for e in log.events("t1") if hasattr(e, "text"))
    assert len(text.split()) == 20


@pytest.mark.looptime
async def test_breakfast_is_made_of_parts():
    log = MemoryLog()
    job = start_job(log, children={"breakfast": lambda params: params["guests"], "boil": lambda params: "soft"})
    assert await tasks.breakfast(job, tasks.Breakfast(guests=["Ann", "Ben"])) == [["Ann"], ["Ben"]]
    assert await tasks.breakfast(job, tasks.Breakfast(guests=["Ann"], eggs=3)) == ["soft"] * 3
    await job.finish("completed")
    assert (log.events("t1")[-1].done, log.events("t1")[-1].unit) == (5.0, "parts")


def test_every_example_is_registered():
    assert {"boil", "story", "pictures", "breakfast"} <= {kind.name for kind in REGISTRY}
