"""Lines are numbered, and those that cannot be read are reported."""

import io
import itertools

import msgspec
import pytest

from headway_kinds.bulk.lines import Lines, Position
from headway_kinds.bulk.records import MAX_RECORD_CHARS


def lines_of(content, encoding="utf-8"):
    skipped = []
    stream = io.BytesIO(content)
    found = list(Lines(stream, encoding, lambda number, reason: skipped.append((number, reason))))
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

    lines = iter(Lines(io.BytesIO(b"x" * (3 * MAX_RECORD_CHARS)), "utf-8", lambda *line: None, check))
    with pytest.raises(KeyError):
        list(lines)


def test_a_stream_that_was_closed_meanwhile_does_no_harm():
    stream = io.BytesIO(b"a\nb\n")
    lines = iter(Lines(stream, "utf-8", lambda *line: None))
    next(lines)
    stream.close()
    lines.close()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "shift_jis"])
@pytest.mark.parametrize("seekable", [True, False])
@pytest.mark.parametrize("before", [1, 2, 3, 4])
def test_reading_continues_at_a_stored_position(encoding, seekable, before):
    content = "ア\nb\r\n\0\nd\n".encode(encoding) + ("e" * 20_000).encode(encoding)[2 * (encoding == "utf-16") :]
    stream = io.BytesIO(content)
    stream.seekable = lambda: seekable
    skipped = []
    lines = Lines(stream, encoding, lambda number, _: skipped.append(number))
    whole = list(Lines(io.BytesIO(content), encoding, lambda *line: None))
    read = list(itertools.islice(lines, before))
    position = msgspec.msgpack.decode(msgspec.msgpack.encode(lines.position), type=Position)
    again = io.BytesIO(content)
    again.seekable = lambda: seekable
    rest = list(Lines(again, encoding, lambda number, _: skipped.append(number), start=position))
    assert read + rest == whole
    assert skipped == [3]
