"""The parser does what the WHATWG standard says, however the bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.client.sse_parser import Parser, ServerSentEvent


def events(*chunks: bytes, last_id: str = "") -> list[tuple[str, str, str]]:
    parser = Parser(last_id)
    return [tuple(event) for chunk in chunks for event in parser.feed(chunk)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [("message", "a", "")]),
        (b"data:a\n\n", [("message", "a", "")]),
        (b"data:  a\n\n", [("message", " a", "")]),
        (b"data\n\n", [("message", "", "")]),
        (b"data\ndata\n\n", [("message", "\n", "")]),
        (b"data: a\ndata: b\n\n", [("message", "a\nb", "")]),
        (b"data: a: b\n\n", [("message", "a: b", "")]),
        (b"event: log\ndata: a\n\n", [("log", "a", "")]),
        (b"event: log\nevent:\ndata: a\n\n", [("message", "a", "")]),
        (b"event: log\n\ndata: a\n\n", [("message", "a", "")]),
        (b"id: 1\ndata: a\n\ndata: b\n\n", [("message", "a", "1"), ("message", "b", "1")]),
        (b"id: 1\ndata: a\n\nid\ndata: b\n\n", [("message", "a", "1"), ("message", "b", "")]),
        (b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", [("message", "a", "1"), ("message", "b", "1")]),
        (b"id: 7\n\ndata: a\n\n", [("message", "a", "7")]),
        (b": comment\ndata: a\n:\n\n", [("message", "a", "")]),
        (b"Data: a\nfoo: b\n data: c\n\n", []),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", [("message", "a", ""), ("message", "b", ""), ("message", "c", "")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("message", "a", "")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
        (b"data: \xff\n\n", [("message", "�", "")]),
        (
            "data: \v\f\x1c\x1d\x1e\x7f\x85\u2028\u2029\n\n".encode(),
            [("message", "\v\f\x1c\x1d\x1e\x7f\x85\u2028\u2029", "")],
        ),
        (b"data: unfinished\n", []),
        (b"data: unfinished", []),
        (b"", []),
    ],
)
def test_stream_gives_the_events_of_the_standard(stream: bytes, expected: list[tuple[str, str, str]]) -> None:
    """One row per rule of the standard's section on interpreting a stream."""
    assert events(stream) == expected


@pytest.mark.parametrize(
    ("stream", "retry_ms"),
    [
        (b"retry: 1500\n", 1500),
        (b"retry:0\n", 0),
        (b"retry: 1.5\n", None),
        (b"retry: -1\n", None),
        (b"retry: 1 \n", None),
        ("retry: ٣\n".encode(), None),
        (b"retry: " + b"9" * 5000 + b"\n", None),
        (b"retry: 5\nretry: x\n", 5),
    ],
)
def test_retry_takes_digits_only(stream: bytes, retry_ms: int | None) -> None:
    """Anything else is ignored and the last good value stays."""
    parser = Parser()
    parser.feed(stream)
    assert parser.retry_ms == retry_ms


def test_block_without_data_keeps_its_id_for_the_reconnect() -> None:
    """No event is dispatched, but the id counts."""
    parser = Parser("0")
    assert parser.feed(b"id: 5\n\n") == []
    assert parser.last_id == "5"


def test_id_of_an_unfinished_event_does_not_count() -> None:
    """Otherwise the event that was cut off would be skipped after the reconnect."""
    parser = Parser("4")
    parser.feed(b"id: 5\ndata: cut of")
    assert parser.last_id == "4"


def test_stream_resumes_from_the_id_it_was_opened_with() -> None:
    """A server need not repeat it."""
    assert events(b"data: a\n\n", last_id="4") == [("message", "a", "4")]


def test_event_ends_with_a_carriage_return_at_the_end_of_a_chunk() -> None:
    """It is not kept back until the next byte comes, which may take long."""
    parser = Parser()
    assert parser.feed(b"data: a\r\n\r") == [ServerSentEvent("message", "a", "")]
    assert parser.feed(b"\ndata: b\n\n") == [ServerSentEvent("message", "b", "")]


@pytest.mark.parametrize(
    "chunks",
    [
        (b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n"),
        (b"data: a\r", b"", b"\n", b"data: b\r\n\r\n"),
        (b"data: a\r\ndata: b\r\n\r",),
        (b"\xef", b"\xbb", b"\xbfdata: a\ndata: b\n\n"),
    ],
)
def test_line_end_cut_in_two_is_one(chunks: tuple[bytes, ...]) -> None:
    """A second empty line would end the event too early; an empty chunk in between changes nothing."""
    assert events(*chunks) == [("message", "a\nb", "")]


PIECES = [b"data: x", b"data", b"id: 1", b"id: \0", b"event: e", b"retry: 9", b":", b"\n", b"\r", b"\r\n"]
PIECES += [b"\xef\xbb\xbf", "é\u2028€".encode(), b"\xff", b" "]


@given(st.lists(st.sampled_from(PIECES), max_size=40), st.data())
def test_any_cut_gives_the_same_events(pieces: list[bytes], data: st.DataObject) -> None:
    """A chunk may end anywhere: inside a character, the byte order mark, a line end."""
    stream = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    bounds = [0, *cuts, len(stream)]
    chunks = [stream[start:end] for start, end in pairwise(bounds)]
    whole, cut = Parser(), Parser()
    assert [event for chunk in chunks for event in cut.feed(chunk)] == whole.feed(stream)
    assert (cut.last_id, cut.retry_ms) == (whole.last_id, whole.retry_ms)


@pytest.mark.security
@given(st.lists(st.binary(max_size=20), max_size=20))
def test_hostile_bytes_never_raise(chunks: list[bytes]) -> None:
    """The parser reads from the network."""
    events(*chunks)
