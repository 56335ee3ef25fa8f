"""Bars outside of tasks, each as a task of its own. Without NATS: what would be reported is noted."""

import sys
import threading
from contextvars import copy_context

import pytest
from tqdm import tqdm as bar
from tqdm import trange

import headway.tqdm
from headway import current_job
from headway.errors import InvalidNameError
from headway.testing import MemoryLog, start_job
from headway.tqdm import own_tasks
from headway.track import current
from tests.fixtures.condition import until


class Reports:
    """Takes the place of `headway.report`."""

    def __init__(self):
        self.ends = {}
        self.titles = []

    def __call__(self, name, *, kind, title):
        assert name == kind
        self.titles.append((kind, title))
        self.name = f"{len(self.titles)}"
        report = Reports.One()
        report.all, report.name = self, self.name
        return report

    class One:
        def begin(self):
            return start_job(MemoryLog(), self.name)

        def end(self, error):
            self.all.ends.setdefault(self.name, error)


@pytest.fixture
async def reports(monkeypatch):
    monkeypatch.setattr(own_tasks, "report", made := Reports())
    monkeypatch.setattr(own_tasks, "SETTLE_SECONDS", 0.01)
    monkeypatch.setattr(sys, "argv", ["/jobs/nightly import.py"])
    token = current.set(None)
    with headway.tqdm.connect(report=True):
        yield made
    current.reset(token)


async def test_each_outermost_bar_is_a_task_and_the_bars_within_belong_to_it(reports):
    for _ in trange(2, desc="Files: "):
        task = current_job()
        for _ in trange(3):
            assert current_job() is task
    assert current_job() is None
    list(trange(4))
    list(bar(range(4), disable=True))
    assert reports.titles == [("nightly-import", "Files"), ("nightly-import", "nightly-import")]
    assert reports.ends == {"1": None, "2": None}


async def test_the_kind_can_be_given(reports):
    with headway.tqdm.connect(report="rows"):
        list(trange(2))
    assert reports.titles == [("rows", "rows")]
    with pytest.raises(InvalidNameError):
        headway.tqdm.connect(report="no kind")


async def test_a_bar_in_a_task_is_none(reports):
    token = current.set(start_job(MemoryLog()))
    list(trange(2))
    current.reset(token)
    assert reports.titles == []


async def test_what_a_bar_or_its_block_raises_ends_its_task(reports):
    def rows():
        yield 1
        raise KeyError("row")

    with pytest.raises(KeyError):
        list(bar(rows()))
    with pytest.raises(ValueError, match="bad"), bar(total=2):
        raise ValueError("bad")
    with pytest.raises(ZeroDivisionError), bar(range(2)) as shown:
        [1 / row for row in shown]
    assert [type(error) for error in reports.ends.values()] == [KeyError, ValueError, ZeroDivisionError]


async def test_a_loop_that_is_left_has_ended_unless_nobody_handles_its_exception(reports, monkeypatch):
    for _ in trange(3):
        break
    await until(lambda: reports.ends == {"1": None})
    error = ValueError("nobody's")
    for _ in trange(3):
        monkeypatch.setattr(sys, "last_value", error, raising=False)  # as Python does then
        break
    await until(lambda: reports.ends == {"1": None, "2": error})


async def test_bars_that_are_open_at_the_end_end_their_tasks(reports):
    shown = bar(total=3)
    shown.update(3)
    own_tasks._settle_all()
    assert reports.ends == {"1": None}
    shown.close()


async def test_a_bar_that_ends_in_another_context_leaves_none_that_takes_the_next(reports):
    shown = bar(total=3)
    thread = threading.Thread(target=copy_context().run, args=(shown.close,))
    thread.start()
    thread.join()
    assert current_job() is not None
    list(trange(2))
    assert (len(reports.titles), current_job()) == (2, None)


@pytest.mark.parametrize(
    ("argv", "kind"), [(["-c"], "tqdm"), ([""], "tqdm"), (["/x/ipykernel_launcher.py"], "tqdm"), (["a/b.py"], "b")]
)
def test_the_kind_is_the_name_of_the_script(argv, kind, monkeypatch):
    monkeypatch.setattr(sys, "argv", argv)
    assert own_tasks.OwnTasks("")._kind == kind


def test_processes_of_multiprocessing_report_no_bars(monkeypatch):
    import multiprocessing.process

    monkeypatch.setattr(multiprocessing.process, "parent_process", object)
    assert own_tasks.OwnTasks("").begin(None, {}) is None
