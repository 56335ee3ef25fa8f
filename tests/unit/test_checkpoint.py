"""A checkpoint survives being stored, whatever is in it, and nothing else is taken for one."""

import zlib

import msgspec
import pytest

from headway.checkpoint import COMPRESSED_FROM_BYTES, Checkpoint, encode_state, pack, unpack


@pytest.mark.parametrize("state", [b"", b"\x00\xff", b"a" * COMPRESSED_FROM_BYTES * 10])
def test_what_is_packed_is_unpacked(state):
    checkpoint = Checkpoint(state=state, progress=42.5, step="Fetching", done=3, total=7, unit="pages", base=1, upto=90)
    assert unpack(pack(checkpoint)) == checkpoint


def test_large_states_are_compressed():
    urls = encode_state([f"https://example.org/page/{number}" for number in range(1000)])
    assert len(pack(Checkpoint(state=urls))) < len(urls) / 3


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode("text"),
        msgspec.msgpack.encode((b"not compressed", 20)),
        msgspec.msgpack.encode((b"x", 0)),
        pack(Checkpoint(state=b"a" * 10_000))[:-5],
    ],
)
def test_anything_else_is_refused(raw):
    with pytest.raises(ValueError):
        unpack(raw)


def test_bytes_that_would_grow_beyond_their_size_are_refused():
    bomb = msgspec.msgpack.encode((zlib.compress(b"a" * 10_000_000), 1000))
    with pytest.raises(ValueError):
        unpack(bomb)


def test_state_without_a_form_in_message_pack_is_refused():
    with pytest.raises(TypeError):
        encode_state(object())
