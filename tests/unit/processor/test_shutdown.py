"""The jobs of one process, and their end at a shutdown."""

import asyncio

import pytest

from headway_processor import shutdown
from headway_processor.shutdown import RunningJobs


class Run:
    """A run that ends when told, or when it is handed back, or only when it is cancelled."""

    def __init__(self, *, obedient=True):
        self.task = "t1"
        self.delivery = self
        self.answered = False
        self.door = asyncio.Event()
        self.handed_back = False
        self._obedient = obedient

    async def run(self):
        await self.door.wait()

    def hand_back(self):
        self.handed_back = True
        if self._obedient:
            self.door.set()


@pytest.fixture
def ended():
    return []


def start(jobs, run, ended):
    jobs.start(run, lambda: ended.append(run))
    return run


async def test_task_runs_here_until_its_job_is_answered(ended):
    jobs = RunningJobs()
    run = start(jobs, Run(), ended)
    assert (jobs.runs("t1"), jobs.runs("t2")) == (True, False)
    run.answered = True
    assert not jobs.runs("t1")  # what is delivered now is the next attempt
    run.door.set()
    await jobs.drain(1.0)


async def test_job_that_ends_within_the_grace_is_not_handed_back(ended):
    jobs = RunningJobs()
    run = start(jobs, Run(), ended)
    run.door.set()
    await jobs.drain(10.0)
    assert (ended, run.handed_back, len(jobs)) == ([run], False, 0)


async def test_job_that_outlasts_the_grace_is_handed_back(ended):
    jobs = RunningJobs()
    run = start(jobs, Run(), ended)
    await jobs.drain(0.0)
    assert (ended, run.handed_back, len(jobs)) == ([run], True, 0)


async def test_job_that_cannot_be_handed_back_is_cancelled(ended, monkeypatch):
    monkeypatch.setattr(shutdown, "HAND_BACK_SECONDS", 0.01)
    jobs = RunningJobs()
    run = start(jobs, Run(obedient=False), ended)
    await jobs.drain(0.0)
    assert (ended, run.handed_back, len(jobs)) == ([run], True, 0)
