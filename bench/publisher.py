"""The publisher: a process of its own on the client's cores, told what to do line by line.

`Publisher` is the harness's end of it; `python -m bench.publisher` the process. Events go to the tasks in turn, evenly
spread over time; what is due at once is sent at once, and never more than the feed allows to be on its way.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from bench import feeds, machine
from bench.errors import FeedError

TICK_SECONDS = 0.001


class Publisher:
    """Starts the process. `begin` returns at once, `end` when all is published and taken."""

    def __init__(self, feed: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.publisher"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._tell(feed)
        self.end()

    def seed(self, tasks: list[str]) -> None:
        """Make the tasks known."""
        self._tell({"seed": tasks})
        self.end()

    def begin(self, tasks: list[str], *, rate: float, count: int, pad: int = 0) -> None:
        """Publish `count` events to each task, `rate` a second to each, with `pad` bytes more in each."""
        self._tell({"tasks": tasks, "rate": rate, "count": count, "pad": pad})

    def end(self) -> dict[str, Any]:
        """What was done: seconds, and by how much the latest event was late."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the publisher has ended"}
        if "error" in answer:
            raise FeedError(answer["error"])
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _tell(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()


class _Pump:
    """Sends and receives on a feed's socket without ever blocking on one of the two."""

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
        """Until something was received, something could be sent, or the time is over."""
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
