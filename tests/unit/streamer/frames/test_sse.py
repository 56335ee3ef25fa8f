"""The encoding of Server-Sent Events."""

import pytest

from headway_streamer.frames import sse


def test_a_block_has_its_fields_in_order():
    block = sse.block(b"{}", event="reset", id="c", retry_ms=500)
    assert block == b"retry: 500\nid: c\nevent: reset\ndata: {}\n\n"


def test_a_chunk_has_its_size_in_hexadecimal():
    assert sse.chunked(b"x" * 17) == b"11\r\n" + b"x" * 17 + b"\r\n"


@pytest.mark.security
@pytest.mark.parametrize("field", ["a\nb", "a\rb", "a\0b"])
@pytest.mark.parametrize("place", ["event", "id", "data"])
def test_a_field_that_would_inject_a_line_is_rejected(place, field):
    fields = {"data": b"{}", "event": "x", "id": "1"}
    fields[place] = field.encode() if place == "data" else field
    with pytest.raises(ValueError, match="CR, LF or NUL"):
        sse.block(fields["data"], event=fields["event"], id=fields["id"])


def test_a_heartbeat_is_a_comment_line_alone():
    assert sse.HEARTBEAT == b":\n"
