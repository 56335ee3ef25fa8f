"""Counts within counts: what the bar shows of loops within, after and beside each other."""

import asyncio
import contextvars
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count as count_up
from itertools import pairwise
from types import SimpleNamespace

import looptime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.events import Progress, Sub
from headway.job import Job, current
from headway.progress.counting import innermost_track
from headway.testing import MemoryLog, start_job

pytestmark = pytest.mark.looptime


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
async def job(log):
    """A running job whose clock is the event loop's, and which is the one of this context."""
    job = start_job(log, clock=asyncio.get_running_loop().time)
    current.set(job)
    yield job
    await job.abort()


def now(job: Job) -> Progress:
    """What would be appended at this moment."""
    return job._state.snapshot("processing")


def bar(job: Job) -> tuple:
    """done, total and per cent."""
    event = now(job)
    return event.done, event.total, event.progress


def run(loop) -> None:
    for _ in loop:
        pass


def helper(job: Job, rows: int = 10) -> None:
    run(job.track(range(rows), unit="pages", message="reading"))


# One within another


async def test_a_loop_within_a_loop_moves_the_bar_within_one_row(job):
    seen = []
    for _ in job.track(range(5), unit="files"):
        for row in job.track(range(10), unit="pages"):
            if row == 5:
                seen.append(bar(job))
    assert seen == [(0, 5, 10), (1, 5, 30), (2, 5, 50), (3, 5, 70), (4, 5, 90)]
    assert bar(job) == (5, 5, 99.9)


async def test_the_inner_loop_has_a_line_of_its_own(job):
    for _ in job.track(range(5), unit="files", message="reading files"):
        for row in job.track(range(10), unit="pages", message="a.pdf"):
            if row == 4:
                event = now(job)
                break
        break
    assert event.sub == Sub(4, 10, "pages", "a.pdf")
    assert (event.done, event.total, event.unit, event.message) == (0, 5, "files", "reading files")


async def test_the_line_of_the_inner_loop_goes_with_its_row(job):
    rows = job.track(range(5))
    next(rows)
    helper(job)
    assert now(job).sub == Sub(10, 10, "pages", "reading")
    next(rows)
    assert now(job).sub is None
    rows.close()


async def test_the_second_loop_of_a_row_takes_the_line_of_the_first(job):
    for _ in job.track(range(2)):
        helper(job, 10)
        assert now(job).sub == Sub(10, 10, "pages", "reading")
        for row in job.track(range(4), unit="lines"):
            if row == 1:
                break
        assert now(job).sub == Sub(1, 4, "lines")


async def test_of_three_loops_the_middle_one_has_the_line_and_all_move_the_bar(job):
    for _ in job.track(range(2)):
        for middle in job.track(range(5), unit="b"):
            for inner in job.track(range(10), unit="c"):
                if (middle, inner) == (1, 5):
                    assert now(job).sub == Sub(1, 5, "b")
                    assert now(job).progress == 50 * (1 + 5 / 10) / 5
            if middle == 1:
                return


@pytest.mark.parametrize("outer", [True, False])
async def test_a_helper_that_tracks_can_be_called_four_times(job, outer):
    if outer:
        bars = []
        for _ in job.track(range(4)):
            helper(job)
            bars.append(bar(job))
        assert bars == [(0, 4, 25.0), (1, 4, 50.0), (2, 4, 75.0), (3, 4, 99.9)]
    else:
        for _ in range(4):
            helper(job)
            assert bar(job) == (10, 10, 99.9)


async def test_an_inner_loop_without_an_end_does_not_move_the_bar(job):
    for row in job.track(range(4)):
        for inner in job.track(count_up(), unit="tries"):
            if inner == 100:
                break
        assert now(job).sub == Sub(100, None, "tries")
        assert bar(job) == (row, 4, 25.0 * row)


async def test_a_loop_within_one_without_an_end_shows_its_line(job):
    for row in job.track(count_up()):
        helper(job)
        if row == 2:
            break
    assert (now(job).done, now(job).total, now(job).progress) == (2, None, 0)
    assert now(job).sub == Sub(10, 10, "pages", "reading")


async def test_an_empty_inner_loop_changes_nothing(job):
    for _ in job.track(range(2)):
        run(job.track([]))
    assert bar(job) == (2, 2, 99.9)


# One after another


async def test_the_second_loop_counts_from_the_beginning(job):
    run(job.track(range(10), unit="files"))
    assert bar(job) == (10, 10, 99.9)
    for row in job.track(range(30)):
        if row == 3:
            assert bar(job) == (3, 30, 99.9)
            assert now(job).unit == "files"
    assert bar(job) == (30, 30, 99.9)


