"""Frames between a processor and the process of a handler."""

import asyncio

import msgspec
import pytest

from headway.events import Aside, Chunk, ErrorInfo, LogLine
from headway.testing import progress
from headway_processor.processes import frames
from headway_processor.processes.errors import MalformedFrameError, PipeClosedError
from headway_processor.processes.frames import (
    LENGTH,
    Begun,
    Error,
    Idle,
    Ready,
    Report,
    Result,
    Run,
    Stop,
    Stored,
    Unusable,
    decode_answer,
    encode,
    orders,
    read_frame,
)


def reader_of(*parts):
    reader = asyncio.StreamReader()
    for part in parts:
        reader.feed_data(part)
    reader.feed_eof()
    return reader


@pytest.mark.parametrize(
    "answer",
    [
        Ready(),
        Unusable(message="no module"),
        Begun(),
        Report(event=progress("processing", 5.0, message="ü", done=1.0, total=3.0)),
        Report(event=Chunk(text="\u2028", offset=3)),
        Report(event=Aside(channel="reasoning", text="x", offset=3)),
        Report(event=LogLine(level="info", message="x", logger="y")),
        Result(raw=b'{"a":1}', places=[("/a", "object")], left_out=2),
        Error(error=ErrorInfo("T", "m", retryable=True), retry_in=3.0),
        Idle(resident_bytes=5, worn=True),
    ],
    ids=lambda answer: type(answer).__name__,
)
async def test_answers_arrive_as_they_were_sent(answer):
    assert decode_answer(await read_frame(reader_of(encode(answer)))) == answer


@pytest.mark.parametrize(
    "order",
    [Run(kind="k", task="t", attempt=2, failed=1, params=b"{}"), Stop(text="r", cancelled=True), Stored()],
    ids=lambda order: type(order).__name__,
)
async def test_orders_arrive_as_they_were_sent(order):
    assert orders.decode(await read_frame(reader_of(encode(order)))) == order


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"\xc1",
        msgspec.msgpack.encode({"frame": "run", "kind": "k"}),
        encode(Report(event=progress("completed")))[LENGTH.size :],
        encode(Report(event=progress("processing", data=[1])))[LENGTH.size :],
    ],
    ids=["empty", "text", "no MessagePack", "an order", "an end", "a result"],
)
def test_what_a_process_must_not_send_is_refused(body):
    with pytest.raises(MalformedFrameError):
        decode_answer(body)


async def test_a_frame_over_the_limit_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(frames, "MAX_FRAME_BYTES", 10)
    with pytest.raises(MalformedFrameError, match="11 bytes"):
        await read_frame(reader_of(LENGTH.pack(11)))


@pytest.mark.parametrize("parts", [[], [b"\0\0"], [LENGTH.pack(5), b"ab"]], ids=["at once", "in length", "in body"])
async def test_a_pipe_that_ends_is_told_from_a_frame(parts):
    with pytest.raises(PipeClosedError):
        await read_frame(reader_of(*parts))
