"""Python time per event of workload C, without network and sockets: `python -m bench.micro.ingest`.

Messages as nats-server sends them pass the parser, the tail and the frame decoder to a write that does nothing, for
2,000 tails in turn.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time

from bench.harness import payload
from headway.jetstream.inline_dispatch import DirectClient, positions, stored_as
from headway.testing import MemoryLog
from headway_streamer.frames.cursor import START
from headway_streamer.metrics import Metrics
from headway_streamer.tail.flush import Flusher
from headway_streamer.tail.frame_decoder import FrameDecoder
from headway_streamer.tail.history import History
from headway_streamer.tail.tail import Tail
from headway_streamer.watch.log_reader import LogReader

TAILS, ROUNDS, PER_READ = 2000, 60, 20


def _message(number: int, n: int, seq: int, previous: int) -> bytes:
    name, body = b"t%04d" % number, payload.event(b"t%04d" % number, n, 1)
    headers = (
        b"NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: %d\r\nNats-Msg-Id: %032d\r\nNats-Stream: HW_EVENTS\r\n"
        b"Nats-Subject: hw.ev.%b\r\nNats-Sequence: %d\r\nNats-Time-Stamp: 2026-01-01T00:00:00.000000000Z\r\n"
        b"Nats-Last-Sequence: %d\r\n\r\n" % (previous, seq, name, seq, previous)
    )
    total = len(headers) + len(body)
    return b"HMSG hw.live.%b %d %d %d\r\n%b%b\r\n" % (name, number + 1, len(headers), total, headers, body)


def _rounds() -> list[list[bytes]]:
    """Per round one event of each tail, cut into reads."""
    made, last, seq = [], [0] * TAILS, 0
    for n in range(1, ROUNDS + 1):
        messages = []
        for number in range(TAILS):
            seq += 1
            messages.append(_message(number, n, seq, last[number]))
            last[number] = seq
        made.append([b"".join(messages[at : at + PER_READ]) for at in range(0, TAILS, PER_READ)])
    return made


def _watched(number: int, client: DirectClient, history: History, decoder: FrameDecoder, flusher: Flusher) -> None:
    tail = Tail(f"t{number:04d}", history, decoder, decoder.metrics, ring_bytes=512 * 1024, flusher=flusher)
    tail.open(None)
    reader = LogReader(tail, history, START)
    reader.writable = True  # as on a connection without back pressure
    tail.audience.direct.add(reader)

    subject = stored_as(f"hw.ev.t{number:04d}")

    def call(headers: bytes, data: bytes) -> None:
        tail.on_live(*positions(headers, subject), data)

    client._direct[b"%d" % (number + 1)] = call


async def main() -> None:
    """Measure and print."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # as the streamer does
    metrics, client = Metrics(), DirectClient()
    decoder, flusher = FrameDecoder(metrics), Flusher(0, metrics.delivered)
    decoder.incarnation = "bench"
    history = History(MemoryLog(), decoder, metrics)
    for number in range(TAILS):
        _watched(number, client, history, decoder, flusher)
    taken = []
    for reads in _rounds():
        begin = time.perf_counter()
        for data in reads:
            await client._ps.parse(data)
            await asyncio.sleep(0)  # let the flush run
        taken.append((time.perf_counter() - begin) / TAILS * 1e6)
    assert metrics.events_sent == TAILS * ROUNDS
    print(f"{statistics.median(taken):.2f} µs of Python per event, of {ROUNDS} rounds of {TAILS:,} tails the median")


if __name__ == "__main__":
    asyncio.run(main())
