"""The decoder of chunked bodies that the tests use."""

from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.chunked import ChunkDecoder, decode_chunked


def encoded(body: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in body)


@given(st.lists(st.binary(min_size=1, max_size=40)), st.integers(1, 9))
def test_body_does_not_depend_on_how_its_bytes_arrive(body, step):
    raw = encoded(body) + b"0\r\n\r\n"
    decoder = ChunkDecoder()
    assert b"".join(decoder.feed(raw[at : at + step]) for at in range(0, len(raw), step)) == b"".join(body)
    assert decoder.complete


def test_body_without_its_last_chunk_is_incomplete():
    decoder = ChunkDecoder()
    assert decoder.feed(b"3\r\nabc\r\n2\r\nd") == b"abcd"
    assert not decoder.complete
    assert decode_chunked(b"3\r\nabc\r\n") == b"abc"
