"""The cursor: what is encoded can be decoded, and nothing else can."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_streamer.frames.cursor import Cursor, MalformedCursorError, Position, decode, encode

positions = st.lists(st.builds(Position, st.integers(0, 2**60), st.integers(0, 2**40)), min_size=1, max_size=32)


@given(positions, st.one_of(st.just(""), st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)))
def test_a_cursor_decodes_to_what_was_encoded(places, task):
    assert decode(encode("abc123", places, task)) == Cursor("abc123", tuple(places), task)


@pytest.mark.parametrize(
    "text",
    ["", "x", "x.", "x.1", "x.1-", "x.-1", "x.1-2.", "x.1-2.3", "x.1--2", "X.1-2", "x.1-2 ", "x.1-2\n", "x.½-1", ".1-2",
     "x._t", "x.1-2._", "x.1-2._a.b", "x.1-2._>", "x." + "1-1." * 1000 + "1-1", "x.+1-1", "x.1_0-1"],
)  # fmt: skip
def test_other_text_is_refused(text):
    with pytest.raises(MalformedCursorError):
        decode(text)


@given(st.text(max_size=100))
def test_no_text_breaks_the_decoder(text):
    with suppress(MalformedCursorError):
        decode(text)


@given(positions)
def test_a_cursor_holds_no_character_that_forces_a_preflight(places):
    assert not set(encode("abc", places, "t_-1")) & set('<"():>?@[\\]{}, \x7f')


def test_a_usual_cursor_is_short():
    assert len(encode("hoctfi6v8o", [Position(10**9, 10**5)])) < 32
