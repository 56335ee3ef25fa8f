"""Removal of one task: every stream, in an order that may be interrupted anywhere."""

from types import SimpleNamespace

import pytest

from headway.errors import NotEndedError, UnavailableError
from headway.eventlog.chain import Chain, read_head
from headway.jetstream.grants import purged_streams
from headway.subjects import Names
from headway.testing import MemoryLog, progress
from headway_processor.deletion.removal import TaskRemoval

NAMES = Names("hw")


class Purges:
    """Purges that were made; the one with the number `fails_at` fails."""

    def __init__(self):
        self.made = []
        self.fails_at = None

    async def purge(self, stream, subject, before=0):
        if len(self.made) == self.fails_at:
            self.fails_at = None
            raise UnavailableError("killed")
        self.made.append((stream, subject, before))


@pytest.fixture
def log():
    return MemoryLog()


@pytest.fixture
def purges():
    return Purges()


@pytest.fixture
def removal(log, purges):
    made = TaskRemoval(SimpleNamespace(jetstream=lambda **_: None), NAMES, log)
    made._purge = purges.purge

    async def remove(task, purge):
        await purge("OBJ_hw_results", f"$O.hw_results.M.{task}")

    made._results = SimpleNamespace(remove=remove)
    return made


async def end(log, task="t1"):
    await Chain(log, task, await read_head(log, task), attempt=1).append(progress("completed", 100.0))


async def test_every_stream_that_holds_something_of_a_task_is_purged_of_it_and_the_request_comes_last(
    log, removal, purges
):
    await end(log)
    await removal.remove("t1", request=9)
    # The lease of a reporter leaves out tasks that have ended by itself; files are of no task.
    assert {stream for stream, *_ in purges.made} == set(purged_streams(NAMES)) - {"KV_hw_reporters", "OBJ_hw_files"}
    assert all("t1" in subject for _, subject, _ in purges.made)
    assert ("HW_EVENTS", "hw.ev.t1", 2) in purges.made  # the end of the log stays
    assert purges.made[-1] == ("HW_DELETIONS", "hw.delete.t1", 10)


async def test_a_removal_that_was_interrupted_anywhere_is_repeated_whole(log, removal, purges):
    await end(log)
    await removal.remove("t1", request=1)
    whole = list(purges.made)
    for place in range(len(whole)):
        purges.made, purges.fails_at = [], place
        with pytest.raises(UnavailableError):
            await removal.remove("t1", request=1)
        assert whole[-1] not in purges.made  # so the request is still there
        purges.made = []
        await removal.remove("t1", request=1)
        assert purges.made == whole


async def test_nothing_of_a_task_that_runs_is_removed(log, removal, purges):
    await Chain(log, "t1", attempt=1).append(progress())
    with pytest.raises(NotEndedError):
        await removal.remove("t1", request=3)
    assert purges.made == []
    await removal.drop("t1", 3)
    assert purges.made == [("HW_DELETIONS", "hw.delete.t1", 4)]
