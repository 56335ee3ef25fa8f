"""Bars of tqdm within a task: each way in which code moves one moves the task."""

import asyncio
import gc
import io
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partialmethod

import pandas
import pytest
import tqdm.asyncio
import tqdm.auto
import tqdm.contrib
import tqdm.contrib.concurrent
import tqdm.notebook
from tqdm import tqdm as bar
from tqdm import trange

import headway.tqdm
from headway import TaskCancelledError
from headway.errors import CancelRequestedError
from headway.progress.counting import innermost_track
from headway.testing import MemoryLog, start_job
from headway.track import current


class Task:
    """A task whose handler is the test."""

    def __init__(self, job):
        self.job = job

    @property
    def event(self):
        return self.job._state.snapshot("processing")

    @property
    def count(self):
        """What is done of what, and the unit."""
        event = self.event
        return event.done, event.total, event.unit

    @property
    def sub(self):
        sub = self.event.sub
        return sub and (sub.done, sub.total, sub.unit, sub.label)


@pytest.fixture(autouse=True)
def nothing_left():
    """Some bars are left open, in the context of all tests."""
    yield
    innermost_track.set(None)


@pytest.fixture
async def job():
    started = start_job(MemoryLog())
    token = current.set(started)
    yield Task(started)
    current.reset(token)
    await started.abort()


@pytest.fixture
def task(job):
    with headway.tqdm.connect():
        yield job


def test_a_loop_moves_the_task_with_each_row_however_seldom_the_bar_is_drawn(task):
    seen = [task.count for _ in bar(range(3), unit="rows", mininterval=60)]
    assert seen == [(None, 3, "rows"), (1, 3, "rows"), (2, 3, "rows")]
    assert task.count == (3, 3, "rows")


def test_the_description_and_the_postfix_are_the_message(task):
    shown = trange(3, desc="Epoch 1")
    assert task.event.message == "Epoch 1"
    shown.set_postfix(loss=0.25)
    assert task.event.message == "Epoch 1, loss=0.25"
    shown.set_description("Epoch 2")
    assert task.event.message == "Epoch 2, loss=0.25"
    shown.set_description_str("", refresh=False)
    shown.set_postfix_str("", refresh=False)
    shown.close()
    assert task.event.message == ""


def test_a_bar_without_a_description_leaves_the_message(task):
    task.job.update(message="reading")
    list(trange(3))
    assert task.event.message == "reading"


def test_a_nested_bar_is_the_sub_and_a_share_of_the_row(task):
    for _ in trange(2, desc="files", unit="file"):
        for row in trange(4, desc="rows", unit=" row", leave=False):
            if row == 2:
                assert task.sub == (2, 4, "row", "rows")
        rows = task.event
    assert rows.progress == 99.9
    assert (task.event.message, task.count) == ("files", (2, 2, "file"))


def test_nested_bars_that_stay_open_follow_the_outer_one(task):
    with bar(total=3, position=0) as outer, bar(total=4, position=1) as inner:
        for _ in range(3):
            inner.reset()
            inner.update(3)
            assert task.sub == (3, 4, "", "")
            outer.update()
        inner.update(1)
        assert task.sub == (4, 4, "", "")
    assert task.count == (3, 3, "")


def test_an_inner_bar_becomes_the_count_when_the_outer_one_was_closed(task):
    outer, inner = bar(total=3), bar(total=8)
    outer.close()
    inner.update(2)
    assert task.count == (2, 8, "")
    inner.close()


def test_updates_by_hand(task):
    with bar(total=10, initial=4) as shown:
        assert task.count == (4, 10, "")
        shown.update(2)
        shown.update(-1)
        assert task.count == (5, 10, "")
        shown.n = 9
        shown.refresh()
        assert task.count == (9, 10, "")
        shown.total = 12
        shown.refresh()
        assert task.count == (9, 12, "")
        shown.reset(total=7)
        assert task.count == (None, 7, "")


@pytest.mark.parametrize(("total", "shown"), [(None, None), (float("inf"), None), (5, 5)])
def test_rows_without_a_length(task, total, shown):
    list(bar(iter("abc"), total=total))
    assert task.count == (3, shown, "")


def test_a_scale_multiplies_and_a_prefix_does_not(task):
    list(bar(range(3), unit="B", unit_scale=512))
    assert task.count == (1536, 1536, "B")
    list(bar(range(3), unit="B", unit_scale=True))
    assert task.count == (3, 3, "B")


def test_a_file_is_counted_in_bytes(task):
    with bar.wrapattr(io.BytesIO(b"x" * 3000), "read", total=3000) as file:
        while file.read(1000):
            pass
    assert task.count == (3000, 3000, "B")


def test_a_bar_that_the_code_disables_is_not_shown(task):
    list(bar(range(3), disable=True))
    list(bar(range(3), None, None, True, None, None, 0.1, 10.0, None, None, True))
    assert task.count == (None, None, "")


def use_without_terminal(task, **options):
    for row in bar(range(3), desc="rows", unit="row", **options):
        assert task.count == (row or None, 3, "row")
    with bar(total=10, initial=2, **options) as shown:
        assert shown.disable
        shown.update(3)
        shown.set_description("parts")
        assert (*task.count, task.event.message) == (5, 10, "", "parts")
        shown.reset()
        shown.update(1)
        assert task.count == (1, 10, "")