async def test_each_loop_of_a_step_counts_its_own(job):
    job.step("fetch", upto=50)
    run(job.track(range(10)))
    assert bar(job) == (10, 10, 50)
    job.step("write")
    assert now(job).done is None
    run(job.track(range(4)))
    assert bar(job) == (4, 4, 99.9)


async def test_a_loop_without_a_length_counts_to_the_total_that_the_step_has_given(job):
    job.step("profile", total=30, unit="rows")
    run(job.track(iter(range(10))))
    assert bar(job) == (10, 30, 33.33)
    run(job.track(iter(range(20))))
    assert bar(job) == (30, 30, 99.9)
    assert now(job).unit == "rows"


async def test_a_loop_after_a_count_that_is_complete_begins_another(job):
    job.update(done=7, total=7)
    run(job.track(range(3)))
    assert bar(job) == (3, 3, 99.9)


# Side by side


async def test_loops_at_the_same_time_count_together(job):
    async def loop(rows: int, unit: str) -> None:
        for _ in job.track(range(rows), unit=unit):
            await asyncio.sleep(1)

    both = asyncio.gather(loop(10, "rows"), loop(30, "rows"))
    await asyncio.sleep(5.5)
    assert bar(job) == (10, 40, 25)
    assert now(job).unit == "rows"
    await both
    assert bar(job) == (40, 40, 99.9)
    await asyncio.gather(loop(1, "a"), loop(2, "b"))
    assert (bar(job)[:2], now(job).unit) == ((3, 3), "")


async def test_loops_at_the_same_time_within_a_row_share_its_line(job):
    async def loop(rows: int) -> None:
        for _ in job.track(range(rows), unit="rows"):
            await asyncio.sleep(1)

    for _ in job.track(range(2)):
        both = asyncio.gather(loop(10), loop(30))
        await asyncio.sleep(5.5)
        assert now(job).sub == Sub(10, 40, "rows")
        assert bar(job) == (0, 2, 12.5)
        await both
        break


async def test_many_loops_beside_one_that_continues_are_kept_as_a_sum(job):
    long = job.track(range(1000))
    next(long)
    outside = contextvars.Context()
    for _ in range(500):
        outside.run(run, job.track(range(2)))
    assert bar(job)[:2] == (1000, 2000)
    assert len(job._state.level.batch.tracks) <= 2
    long.close()


# Left early


async def test_a_loop_that_is_left_is_no_outer_loop_any_more(job):
    for row in job.track(range(10)):
        if row == 3:
            break
    run(job.track(range(4)))
    assert bar(job)[:2] == (4, 4)
    with pytest.raises(ZeroDivisionError):
        run(1 / (row - 3) for row in job.track(range(10)))
    run(job.track(range(5)))
    assert bar(job)[:2] == (5, 5)
    assert innermost_track.get() is None


async def test_a_generator_that_tracks_can_be_abandoned(job):
    def pages():
        yield from job.track(range(10))

    for page in pages():
        if page == 2:
            break
    abandoned = pages()
    next(abandoned)
    held = [abandoned]
    held.append(held)  # only the garbage collector frees it, in whatever context it runs
    del abandoned, held
    contextvars.Context().run(gc.collect)
    run(job.track(range(4)))
    assert bar(job)[:2] == (4, 4)


async def test_an_inner_loop_that_is_left_early_leaves_its_row_to_the_outer_one(job):
    for _ in job.track(range(4)):
        for row in job.track(range(10)):
            if row == 5:
                break
    assert bar(job) == (4, 4, 99.9)


async def test_two_loops_in_lockstep_do_no_harm(job):
    for _ in zip(job.track(range(10)), job.track(range(10)), strict=True):
        event = now(job)
        assert event.total == 10
        assert event.progress <= 99.9
    assert bar(job) == (10, 10, 99.9)


# With update, advance and step


async def test_a_count_within_a_loop_is_one_of_the_row(job):
    for row in job.track(range(4), unit="files"):
        job.update(done=5, total=10, unit="pages")
        assert now(job).sub == Sub(5, 10, "pages")
        assert bar(job) == (row, 4, 25.0 * (row + 0.5))
        job.advance(5)
        assert now(job).sub == Sub(10, 10, "pages")
    assert bar(job) == (4, 4, 99.9)
    assert now(job).unit == "files"


