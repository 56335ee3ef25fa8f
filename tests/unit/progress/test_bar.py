"""Counts that other code keeps."""

import pytest

from headway.progress.counting import innermost_track
from headway.testing import MemoryLog, start_job


@pytest.fixture(autouse=True)
def nothing_left():
    """Some bars are left open, in the context of all tests."""
    yield
    innermost_track.set(None)


@pytest.fixture
async def job():
    started = start_job(MemoryLog())
    yield started
    await started.abort()


def shown(job):
    event = job._state.snapshot("processing")
    sub = event.sub and (event.sub.done, event.sub.total, event.sub.unit, event.sub.label)
    return event.message, event.done, event.total, event.unit, sub


def test_a_bar_is_the_count_of_the_task_until_another_begins(job):
    bar = job.bar(total=10, unit="rows", message="reading", initial=2)
    assert shown(job) == ("reading", 2, 10, "rows", None)
    bar.move(5)
    bar.step(2)
    bar.step()
    assert shown(job) == ("reading", 8, 10, "rows", None)
    bar.move(3)
    bar.describe(total=12, unit="lines", message="again")
    assert shown(job) == ("again", 3, 12, "lines", None)
    bar.close()
    bar.move(9)
    assert (bar.open, shown(job)) == (False, ("again", 3, 12, "lines", None))
    job.bar(total=4)
    assert shown(job)[1:3] == (None, 4)


def test_what_is_no_number_changes_nothing(job):
    bar = job.bar(total="many", initial="few")
    bar.move("some")
    bar.move(float("nan"))
    assert shown(job) == ("", None, None, "", None)
    bar.move("3")
    assert shown(job)[1] == 3


def test_a_bar_within_another_is_its_sub(job):
    outer = job.bar(total=4, message="files")
    one, other = job.bar(total=2, within=outer, message="rows"), job.bar(total=6, within=outer)
    one.move(2)
    other.move(3)
    assert shown(job) == ("files", 0, 4, "", (5, 8, "", ""))
    inner = job.bar(total=9)  # by the context, which is that of `outer`
    assert shown(job)[-1] == (5, 17, "", "")
    inner.close()


def test_a_bar_that_stays_open_follows_the_row_of_the_outer_one(job):
    outer, inner = job.bar(total=4), job.bar(total=10, message="rows")
    inner.move(5)
    outer.step()
    assert shown(job)[-1] is None
    inner.move(6)
    inner.describe(total=10, message="lines")
    assert shown(job) == ("", 1, 4, "", (6, 10, "", "lines"))
    outer.close()
    inner.move(7)
    assert shown(job)[1:3] == (7, 10)


def test_a_bar_continues_a_count_that_has_its_total(job):
    job.step("read", total=10, unit="rows")
    job.advance(4)
    bar = job.bar(total=6)
    bar.move(1)
    bar.move(3)
    assert shown(job)[1:4] == (7, 10, "rows")


async def test_each_change_of_a_bar_is_stored(job):
    bar = job.bar(total=4)
    for change in (lambda: bar.move(1), bar.step, lambda: bar.describe(total=5)):
        await job.flush()
        change()
    await job.finish("completed")
    stored = [(event.done, event.total) for event in job.lifecycle._chain.log.events("t1")]
    assert stored == [(None, 4), (1, 4), (2, 4), (2, 5), (2, 5)]
