"""Progress bars rendered to text: no terminal, virtual time."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from headway.cli.render.bars import Bar
from headway.cli.render.board import Board
from headway.client.event_stream import Watched
from tests.fixtures.watched_events import progress, watched


class Screen:
    """A board on a clock that the test sets."""

    def __init__(self, *bars: Bar) -> None:
        self.now = 100.0
        self.board = Board(bars or [Bar("t1", "crawl")], lambda: self.now)

    def apply(self, event: Watched) -> list[str]:
        return [line.plain for line in self.board.apply(event)]

    def text(self, width: int = 120, height: int = 25) -> str:
        console = Console(record=True, width=width, height=height, file=io.StringIO())
        console.print(self.board)
        return console.export_text()


def test_bar_shows_step_percentage_count_rate_and_remaining_time() -> None:
    """In one line, with the message below."""
    screen = Screen()
    screen.apply(
        progress(
            step="Fetching", progress=42.7, message="page 42", done=42, total=100, unit="pages", rate=3.1, eta=18.7
        )
    )
    first, second = screen.text().splitlines()
    for part in ("crawl t1", "Fetching", "42 %", "42/100 pages", "3.1/s", "18 s left", "━"):
        assert part in first
    assert second.strip() == "page 42"


def test_parts_are_shown_below_their_task() -> None:
    """Indented, with bars of their own; of more than fit those that run."""
    screen = Screen()
    screen.apply(progress(progress=50.0, done=1, total=2, unit="parts"))
    parts = [Bar(f"a{number}", "resize", depth=1) for number in range(30)]
    for place, bar in enumerate(parts):
        bar.state = {"status": "completed" if place else "processing", "progress": 100.0 if place else 0.0}
    screen.board.parts["t1"] = parts[:2]
    lines = screen.text().splitlines()
    assert [line[:11] for line in lines[:3]] == ["crawl t1   ", "  resize a0", "  resize a1"]
    screen.board.parts["t1"] = parts
    lines = screen.text(height=10).splitlines()
    assert (len(lines), lines[1][:11], lines[-1]) == (9, "  resize a0", "… and 23 more (23 completed)")


def test_sub_progress_has_a_line_of_its_own() -> None:
    """Below the message, while the task runs."""
    screen = Screen()
    sub = {"done": 4, "total": 10, "unit": "pages", "label": "a\x1b[2J.pdf"}
    screen.apply(progress(message="reading", done=1, total=5, unit="files", sub=sub))
    assert [line.strip() for line in screen.text().splitlines()[1:]] == ["reading", "a[2J.pdf 4/10 pages"]
    screen.apply(progress(done=1, total=5, sub={"done": 7}))
    assert screen.text().splitlines()[1].strip() == "7"
    screen.apply(progress(status="completed", progress=100.0, sub=sub))
    assert "a.pdf" not in screen.text()


def test_sub_progress_of_several_tasks_is_in_the_line_of_the_message() -> None:
    """One line per task."""
    screen = Screen(Bar("t1", "load"), Bar("t2", "load"))
    screen.apply(progress("t1", message="reading", sub={"done": 4, "total": 10}))
    screen.apply(progress("t2", sub={"done": 7, "label": "b.pdf"}))
    assert [line.strip() for line in screen.text().splitlines()[2:]] == ["load t1: reading · 4/10", "load t2: b.pdf 7"]


def test_remaining_time_is_counted_down_between_events() -> None:
    """Never below zero."""
    screen = Screen()
    screen.apply(progress(eta=18.7))
    screen.now += 10
    assert "8 s left" in screen.text()
    screen.now += 60
    assert "0 s left" in screen.text()


def test_stalled_task_shows_that_instead_of_its_remaining_time() -> None:
    """Until the next event."""
    screen = Screen()
    screen.apply(progress(eta=18.7))
    screen.apply(watched("stalled", seconds=20))
    screen.now += 5
    assert "stalled 25 s" in screen.text()
    assert "left" not in screen.text()
    screen.apply(progress(eta=18.7))
    assert "stalled" not in screen.text()


@pytest.mark.parametrize("resumed", [("resumed", {}), ("stalled", {"seconds": 0})])
def test_resumed_task_shows_its_remaining_time_again(resumed) -> None:
    """For the event and for its older form."""
    screen = Screen()
    screen.apply(progress(eta=18.7))
    screen.apply(watched("stalled", seconds=20))
    screen.apply(watched(resumed[0], **resumed[1]))
    assert "stalled" not in screen.text()
    assert "left" in screen.text()


def test_task_before_its_first_event_is_waiting() -> None:
    """Without a state."""
    assert "waiting" in Screen().text()


def test_status_is_a_word_at_the_end_too() -> None:
    """Not only a colour; an error has its reason."""
    screen = Screen()
    screen.apply(
        progress(status="error", progress=7, step="Fetching", error={"type": "Timeout", "message": "too\nslow"})
    )
    text = screen.text()
    assert "error" in text
    assert "Timeout: too slow" in text
    assert "Fetching" not in text


def test_requested_cancel_shows_until_the_end() -> None:
    """The handler may need time to stop."""
    screen = Screen()
    screen.apply(progress(step="Fetching"))
    screen.apply(watched("cancel", reason="enough"))
    assert "cancelling" in screen.text()
    screen.apply(progress(status="cancelled"))
    assert "cancelling" not in screen.text()
    assert "cancelled" in screen.text()


def test_output_is_printed_above_by_line_and_its_unfinished_line_below() -> None:
    """The last line is printed at the end."""
    screen = Screen()
    assert screen.apply(watched("chunk", text="one\ntwo\nthr")) == ["one", "two"]
    assert screen.text().splitlines()[1].strip() == "thr"
    assert screen.apply(watched("chunk", text="ee")) == []
    assert screen.apply(progress(status="completed", progress=100)) == ["three"]


def test_text_beside_the_output_is_printed_with_its_channel() -> None:
    """And apart: an unfinished line ends where the channel changes."""
    screen = Screen()
    assert screen.apply(watched("aside", channel="reasoning", text="one\nt")) == ["reasoning │ one"]
    assert screen.apply(watched("aside", channel="reasoning", text="wo")) == []
    assert screen.apply(watched("chunk", text="yes")) == ["reasoning │ two"]
    assert screen.apply(watched("aside", channel="to\x1bol", text="{}")) == ["yes"]
    assert screen.apply(progress(status="completed", progress=100)) == ["tool │ {}"]


def test_an_unfinished_line_ends_with_its_attempt() -> None:
    """The next attempt outputs from the start again."""
    screen = Screen()
    screen.apply(watched("chunk", text="Once upon"))
    assert screen.apply(progress(status="retrying", attempt=1)) == ["Once upon"]
    assert screen.apply(progress(status="processing", attempt=2)) == []
    assert screen.apply(watched("chunk", text="Once\n")) == ["Once"]


def test_end_of_a_long_unfinished_line_is_visible() -> None:
    """Streamed prose may have no line endings."""
    screen = Screen()
    for n in range(500):
        screen.apply(watched("chunk", text=f"w{n} "))
    text = screen.text(width=60)
    assert "w499" in text
    assert len(text.splitlines()) < 8


def test_log_events_are_printed_above_with_their_level() -> None:
    """Without control characters."""
    assert Screen().apply(watched("log", level="warning", message="slow\x1b[2J")) == ["warning: slow[2J"]


def test_output_of_several_tasks_has_their_names() -> None:
    """And a bar each."""
    screen = Screen(Bar("t1", "crawl"), Bar("t2", "bulk"))
    screen.apply(progress("t1", message="page 1"))
    screen.apply(progress("t2", message="row 1"))
    assert screen.apply(watched("chunk", "t2", text="x\n")) == ["bulk t2 │ x"]
    assert [line.split("  ")[0] for line in screen.text().splitlines()[:2]] == ["crawl t1", "bulk t2"]
    assert "bulk t2: row 1" in screen.text()


def test_reset_clears_the_bar() -> None:
    """The events that are kept follow."""
    screen = Screen()
    screen.apply(progress(progress=50, message="half"))
    screen.apply(watched("reset", reason="trimmed"))
    assert "half" not in screen.text()
    assert "waiting" in screen.text()


def test_event_of_another_task_is_ignored() -> None:
    """As are events about the connection."""
    screen = Screen()
    assert screen.apply(progress("other")) == []
    assert screen.apply(watched("hello", "")) == []


def test_no_line_is_wrapped_on_a_narrow_terminal() -> None:
    """Long messages are truncated."""
    screen = Screen()
    screen.apply(progress(message="m" * 500, step="s" * 20, done=1, total=2, rate=3.0, eta=9.0))
    assert len(screen.text(width=60).splitlines()) == 2


LONG_STEP = "Comparing the checksums of all files in the archive with the manifest of yesterday"


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_long_step_is_truncated_before_bar_and_percentage(width: int) -> None:
    """The bar has at least ten cells at any width; the percentage is complete."""
    screen = Screen(Bar("06gvo8jheds2j05omsig89n1qg", "crawl"))
    screen.apply(progress("06gvo8jheds2j05omsig89n1qg", step=LONG_STEP, progress=42, done=3, total=10, unit="files"))
    (line,) = screen.text(width).splitlines()
    assert "42 %" in line
    found = re.search(r"[━╸╺]+ *", line)
    assert found
    assert len(found[0]) >= 12  # with the gap
    assert "…" in line
    assert cell_len(line) <= width


def test_ends_of_ids_are_shown_on_a_narrow_terminal() -> None:
    """The kind is truncated; the remaining time is shown."""
    screen = Screen(Bar("06gvo8jheds2j05omsig89n1qg", "longstep"), Bar("06gvo8jheds2j05omsig89n2ab", "longstep"))
    for task in screen.board.bars:
        screen.apply(progress(task, step=LONG_STEP, progress=42, done=3, total=10, unit="files", rate=2.0, eta=12.0))
    first, second = screen.text(60).splitlines()
    assert first.startswith("longstep …n1qg ")
    assert second.startswith("longstep …n2ab ")
    assert "12 s left" in first


def test_wide_characters_are_measured_in_cells() -> None:
    """A line is never wider than the terminal."""
    screen = Screen(Bar("t1", "爬虫"))
    screen.apply(progress(step="正在比较所有文件的校验和与昨天的清单" * 3, progress=42, message="漢" * 80))
    lines = screen.text(60).splitlines()
    assert len(lines) == 2
    assert all(cell_len(line) <= 60 for line in lines)
    assert "42 %" in lines[0]


def test_running_tasks_are_shown_and_the_others_counted_when_lines_are_few() -> None:
    """In their order."""
    screen = Screen(*(Bar(f"t{n}", "crawl") for n in range(20)))
    for n in range(20):
        status = "completed" if n < 2 else "queued" if n < 9 else "error" if n == 9 else "processing"
        screen.apply(progress(f"t{n}", status=status, message="m", error={"type": "E", "message": "no"}))
    *lines, last = screen.text(height=13).splitlines()
    assert len(lines) == 11
    assert [line.split()[1] for line in lines] == [f"t{n}" for n in range(9, 20)]
    assert last == "… and 9 more (2 completed, 7 queued)"
    *lines, last = screen.text(height=10).splitlines()
    assert last == "… and 12 more (2 completed, 7 queued, 1 error, 2 running)"
    assert len(lines) == 8


def test_messages_are_dropped_before_tasks() -> None:
    """Those of running tasks last."""
    screen = Screen(*(Bar(f"t{n}", "crawl") for n in range(4)))
    for n in range(4):
        screen.apply(progress(f"t{n}", status="queued" if n < 2 else "processing", message=f"message {n}"))
    assert len(screen.text(height=25).splitlines()) == 8
    lines = screen.text(height=7).splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["crawl"] * 4
    assert [line.strip() for line in lines[4:]] == ["crawl t2: message 2", "crawl t3: message 3"]


def test_all_tasks_are_on_the_screen_at_the_end() -> None:
    """Nothing is redrawn, so the terminal may scroll."""
    screen = Screen(*(Bar(f"t{n}", "crawl") for n in range(40)))
    screen.board.show_all = True
    assert len(screen.text(height=10).splitlines()) == 40


def test_rates_of_bytes_and_seconds_have_their_own_formats() -> None:
    """A factor and multiples."""
    screen = Screen()
    screen.apply(progress(done=90, total=300, unit="s", rate=1.02))
    assert "1 min 30 s/5 min  1.0×" in screen.text()
    screen.apply(progress(done=1_200_000, total=34_000_000, unit="bytes", rate=3_140_000.0))
    assert "1.2 MB/34 MB  3.1 MB/s" in screen.text()


def test_log_line_names_its_logger() -> None:
    """Lines of `job.log` have none."""
    screen = Screen()
    assert screen.apply(watched("log", level="info", message="m", logger="shop.images")) == ["info: m  shop.images"]
    assert screen.apply(watched("log", level="info", message="m")) == ["info: m"]