def test_a_bar_that_has_no_terminal_is_shown(task):
    use_without_terminal(task, disable=None)


def test_a_bar_that_the_environment_disables_is_shown(job, monkeypatch):
    """As TQDM_DISABLE=1 does, which tqdm reads when it is imported."""
    monkeypatch.setattr(bar, "__init__", partialmethod(vars(bar)["__init__"].func, disable=True))
    with headway.tqdm.connect():
        use_without_terminal(job)


async def test_bars_of_asyncio(task):
    async def rows():
        for row in range(3):
            yield row

    async for row in tqdm.asyncio.tqdm(rows(), total=3, mininterval=60):
        assert task.count == (row + 1, 3, "")
    assert await tqdm.asyncio.tqdm.gather(*(asyncio.sleep(0, n) for n in range(4)), desc="all") == [0, 1, 2, 3]
    assert (task.count, task.event.message) == ((4, 4, ""), "all")


def test_bars_of_auto_and_of_contrib(task):
    list(tqdm.auto.trange(5))
    assert task.count == (5, 5, "")
    assert list(tqdm.contrib.tmap(abs, [-1, -2])) == [1, 2]
    assert task.count == (2, 2, "")
    assert tqdm.contrib.concurrent.thread_map(abs, [-1, -2, -3], max_workers=2) == [1, 2, 3]
    assert task.count == (3, 3, "")


def test_bars_of_pandas(task):
    bar.pandas(desc="rows")
    table = pandas.DataFrame({"a": range(6)})
    assert list(table.progress_apply(lambda row: row["a"] + 1, axis=1)) == [1, 2, 3, 4, 5, 6]
    assert (task.event.message, task.event.done) == ("rows", 6)


def test_widgets_of_notebooks(task):
    """Without a kernel they are made, and shown nowhere."""
    for row in tqdm.notebook.tqdm(range(3), desc="cells", display=False):
        assert task.count == (row or None, 3, "")
    with tqdm.notebook.tqdm(total=4, display=False) as shown:
        shown.update(2)
        shown.reset(total=8)
        shown.update(3)
        assert (task.count, shown.container.children[1].max) == ((3, 8, ""), 8)


def test_a_thread_of_the_task_may_make_bars_and_any_thread_may_move_them(task):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(copy_context().run, list, trange(4)).result()
        assert task.count == (4, 4, "")
        with bar(total=5) as shown:
            pool.submit(shown.update, 3).result()
            assert task.count == (3, 5, "")
        pool.submit(list, trange(9)).result()
        assert pool.submit(lambda: len(list(trange(7)))).result() == 7  # of no task
    assert task.count == (9, 9, "")


def test_a_bar_is_written_to_the_terminal_as_without_a_task(task, job):
    def written():
        file = io.StringIO()
        shown = bar(range(4), desc="rows", file=file, mininterval=0, bar_format="{desc}{n}/{total} {postfix}")
        for row in shown:
            shown.set_postfix(row=row, refresh=False)
            with bar(total=1, file=file, leave=False, bar_format="{n}") as inner:
                inner.update()
        return file.getvalue()

    captured, token = written(), current.set(None)
    assert captured == written()
    current.reset(token)
    assert captured.count("/4") >= 4


def test_a_loop_that_is_left_ends_its_bar_at_once(task, capsys):
    def leave():
        for row in trange(10):
            if row == 3:
                break

    gc.disable()
    try:
        leave()
    finally:
        gc.enable()
    assert capsys.readouterr().err.endswith("\n")
    assert not bar._instances
    assert task.count == (3, 10, "")
    list(trange(2))
    assert task.count == (2, 2, "")


def test_a_bar_that_nothing_refers_to_ends_at_once(task):
    gc.disable()
    try:
        bar(total=3).update(2)
        assert not bar._instances
    finally:
        gc.enable()


def test_what_a_loop_raises_goes_on(task):
    def divide():
        for row in trange(3):
            1 / row

    with pytest.raises(ZeroDivisionError):
        divide()
    with pytest.raises(ValueError, match="bad"), bar(total=2):
        raise ValueError("bad")
    assert not bar._instances


def test_a_bar_may_be_closed_twice_and_iterated_again(task):
    shown = bar([1, 2])
    assert list(shown) == list(shown) == [1, 2]
    shown.close()
    shown.update(1)
    shown.refresh()
    assert task.count == (2, 2, "")


def test_a_captured_bar_is_of_its_class_still(task):
    class Own(bar):
        pass

    shown = Own(range(3))
    assert isinstance(shown, Own)
    assert (type(shown).__name__, type(shown).__module__, len(shown)) == ("Own", __name__, 3)
    assert 2 in shown
    shown.close()


def test_a_cancelled_task_ends_loops_and_updates_in_its_context_alone(task):
    rows = iter(trange(10))
    assert next(rows) == 0
    task.job.stop(CancelRequestedError("t1", "enough"))
    with pytest.raises(TaskCancelledError, match="enough"):
        next(rows)
    with ThreadPoolExecutor(1) as pool, bar(total=3) as shown:
        pool.submit(shown.update).result()
        with pytest.raises(TaskCancelledError):
            shown.update()
    assert not bar._instances


def test_bars_outside_of_a_task_stay_as_they_are(task):
    token = current.set(None)
    shown = trange(3)
    assert type(shown) is bar
    assert "headway" not in vars(shown)
    shown.close()
    current.reset(token)
