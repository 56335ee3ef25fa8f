"""Whose a task is, in headers of messages."""

from hypothesis import given
from hypothesis import strategies as st

from headway.ownership import UNKNOWN, Ownership


@given(st.text(max_size=20), st.text(max_size=20))
def test_names_survive_as_headers_that_end_no_line(owner, tenant):
    headers = Ownership(owner, tenant).headers
    assert Ownership.of_headers(headers) == (owner, tenant)
    assert all(value.isascii() and value.isprintable() and " " not in value for value in headers.values())


def test_no_names_are_no_headers():
    assert UNKNOWN.headers == {}
    assert Ownership.of_headers({"Nats-Msg-Id": "1"}) == UNKNOWN
