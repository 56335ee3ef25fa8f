"""Views of a watch: live bars, lines and JSON."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from rich.console import Console

from headway.cli.render.bars import Bar
from headway.cli.render.views import JsonView, LineView, LiveView
from headway.client.event_stream import Watched


def progress(percent: float, **data: Any) -> Watched:
    state = {"type": "progress", "task": "t1", "status": "processing", "progress": percent, "message": "", "step": "Go"}
    state |= data
    return Watched("progress", state, "c", json.dumps(state))


class Lines:
    """A LineView, its text and its clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self._file = io.StringIO()
        console = Console(file=self._file, width=200, highlight=False)
        self.view = LineView([Bar("t1", "crawl")], console, lambda: self.now)

    @property
    def lines(self) -> list[str]:
        return self._file.getvalue().splitlines()


def test_status_line_is_printed_every_ten_percent() -> None:
    """Not at each of a thousand ticks."""
    out = Lines()
    with out.view:
        for tick in range(1000):
            out.view.show(progress(tick / 10))
    assert len(out.lines) == 10
    assert out.lines[4] == "crawl t1 processing 40 % · Go"


def test_status_line_is_printed_at_each_change_of_step_status_and_attempt() -> None:
    """Also while the percentage does not change."""
    out = Lines()
    changes = [{}, {"step": "Next"}, {"step": "Next", "attempt": 2}, {"status": "retrying"}, {"status": "error"}]
    with out.view:
        for change in changes:
            out.view.show(progress(5, **change))
            out.view.show(progress(5.1, **change))
    assert len(out.lines) == 5


def test_status_line_shows_the_sub_progress() -> None:
    """At the end."""
    out = Lines()
    with out.view:
        out.view.show(progress(30, done=1, total=5, unit="files", sub={"done": 5, "total": 10, "label": "a.pdf"}))
    assert out.lines == ["crawl t1 processing 30 % · Go · 1/5 files · a.pdf 5/10"]


def test_status_line_is_printed_every_thirty_seconds_of_progress() -> None:
    """Also with little progress."""
    out = Lines()
    with out.view:
        for second in range(100):
            out.now = float(second)
            out.view.show(progress(second / 100, message=str(second)))
    assert [line.rpartition(" ")[2] for line in out.lines] == ["0", "30", "60", "90"]


def test_output_and_logs_are_printed_completely() -> None:
    """The unfinished last line at the end of the view."""
    out = Lines()
    with out.view:
        out.view.show(Watched("chunk", {"task": "t1", "text": "a\nb"}, "c"))
        out.view.show(Watched("log", {"task": "t1", "level": "info", "message": "note"}, "c"))
        out.view.drop("refused", 2.5)
    assert out.lines == ["a", "info: note", "reconnecting in 2 s (refused); the task continues", "b"]


def test_json_lines_are_the_unchanged_data(capsys: pytest.CaptureFixture[str]) -> None:
    """Events about the connection are skipped; a missing type is added."""
    raw = '{"type":"progress", "n":1,\n"status":"completed"}'
    with JsonView() as view:
        view.show(Watched("hello", {"server": "s"}, "c", '{"server":"s"}'))
        view.show(Watched("progress", json.loads(raw), "c", raw))
        view.show(Watched("reset", {"task": "t1"}, "c", '{"task":"t1"}'))
        view.show(Watched("goodbye", {}, "c", "{}"))
        view.drop("cut", 1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == raw.replace("\n", "")
    assert [json.loads(line)["type"] for line in lines] == ["progress", "reset"]


def test_live_bars_leave_their_last_state_on_the_screen() -> None:
    """With the output above them."""
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=True, color_system=None, legacy_windows=False)
    with LiveView([Bar("t1", "crawl")], console, lambda: 0.0) as view:
        view.show(Watched("chunk", {"task": "t1", "text": "hello\n"}, "c"))
        view.drop("cut", 3)
        view.show(progress(100, status="completed", message="all done"))
    text = file.getvalue()
    assert "hello" in text
    last = text[text.rindex("crawl t1") :]
    assert "completed" in last
    assert "all done" in last
    assert "reconnecting" not in last


def screen(output: str) -> list[str]:
    """The lines of a terminal after `output`; knows the codes that live bars use."""
    lines, row = [""], 0
    for part in re.split(r"(\x1b\[[0-9;?]*[A-Za-z]|[\r\n])", output):
        if part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part == "\x1b[1A":
            row -= 1
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part and part != "\r" and not part.startswith("\x1b"):
            lines[row] += part
    return [line.rstrip() for line in lines if line.strip()]


def test_no_stale_bar_is_left_above_lines_that_are_printed_while_it_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar changes its height while two threads draw it."""
    monkeypatch.setattr("headway.cli.render.views.REFRESH_SECONDS", 0.0)
    file = io.StringIO()
    out = Console(file=file, width=100, height=30, force_terminal=True, color_system=None, legacy_windows=False)
    with LiveView([Bar("t1", "crawl")], out, lambda: 0.0) as view:
        for n in range(50):
            view.show(progress(2.0 * n, message="long" if n % 2 else ""))
            view.show(Watched("log", {"task": "t1", "level": "info", "message": f"line {n}"}, "c"))
    lines = screen(file.getvalue())
    assert [line for line in lines if line.startswith("info")] == [f"info: line {n}" for n in range(50)]
    assert [number for number, line in enumerate(lines) if line.startswith("crawl t1")] == [50]


def test_only_live_bars_show_the_parts_of_a_task() -> None:
    """A task has parts when its count is that of them."""
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    live, part = LiveView([Bar("t1", "album")], console), Bar("a1", "resize", depth=1)
    with live:
        assert not live.is_split("t1")
        live.show(progress(5, done=1, total=2, unit="parts"))
        assert (live.is_split("t1"), live.is_split("unknown")) == (True, False)
        live.show_parts("t1", [part])
    assert "resize a1" in console.file.getvalue()  # type: ignore[attr-defined]
    out = Lines()
    for view in (out.view, JsonView()):
        view.show_parts("t1", [part])
        assert not view.is_split("t1")
    assert out.lines == []
