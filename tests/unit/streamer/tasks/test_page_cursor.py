"""Cursors of lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_streamer.problems import Problem
from headway_streamer.tasks.page_cursor import Place, decode_place, encode_place

NAMES = st.from_regex(r"[A-Za-z0-9_-]{0,64}", fullmatch=True)


@given(st.floats(0, 9e10), NAMES)
def test_a_cursor_names_a_place(created, task):
    assert decode_place(encode_place(Place(created, task))) == (created, task)


@pytest.mark.security
@pytest.mark.parametrize(
    "cursor",
    ["x", "====", "é", "AAAA", encode_place(Place(-1.0, "")), encode_place(Place(float("nan"), "a")),
     encode_place(Place(1e300, "a")), encode_place(Place(1.0, "a.b")), encode_place(Place(1.0, "a" * 65)), "A" * 5000],
)  # fmt: skip
def test_what_is_no_cursor_is_refused(cursor):
    with pytest.raises(Problem) as caught:
        decode_place(cursor)
    assert (caught.value.status, caught.value.title) == (400, "Bad cursor")