async def test_a_total_within_a_loop_corrects_the_loop(job):
    found = 4
    for _ in job.track(count_up(), unit="pages"):
        job.update(total=found, message="more")
        if now(job).done == 4:
            break
        found += 1
    assert bar(job) == (4, 8, 50)
    assert (now(job).unit, now(job).message) == ("pages", "more")


async def test_a_loop_within_a_count_moves_it_within_one_unit(job):
    for i in range(4):
        job.update(done=i, total=4, unit="files")
        helper(job)
        assert bar(job) == (i, 4, min(25.0 * (i + 1), 99.9))
        assert now(job).sub == Sub(10, 10, "pages", "reading")
        assert (now(job).unit, now(job).message) == ("files", "")
    job.update(done=4)
    assert bar(job) == (4, 4, 99.9)
    assert now(job).sub is None


@pytest.mark.parametrize("before", [0, 900])
async def test_a_loop_over_just_what_is_left_counts_on(job, before):
    job.update(done=before, total=1000, unit="rows")
    for row in job.track(range(before, 1000)):
        if row == 950:
            assert bar(job)[:2] == (950, 1000)
    assert bar(job)[:2] == (1000, 1000)


async def test_a_step_within_a_loop_leaves_its_count_alone(job):
    for row in job.track(range(4)):
        job.step("read", total=2, unit="parts", upto=90)
        assert (now(job).step, now(job).message) == ("read", "")
        job.advance()
        assert bar(job) == (row, 4, 25.0 * (row + 0.5))
        assert now(job).sub == Sub(1, 2, "parts")
        job.step("write")
        assert now(job).sub is None
    assert bar(job) == (4, 4, 99.9)


async def test_more_done_than_the_total_leaves_the_total_out(job):
    job.update(done=40, total=30)
    assert bar(job) == (40, None, 99.9)
    for _ in range(10):
        job.step("tenths", total=1)
    for _ in range(10):
        job.advance(0.1)
    assert bar(job) == (pytest.approx(1), 1, 99.9)


async def test_what_was_done_before_counts_for_the_bar_and_not_for_the_rate(job):
    await asyncio.sleep(3)
    for row in job.track(range(100), initial=900):
        if row == 20:
            break
        await asyncio.sleep(0.5)
    event = now(job)
    assert (event.done, event.total, event.progress) == (920, 1000, 92)
    assert event.rate == pytest.approx(2.0)
    assert event.eta == pytest.approx(40)


@pytest.mark.parametrize("how", ["initial", "done"])
async def test_the_first_count_of_a_resumed_task_is_no_speed(job, how):
    await asyncio.sleep(6)
    job.update(**{how: 900}, total=1000)
    assert (now(job).rate, now(job).eta) == (None, None)
    for done in range(902, 921):
        await asyncio.sleep(0.5)
        job.update(done=done)
        assert (now(job).rate or 2.0) == pytest.approx(2.0, rel=0.1)
    assert now(job).eta == pytest.approx(40, rel=0.1)


async def test_rows_skipped_in_an_instant_are_no_speed(job):
    for row in job.track(range(1000)):
        if row >= 900:
            await asyncio.sleep(0.5)
        if row == 920:
            break
    assert now(job).rate == pytest.approx(2.0, rel=0.1)
    assert now(job).eta == pytest.approx(40, rel=0.1)


async def test_few_long_items_have_a_time_left_after_three(job):
    for row in job.track(range(9)):
        if row == 3:
            assert now(job).eta == pytest.approx(30)
        await asyncio.sleep(5)


async def test_loops_of_the_how_to_show_what_it_says(job, printed):
    def load(row: int) -> None:
        if (now(job).done, row) == (1, 500):
            raise ZeroDivisionError

    params = SimpleNamespace(files=["a.csv", "b.csv", "c.csv", "d.csv", "e.csv"])
    names = {"Job": Job, "Import": object, "task": lambda kind: lambda function: function}
    names |= {"load": load, "read": lambda file: range(1000)}
    exec(compile(printed[0].text, str(printed[0]), "exec"), names)
    with pytest.raises(ZeroDivisionError):
        names["import_files"](job, params)
    event = now(job)
    assert (event.progress, event.done, event.total, event.unit) == (30, 1, 5, "files")
    assert event.sub == Sub(500, 1000, "rows", "b.csv")


# Threads


@pytest.mark.parametrize("start", [asyncio.to_thread, None], ids=["with context", "without"])
async def test_a_thread_within_a_row_counts_within_it(job, start):
    loop = asyncio.get_running_loop()
    for _ in job.track(range(4)):
        work = start(helper, job) if start else loop.run_in_executor(None, helper, job)
        await work
        event = now(job)
    assert event.sub == Sub(10, 10, "pages", "reading")
    assert bar(job) == (4, 4, 99.9)


