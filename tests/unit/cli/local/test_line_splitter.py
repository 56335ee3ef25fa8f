"""Splitting of output into lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headway.cli.local.line_splitter import LineSplitter


def test_character_split_between_two_reads_stays_whole() -> None:
    """A pipe may split it anywhere."""
    splitter = LineSplitter()
    data = "snow ☃ man\n".encode()
    assert splitter.feed(data[:6]) == []
    assert splitter.feed(data[6:]) == ["snow ☃ man"]


def test_invalid_utf_8_is_replaced() -> None:
    """Half an emoji, a name in Latin-1; both kinds of line endings."""
    assert LineSplitter().feed(b"\xf0\x9f\x98\r\nna\xefve\n") == ["\ufffd", "na\ufffdve"]


def test_long_line_is_truncated_and_the_next_one_is_complete() -> None:
    """Memory is bounded without line endings too."""
    splitter = LineSplitter(max_bytes=10)
    assert splitter.feed(b"x" * 1000) == []
    assert splitter.feed(b"x" * 1000 + b"\nafter\n") == ["x" * 10 + "…", "after"]
    assert splitter.flush() == []


def test_last_line_without_a_line_ending_is_flushed() -> None:
    """As the traceback of a crash may end."""
    splitter = LineSplitter()
    assert splitter.feed(b"one\ntwo") == ["one"]
    assert splitter.flush() == ["two"]


@given(st.lists(st.binary(max_size=40)))
def test_lines_do_not_depend_on_how_the_bytes_arrive(pieces: list[bytes]) -> None:
    """One piece or many."""
    whole, splitter = LineSplitter(), LineSplitter()
    at_once = whole.feed(b"".join(pieces)) + whole.flush()
    assert [line for piece in pieces for line in splitter.feed(piece)] + splitter.flush() == at_once
