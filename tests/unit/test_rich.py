"""The progress of rich within a task."""

import io
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import rich.progress
import tqdm.rich
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

import headway.rich
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
    def shown(self):
        """The message, and what is done of what."""
        event = self.event
        return event.message, event.done, event.total

    @property
    def sub(self):
        sub = self.event.sub
        return sub and (sub.label, sub.done, sub.total)


@pytest.fixture(autouse=True)
def nothing_left():
    """Some bars are left open, in the context of all tests."""
    yield
    innermost_track.set(None)


@pytest.fixture
async def task():
    started = start_job(MemoryLog())
    token = current.set(started)
    with headway.rich.connect():
        yield Task(started)
    current.reset(token)
    await started.abort()


@pytest.fixture
def progress():
    columns = TextColumn("{task.description}", markup=False), BarColumn()
    with Progress(*columns, console=Console(file=io.StringIO()), auto_refresh=False) as made:
        yield made


def test_a_line_is_the_count_of_the_task(task, progress):
    line = progress.add_task("[red]Reading", total=10, completed=2)
    assert task.shown == ("Reading", 2, 10)
    progress.advance(line, 3)
    progress.update(line, advance=1, total=12)
    progress.update(line, completed=8, description="Still [bold")
    assert task.shown == ("Still [bold", 8, 12)
    progress.reset(line, total=5, description="Again [/x]")
    progress.advance(line)
    assert task.shown == ("Again [/x]", 1, 5)


def test_a_loop_is_the_count_of_the_task(task):
    console = Console(file=io.StringIO())
    for _ in rich.progress.track(range(4), "Working", console=console, auto_refresh=False):
        shown = task.shown
    assert shown == ("Working", 3, 4)
    assert list(rich.progress.track((one for one in "abc"), console=console)) == ["a", "b", "c"]
    assert task.shown == ("Working...", 3, None)


def test_lines_beside_the_first_are_shown_below_and_count_together(task, progress):
    files = progress.add_task("files", total=2)
    for _ in range(2):
        one, other = progress.add_task("a", total=4), progress.add_task("b", total=6)
        progress.advance(one, 4)
        progress.advance(other, 1)
        assert (task.shown, task.sub) == (("files", task.event.done, 2), ("", 5, 10))
        progress.remove_task(one)
        progress.stop_task(other)
        progress.advance(files)
    assert task.shown == ("files", 2, 2)


def test_the_next_line_is_the_count_when_the_first_is_finished(task, progress):
    first, second = progress.add_task("first", total=2), progress.add_task("second", total=4)
    progress.update(first, completed=2)
    progress.update(second, completed=3)
    assert (task.event.done, task.event.total, task.sub) == (3, 4, None)
    progress.update(first, total=9)
    assert task.sub == ("first", 2, 9)


def test_a_thread_without_the_context_moves_a_line(task, progress):
    line = progress.add_task("rows", total=4)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(progress.advance, line, 2).result()
        pool.submit(progress.add_task, "part", total=2).result()
    assert (task.shown, task.sub) == (("rows", 2, 4), ("part", 0, 2))


def test_a_file_is_counted_in_bytes(task, progress, tmp_path):
    (tmp_path / "rows").write_bytes(b"x" * 3000)
    with progress.open(tmp_path / "rows", "rb") as file:
        file.read(1000)
        assert task.shown == ("Reading...", 1000, 3000)


def test_bars_of_tqdm_by_rich_are_shown_once(task):
    with headway.tqdm.connect():
        with pytest.warns(match="experimental"):
            rows = tqdm.rich.tqdm(range(3), options={"console": Console(file=io.StringIO())})
        for row in rows:
            assert (task.event.done, task.sub) == (row or None, None)


def test_a_cancelled_task_ends_loops_and_updates_in_its_context_alone(task, progress):
    rows = iter(progress.track(range(10)))
    assert next(rows) == 0
    task.job.stop(CancelRequestedError("t1", "enough"))
    with pytest.raises(TaskCancelledError, match="enough"):
        next(rows)
    line = progress.add_task("rows")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(progress.advance, line).result()
    with pytest.raises(TaskCancelledError):
        progress.update(line, completed=3)


def test_the_terminal_shows_the_same(task):
    def written():
        file = io.StringIO()
        with Progress("{task.description} {task.completed}", console=Console(file=file, width=60)) as progress:
            line = progress.add_task("rows", total=3)
            for _ in range(3):
                progress.advance(line)
        return file.getvalue()

    captured, token = written(), current.set(None)
    assert captured == written()
    current.reset(token)
    assert "rows 3" in captured


def test_outside_of_a_task_and_after_the_undo_nothing_changes(task, progress):
    token = current.set(None)
    progress.add_task("rows")
    assert type(progress) is Progress
    current.reset(token)
    before = vars(Progress)["add_task"], vars(Progress)["track"]
    with headway.rich.connect():
        pass
    assert (vars(Progress)["add_task"], vars(Progress)["track"]) == before


def test_a_line_that_cannot_be_shown_goes_on(task, progress, caplog, monkeypatch):
    monkeypatch.setattr(task.job, "bar", None)
    assert progress.add_task("rows") == 0
    assert [record.action for record in caplog.records] == ["bar_not_shown"]


def test_without_rich_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with pytest.raises(ImportError, match="pip install rich"):
        headway.rich.connect()
