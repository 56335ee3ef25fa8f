"""The reader of a child's output."""

from __future__ import annotations

import os

from headway.cli.local.process_output import OutputReader


def test_lines_are_delivered_until_the_last_writer_closes() -> None:
    """The last one without a line ending."""
    lines: list[str] = []
    reader = OutputReader(lines.append, "output")
    with reader.write_end() as write_end:
        os.write(write_end, b"one\ntwo\nthr")
        os.write(write_end, b"ee")
    reader.join(20)
    assert lines == ["one", "two", "three"]


def test_callback_that_fails_does_not_stop_the_reading() -> None:
    lines: list[str] = []

    def fail(line: str) -> None:
        lines.append(line)
        raise RuntimeError("cannot print that")

    reader = OutputReader(fail, "output")
    with reader.write_end() as write_end:
        os.write(write_end, b"one\ntwo\n")
    reader.join(20)
    assert lines == ["one", "two"]
