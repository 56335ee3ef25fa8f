"""Lines are numbered, and those that cannot be read are reported."""

import io

import pytest

from headway_kinds.bulk.lines import read_lines
from headway_kinds.bulk.records import MAX_RECORD_CHARS


def lines_of(content, encoding="utf-8"):
    skipped = []
    stream = io.BytesIO(content)
    found = list(read_lines(stream, encoding, lambda number, reason: skipped.append((number, reason))))
    assert not stream.closed
    return found, skipped


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_lines_keep_their_ends(end):
    assert lines_of(f"a{end}b{end}c".encode()) == ([(1, f"a{end}"), (2, f"b{end}"), (3, "c")], [])


def test_a_byte_order_mark_is_dropped():
    assert lines_of("\ufeffa\n".encode("utf-16-le"), "utf-16-le")[0] == [(1, "a\n")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"a\0b", "contains NUL"),
        (b"\xff", "not utf-8"),
        (b"x" * (2 * MAX_RECORD_CHARS + 1), "longer than 1,048,576 characters"),
    ],
    ids=["NUL", "undecodable", "too long"],
)
def test_a_line_that_cannot_be_read_is_reported_and_the_next_is_read(line, reason):
    assert lines_of(line + b"\nb\n") == ([(2, "b\n")], [(1, reason)])


def test_what_the_check_raises_ends_the_reading():
    def check():
        raise KeyError

    lines = read_lines(io.BytesIO(b"x" * (3 * MAX_RECORD_CHARS)), "utf-8", lambda *line: None, check)
    with pytest.raises(KeyError):
        list(lines)


def test_a_stream_that_was_closed_meanwhile_does_no_harm():
    stream = io.BytesIO(b"a\nb\n")
    lines = read_lines(stream, "utf-8", lambda *line: None)
    next(lines)
    stream.close()
    lines.close()
