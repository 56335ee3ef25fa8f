"""The publisher: a process on the client's cores that reads commands, one JSON object per line.

`Publisher` is the harness's side, `python -m bench.harness.publisher` the process. Events go to the tasks in turn,
evenly spread over time; events that are due together are sent together, within the feed's limit of unacknowledged
ones.
"""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from bench.harness import feeds, machine
from bench.harness.errors import FeedError

TICK_SECONDS = 0.001


class Publisher:
    """The publisher process. `begin` returns at once, `end` when all events are published and acknowledged."""

    def __init__(self, feed: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.harness.publisher"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._send(feed)
        self.end()

    def seed(self, tasks: list[str]) -> None:
        """Create the tasks."""
        self._send({"seed": tasks})
        self.end()

    def begin(self, tasks: list[str], *, rate: float, count: int, pad: int = 0) -> None:
        """Start publishing `count` events to each task, `rate` a second to each, with `pad` extra bytes in each."""
        self._send({"tasks": tasks, "rate": rate, "count": count, "pad": pad})

    def end(self) -> dict[str, Any]:
        """Wait for the end. Returns `seconds`, and `late_ms`, the maximum delay. Raises FeedError."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the publisher has ended"}
        if "error" in answer:
            raise FeedError(answer["error"])
        return answer

    def close(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.communicate()

    def _send(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()


class _Pump:
    """Non-blocking sends and receives on a feed's socket."""

    def __init__(self, feed: feeds.Feed) -> None:
        self._feed = feed
        self._socket = feed.socket
        self._socket.setblocking(False)
        self._outgoing = bytearray()

    def send(self, data: bytes) -> None:
        if not self._outgoing:
            with suppress(BlockingIOError):
                data = data[self._socket.send(data) :]
        self._outgoing += data

    def wait(self, seconds: float) -> None:
        """Wait until data was received or sent, or the time is over."""
        writing = [self._socket] if self._outgoing else []
        readable, writable, _ = select.select([self._socket], writing, [], seconds)
        if writable:
            del self._outgoing[: self._socket.send(self._outgoing)]
        if readable:
            data = self._socket.recv(262_144)
            if not data:
                raise FeedError("the server closed the publisher's connection")
            if answer := self._feed.absorb(data):
                self.send(answer)


def _seed(feed: feeds.Feed, pump: _Pump, tasks: list[str]) -> None:
    data = feed.seed(tasks)
    if not data:
        return
    target = feed.acked + len(tasks)
    pump.send(data)
    while feed.acked < target:
        pump.wait(1.0)


def _publish(feed: feeds.Feed, pump: _Pump, tasks: list[str], rate: float, count: int, pad: int) -> dict[str, float]:
    total, interval, limit = len(tasks) * count, 1 / (rate * len(tasks)), feed.limit(len(tasks))
    filler = b"x" * pad
    before, sent, late = feed.acked, 0, 0.0
    begin = time.monotonic()
    while feed.acked - before < total:
        now = time.monotonic() - begin
        due = min(total, int(now / interval) + 1)
        allowed = min(due, feed.acked - before + limit)
        if sent < allowed:
            late = max(late, now - sent * interval)
            pump.send(b"".join([feed.next(tasks[i % len(tasks)], filler) for i in range(sent, allowed)]))
            sent = allowed
        pause = (sent * interval + begin - time.monotonic()) if sent < total and sent == due else 0.1
        pump.wait(max(pause, TICK_SECONDS))
    return {"seconds": time.monotonic() - begin, "late_ms": late * 1000}


def main() -> None:
    """Read the feed's description, then commands; answer each with a line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the harness ends it
    machine.pin_client()
    machine.prefer()
    feed = feeds.connect(json.loads(sys.stdin.readline()))
    pump = _Pump(feed)
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        answer: dict[str, Any] = {}
        try:
            if "seed" in command:
                _seed(feed, pump, command["seed"])
            else:
                if feed.renew():
                    pump = _Pump(feed)
                answer = _publish(feed, pump, **command)
        except (FeedError, OSError) as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
