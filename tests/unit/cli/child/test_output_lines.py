"""The lines of a terminal's output."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.cli.child.output_lines import MAX_LINE_CHARS, Line, OutputLines


def read(*pieces: bytes) -> list[Line]:
    lines = OutputLines()
    return [line for piece in pieces for line in lines.feed(piece)] + lines.flush()


def ended(text: str, *, redrawn: bool = False) -> Line:
    return Line(text, redrawn=redrawn, ended=True)


def drawn(text: str) -> Line:
    return Line(text, redrawn=True, ended=False)


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([b"one\ntwo\n"], [ended("one"), ended("two")]),
        ([b"one"], [ended("one")]),
        ([b"on", b"e\n"], [ended("one")]),
        ([b"one\r\ntwo\r\n"], [drawn("one"), ended("one"), drawn("two"), ended("two")]),
        ([b"one\r", b"\n"], [drawn("one"), ended("one")]),
        ([b"\n"], [ended("")]),
        ([b"1%\r2%\r"], [drawn("1%"), drawn("2%"), ended("2%")]),
        ([b"\r1%", b"\r2%\n"], [drawn("1%"), ended("2%", redrawn=True)]),
        ([b"\x1b[32mgreen\x1b[0m\n"], [ended("green")]),
        ([b"\x1b[3", b"2mgreen\x1b", b"[0m\n"], [ended("green")]),
        ([b"\x1b]0;title\x07text\x1b]8;;http://x/\x1b\\link\n"], [ended("textlink")]),
        ([b"a\x1b[Kb\x1b(Bc\x07\n"], [ended("abc")]),
        ([b"1\x1b[5Cof 2\n"], [ended("1 of 2")]),
        ([b"1%\n\x1b[1A\x1b[2K2%\n"], [ended("1%"), ended("2%", redrawn=True)]),
        ([b"1%\x1b[G2%\n"], [drawn("1%"), ended("2%", redrawn=True)]),
        (["é█".encode()[:3], "é█\n".encode()[3:]], [ended("é█")]),
        ([b"\xff\n"], [ended("\ufffd")]),
    ],
)
def test_lines_are_those_that_people_see(pieces: list[bytes], lines: list[Line]) -> None:
    assert read(*pieces) == lines


def test_a_line_without_end_is_bounded() -> None:
    lines = OutputLines()
    for _ in range(100):
        lines.feed(b"x" * 1000)
    assert [len(line.text) for line in lines.feed(b"\nnext\n")] == [MAX_LINE_CHARS, 4]


@given(st.binary(), st.lists(st.integers(0, 200)))
def test_whatever_comes_in_whatever_pieces_is_read(data: bytes, cuts: list[int]) -> None:
    """What lines say does not depend on where reads are cut."""
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[start:end] for start, end in pairwise(places)]
    assert read(*pieces) == read(data)
    assert not any("\x1b" in line.text for line in read(data))


def test_the_line_that_is_being_redrawn_can_be_seen() -> None:
    lines = OutputLines()
    lines.feed(b"50%")
    assert lines.unfinished() == []
    lines.feed(b"\r60%")
    assert lines.unfinished() == [drawn("60%")]
    assert lines.feed(b" done\n") == [ended("60% done", redrawn=True)]
    assert lines.unfinished() == []
