"""Cursors of lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_streamer.problems import Problem
from headway_streamer.tasks.page_cursor import Place, decode_place, encode_place

NAMES = st.from_regex(r"[A-Za-z0-9_-]{0,64}", fullmatch=True)


@given(st.integers(0, 10**17), NAMES)
def test_a_cursor_names_a_place(created, task):
    assert decode_place(encode_place(Place(created, task))) == (created, task)


@pytest.mark.security
@pytest.mark.parametrize(
    "cursor",
    [
        *("x", "====", "é", "AAAA", "A" * 5000),
        *map(encode_place, (Place(2**60, ""), Place(1, "a.b"), Place(1, "a" * 65))),
    ],
)
def test_what_is_no_cursor_is_refused(cursor):
    with pytest.raises(Problem) as caught:
        decode_place(cursor)
    assert (caught.value.status, caught.value.title) == (422, "Bad cursor")
