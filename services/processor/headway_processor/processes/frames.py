"""What a processor and the process of a handler send each other: frames of four bytes of length and MessagePack.

A processor sends `Run`, then `Stored` for each `Report`, and perhaps `Stop`. The process answers `Run` with `Begun`,
with `Report` and `Save` one at a time, with the `Result` or `Error` of
the handler, with the reports that were left, and `Idle`.
"""

from __future__ import annotations

import asyncio
import struct
from typing import TypeAlias

import msgspec

from headway.events import Aside, Chunk, ErrorInfo, LogLine, Progress
from headway.jetstream.results import MAX_BYTES as MAX_RESULT_BYTES
from headway_processor.processes.errors import MalformedFrameError, PipeClosedError

MAX_FRAME_BYTES = MAX_RESULT_BYTES + 1024 * 1024
"""The largest result, and what is beside it."""
LENGTH = struct.Struct(">I")


class Frame(msgspec.Struct, tag_field="frame", tag=True, kw_only=True):
    """One message."""


class Run(Frame, tag="run"):
    """Run a handler."""

    kind: str
    task: str
    attempt: int
    failed: int
    params: bytes
    """JSON."""
    checkpoint: int = 0
    """Number of the checkpoint from which the attempt continues."""
    packed: bytes = b""
    """That checkpoint."""


class Stop(Frame, tag="stop"):
    """The handler is to end."""

    text: str
    cancelled: bool
    """Whether somebody asked for it; `text` is the reason that they gave."""


class Stored(Frame, tag="stored"):
    """The last report is stored, or needs not be: the next one may follow."""

    checkpoint: int = 0
    """Number of the checkpoint that is stored; 0 if it is not."""


Order: TypeAlias = Run | Stop | Stored


class Ready(Frame, tag="ready"):
    """The kinds are loaded."""


class Unusable(Frame, tag="unusable"):
    """The kinds cannot be loaded."""

    message: str


class Begun(Frame, tag="begun"):
    """The handler begins."""


class Report(Frame, tag="report"):
    """Something to store. The next report follows when this one is stored."""

    event: Progress | Chunk | Aside | LogLine


class Save(Frame, tag="save"):
    """A checkpoint to store. `Stored` answers it, too."""

    packed: bytes


class Result(Frame, tag="result"):
    """The handler returned."""

    raw: bytes
    """JSON."""
    places: list[tuple[str, str]] = []
    left_out: int = 0


class Error(Frame, tag="error"):
    """The handler failed."""

    error: ErrorInfo
    retry_in: float | None = None


class Idle(Frame, tag="idle"):
    """All is reported."""

    resident_bytes: int
    """Memory that the process holds; 0 where that is unknown."""
    worn: bool = False
    """Whether another handler should have a new process."""


Answer: TypeAlias = Ready | Unusable | Begun | Report | Save | Result | Error | Idle

_encoder = msgspec.msgpack.Encoder()
orders: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def encode(frame: Frame) -> bytes:
    """Return the bytes of a frame."""
    body = _encoder.encode(frame)
    return LENGTH.pack(len(body)) + body


def decode_answer(body: bytes) -> Answer:
    """Return what the process of a handler sent. Raises MalformedFrameError, also for what it must not report."""
    try:
        answer = answers.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedFrameError(f"the handler's process sent what is not a frame: {error}") from error
    event = answer.event if isinstance(answer, Report) else None
    if isinstance(event, Progress) and (event.status != "processing" or event.data is not msgspec.UNSET):
        raise MalformedFrameError("the handler's process reported an end")
    return answer


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """Return the next frame without its length. Raises MalformedFrameError and PipeClosedError."""
    try:
        (size,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
        if size > MAX_FRAME_BYTES:
            raise MalformedFrameError(f"the handler's process sent a frame of {size:,} bytes")
        return await reader.readexactly(size)
    except (asyncio.IncompleteReadError, OSError) as error:
        raise PipeClosedError("the pipe is closed") from error