async def test_threads_of_a_pool_within_a_row_share_its_line(job):
    both = threading.Barrier(3)

    def work() -> None:
        for row in job.track(range(10), unit="pages"):
            if row == 5:
                both.wait(5)
                both.wait(5)

    with ThreadPoolExecutor(2) as pool:
        for _ in job.track(range(2)):
            futures = [pool.submit(work) for _ in range(2)]
            both.wait(5)
            assert now(job).sub == Sub(10, 20, "pages")
            both.wait(5)
            assert [future.result(5) for future in futures] == [None, None]


# Any nesting

shapes = st.recursive(
    st.tuples(st.integers(0, 4), st.booleans(), st.none() | st.integers(0, 4), st.just([])),
    lambda children: st.tuples(
        st.integers(0, 4), st.booleans(), st.none() | st.integers(0, 4), st.lists(children, max_size=3)
    ),
    max_leaves=8,
)
counts = st.floats(-5, 50)
reports = st.one_of(
    st.tuples(
        st.just("update"),
        st.fixed_dictionaries({}, optional={"done": counts, "total": counts, "initial": counts}),
    ),
    st.tuples(st.just("advance"), st.fixed_dictionaries({"count": st.floats(-1, 5)})),
    st.tuples(
        st.just("step"),
        st.fixed_dictionaries({"name": st.just("s")}, optional={"total": counts, "upto": st.floats(0, 100)}),
    ),
)


@dataclass
class Walk:
    """Plays loops within loops: (rows, whether they have a length, the row to leave at, what runs in each row)."""

    job: Job
    seen: list[Progress] = field(default_factory=list)

    def look(self) -> None:
        self.seen.append(now(self.job))

    def loop(self, shape) -> None:
        rows, sized, leave_at, inner = shape
        for row in self.job.track(range(rows) if sized else iter(range(rows))):
            self.look()
            for one in inner:
                self.play(one)
            if row == leave_at:
                break
        self.look()

    def play(self, one) -> None:
        if isinstance(one[0], str):
            getattr(self.job, one[0])(**one[1])
            self.look()
        else:
            self.loop(one)

    async def loop_async(self, shape) -> None:
        rows, sized, leave_at, inner = shape
        for row in self.job.track(range(rows) if sized else iter(range(rows))):
            await asyncio.sleep(0.1)
            self.look()
            await asyncio.gather(*(self.loop_async(one) for one in inner if not isinstance(one[0], str)))
            if row == leave_at:
                break


def check(events: list[Progress]) -> None:
    for event in events:
        assert event.total is None or event.done is None or event.done <= event.total
        assert event.sub is None or event.sub.total is None or event.sub.done <= event.sub.total
        assert event.progress == 100 if event.status == "completed" else 0 <= event.progress < 100
        assert event.rate is None or event.rate > 0
        assert event.eta is None or event.eta >= 0
    assert all(before.progress <= after.progress for before, after in pairwise(events))


@given(st.lists(shapes | reports, max_size=6))
@settings(deadline=None)
def test_whatever_is_nested_the_bar_is_never_wrong(script):
    async def play() -> list[Progress]:
        log = MemoryLog()
        walk = Walk(start_job(log))
        current.set(walk.job)
        for one in script:
            walk.play(one)
        assert innermost_track.get() is None
        await walk.job.finish("completed")
        return [*walk.seen, log.events("t1")[-1]]

    events = asyncio.run(play())
    check(events)
    if script and not isinstance(script[-1][0], str) and all(not isinstance(one[0], str) for one in script):
        rows, sized, leave_at, _ = script[-1]
        done = rows if leave_at is None or leave_at >= rows else leave_at
        assert (events[-1].done or 0, events[-1].total) == (done, rows if sized else None)


@given(st.lists(shapes, min_size=1, max_size=4))
@settings(max_examples=settings().max_examples // 2, deadline=None)
def test_whatever_runs_side_by_side_the_bar_is_never_wrong(shapes):
    async def play() -> list[Progress]:
        log = MemoryLog()
        walk = Walk(start_job(log, clock=asyncio.get_running_loop().time))
        current.set(walk.job)
        await asyncio.gather(*(walk.loop_async(shape) for shape in shapes))
        await walk.job.finish("completed")
        return [*walk.seen, log.events("t1")[-1]]

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        check(runner.run(play()))
