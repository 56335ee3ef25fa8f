"""A checkpoint: the state from which the next attempt at a task continues, and how far the task was. No I/O."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import msgspec

MAX_STATE_BYTES = 256 * 1024 * 1024
"""Largest state, before it is compressed."""
COMPRESSED_FROM_BYTES = 512
_LEVEL = 1


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one attempt leaves to the next one."""

    state: bytes
    """The state of the handler, as `encode_state` makes it."""
    progress: float = 0.0
    """The bar: 0 to 100."""
    message: str = ""
    step: str = ""
    done: float | None = None
    total: float | None = None
    unit: str = ""
    base: float = 0.0
    """Where the bar was when the step began."""
    upto: float = 100.0
    """Where the bar stands when the step is done."""


class StoredCheckpoint(NamedTuple):
    """A checkpoint in the store."""

    seq: int
    """Its number, which is above those of earlier ones of the task. Events name it."""
    checkpoint: Checkpoint
    size: int = 0
    """Bytes that it takes in the store."""


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    checkpoint: bytes
    size: int
    """Bytes before compression; 0 when it is not compressed."""


_encoder = msgspec.msgpack.Encoder()


def encode_state(state: object) -> bytes:
    """The state of a handler as MessagePack. Raises TypeError for what has no form in it, as msgspec does."""
    return _encoder.encode(state)


def pack(checkpoint: Checkpoint) -> bytes:
    """The checkpoint as it is stored. Takes about a second for 100 MB."""
    raw = _encoder.encode(checkpoint)
    if len(raw) < COMPRESSED_FROM_BYTES:
        return _encoder.encode(_Packed(raw, 0))
    return _encoder.encode(_Packed(zlib.compress(raw, _LEVEL), len(raw)))


def unpack(raw: bytes) -> Checkpoint:
    """The checkpoint in `raw`. Raises ValueError for anything else, also for more than `MAX_STATE_BYTES`."""
    packed = msgspec.msgpack.decode(raw, type=_Packed)  # msgspec's errors are ValueErrors
    content = packed.checkpoint
    if packed.size:
        inflater = zlib.decompressobj()
        try:
            content = inflater.decompress(content, min(packed.size, 2 * MAX_STATE_BYTES))
        except zlib.error as error:
            raise ValueError(f"the checkpoint is damaged: {error}") from error
    return msgspec.msgpack.decode(content, type=Checkpoint)
