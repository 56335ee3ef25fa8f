"""What is reported of an output."""

from __future__ import annotations

from typing import Any

from headway.cli.child.output_report import LAST_LINES, TAIL_BYTES, OutputReport


class Noted:
    """Keeps what is reported."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.left_out = 0

    def update(self, **changes: Any) -> None:
        self.calls.append(("update", {name: value for name, value in changes.items() if value is not None}))

    def step(self, name: str, **count: Any) -> None:
        self.calls.append(("step", name, count))

    def log(self, text: str, level: str = "info", logger: str = "") -> None:
        self.calls.append(("log", text, level))

    def leave_out_lines(self, count: int) -> None:
        self.left_out += count


def output(*, logs: bool = False, clock: Any = lambda: 0.0) -> tuple[OutputReport, Noted]:
    noted = Noted()
    return OutputReport(noted, logs=logs, clock=clock), noted  # type: ignore[arg-type]


def test_progress_is_reported_with_the_text_of_its_line() -> None:
    report, noted = output()
    report.take(1, b"[ 1/2] one\nplain\n[ 2/2] two\n")
    assert noted.calls == [
        ("update", {"message": "one", "done": 1.0, "total": 2.0, "unit": ""}),
        ("update", {"message": "two", "done": 2.0, "total": 2.0, "unit": ""}),
    ]


def test_a_bar_with_a_label_is_a_step() -> None:
    report, noted = output()
    report.take(2, b"Counting:  50% (1/2)\rCounting: 100% (2/2)\rSorting:  50% (2/4)\r")
    assert [call for call in noted.calls if call[0] == "step"] == [
        ("step", "Counting", {"total": 2.0, "unit": ""}),
        ("step", "Sorting", {"total": 4.0, "unit": ""}),
    ]


def test_lines_become_log_lines_without_secrets() -> None:
    report, noted = output(logs=True)
    report.take(1, b"\x1b[31mat https://app:s3cret@host/\x1b[0m\n\n 50%\r 60%\rend\n")
    assert [call[1] for call in noted.calls if call[0] == "log"] == ["at https://***@host/", "end"]


def test_the_last_lines_of_a_stream_are_those_that_people_see() -> None:
    report, noted = output()
    report.take(1, b"of another stream\n")
    report.take(2, b"".join(b"line %d\n" % number for number in range(50)) + b"\x1b[1mtoken=abcdefgh\x1b[0m\n\nlast")
    lines = report.log_last_lines(2)
    assert len(lines) == LAST_LINES
    assert lines[-3:] == ["line 49", "token=abcdefgh", "last"]
    assert [call for call in noted.calls if call[0] == "log"] == [("log", line, "error") for line in lines]
    assert report.last_lines(7) == []


def test_a_flood_is_looked_at_for_a_tenth_of_the_time_and_counted() -> None:
    """Its end is read in any case."""
    now = [0.0]

    def clock() -> float:  # each look takes a second
        now[0] += 1.0
        return now[0]

    report, noted = output(logs=True, clock=clock)
    for number in range(1000):
        report.take(1, b"line %d\n" % number * 1000)
    report.take(1, b"[42/100] last\n")
    report.finish()
    logged = [call[1] for call in noted.calls if call[0] == "log"]
    assert len(logged) + noted.left_out == report.lines == 1_000_001
    assert len(logged) < 400_000
    assert noted.calls[-2] == ("update", {"message": "last", "done": 42.0, "total": 100.0, "unit": ""})


def test_a_short_output_loses_nothing_while_nobody_looks() -> None:
    """It is read when nothing comes."""
    now = [0.0]
    report, noted = output(logs=True, clock=lambda: now[0])
    report.take(1, b"first\n")
    report._blind_until = 1.0
    for _ in range(10):
        report.take(1, b"x" * (TAIL_BYTES // 20) + b"\n")
    assert len(noted.calls) == 1
    now[0] = 1.0
    report.take(1, b"")
    assert len(noted.calls) == 11
    assert noted.left_out == 0


def test_without_a_report_output_is_only_counted() -> None:
    report = OutputReport(None)
    report.take(2, b"[1/2] one\nfailed\n")
    report.finish()
    assert (report.lines, report.bytes) == (2, 17)
    assert report.log_last_lines(2) == ["[1/2] one", "failed"]
