"""How events reach each peer, as raw bytes on one socket: the publisher must cost less than any server under test.

A feed turns payloads into bytes to send, and responses into acknowledgements. Only `bench.harness.publisher` uses it.
"""

from __future__ import annotations

import os
import re
import select
import socket
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_from_bytes

from bench.harness import payload
from bench.harness.errors import FeedError

UNLIMITED = 1 << 60


class Feed:
    """One connection. `acked` counts the acknowledged events."""

    def __init__(self, port: int) -> None:
        self.acked = 0
        self.first: dict[str, int] = {}
        """Per task the sequence of its first event; only for a log."""
        self.n: dict[str, int] = {}
        self._port = port
        self.socket = self._connect()
        self._rest = b""

    def _connect(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self._port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def renew(self) -> bool:
        """Reconnect if the server has closed the connection while idle. Returns whether it did."""
        return False

    def limit(self, tasks: int) -> int:
        """The maximum of unacknowledged events with `tasks` tasks in turn: one per task."""
        return tasks

    def next(self, task: str, pad: bytes) -> bytes:
        """The bytes that publish the next event of `task`."""
        n = self.n[task] = self.n.get(task, 0) + 1
        return self.publish(task, n, payload.event(task.encode(), n, self.first.get(task, 1), pad))

    def publish(self, task: str, n: int, body: bytes) -> bytes:
        """The bytes that publish `body` as the n-th event of `task`."""
        raise NotImplementedError

    def absorb(self, data: bytes) -> bytes:
        """Process received data. Returns the bytes to send in return."""
        raise NotImplementedError

    def seed(self, tasks: list[str]) -> bytes:
        """The bytes that create the tasks; empty where that is not needed."""
        return b""


class JetStream(Feed):
    """Appends as a Headway processor makes them: stored in a file, numbered, chained, with message ids, one in flight
    per task. The server republishes them to the subscribers.

    Args:
        owner: of the tasks, as headers of their events say it; empty for none.
    """

    _ACK = re.compile(rb'"seq":(\d+)[,}]')

    def __init__(self, port: int, *, namespace: str = "hw", owner: str = "") -> None:
        super().__init__(port)
        self._owner = f"Headway-Owner: {owner}\r\n".encode() if owner else b""
        self._namespace = namespace.encode()
        self._inbox = b"_INBOX.bench%d" % os.getpid()
        self._last: dict[str, int] = {}
        self._sent: deque[str] = deque()
        self.socket.recv(65536)  # INFO
        self.socket.sendall(
            b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\nSUB %b 1\r\n'
            % self._inbox
        )

    def seed(self, tasks: list[str]) -> bytes:
        for task in tasks:
            self.n[task] = 1
        return b"".join(self.publish(task, 1, payload.first_event(task.encode())) for task in tasks)

    def publish(self, task: str, n: int, body: bytes) -> bytes:
        self._sent.append(task)
        name = task.encode()
        last = self._last.get(task, 0)
        headers = b"NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: %d\r\nNats-Msg-Id: %b.bench.%d\r\n%b\r\n" % (
            last,
            name,
            n,
            self._owner,
        )
        size = len(headers)
        return b"HPUB %b.ev.%b %b %d %d\r\n%b%b\r\n" % (
            self._namespace,
            name,
            self._inbox,
            size,
            size + len(body),
            headers,
            body,
        )

    def absorb(self, data: bytes) -> bytes:
        data = self._rest + data
        answer = b""
        if b"PING\r\n" in data:
            data = data.replace(b"PING\r\n", b"")
            answer = b"PONG\r\n"
        if b'"error"' in data or b"-ERR" in data:
            raise FeedError(data.decode(errors="replace")[:500])
        end = 0
        # One stream answers one connection in the order of its appends.
        for found in self._ACK.finditer(data):
            task, seq = self._sent.popleft(), int(found[1])
            self._last[task] = seq
            self.first.setdefault(task, seq)
            self.acked += 1
            end = found.end()
        self._rest = data[end:]
        return answer


class CoreNats(Feed):
    """Plain NATS messages for peers that subscribe themselves. Not acknowledged: sent counts as acknowledged."""

    def __init__(self, port: int, *, prefix: str = "bench") -> None:
        super().__init__(port)
        self._prefix = prefix.encode()
        self.socket.recv(65536)  # INFO
        self.socket.sendall(b'CONNECT {"verbose":false,"pedantic":false}\r\n')

    def limit(self, tasks: int) -> int:
        return UNLIMITED

    def publish(self, task: str, n: int, body: bytes) -> bytes:
        self.acked += 1
        return b"PUB %b.%b %d\r\n%b\r\n" % (self._prefix, task.encode(), len(body), body)

    def absorb(self, data: bytes) -> bytes:
        return b"PONG\r\n" if b"PING" in data else b""


class Http(Feed):
    """POST requests on one keep-alive connection, pipelined over tasks.

    `path` and `body` are templates: `$task`, `$payload` and `$quoted` (the payload, percent-encoded).
    """

    _STATUS = re.compile(rb"HTTP/1\.1 (\d\d\d) ")
    _PIPELINED = 64

    def __init__(self, port: int, *, path: str, body: str = "$payload", headers: dict[str, str] | None = None) -> None:
        super().__init__(port)
        self._path = path.encode()
        self._body = body.encode()
        lines = {"Host": f"127.0.0.1:{port}", "Content-Type": "application/json"} | (headers or {})
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode()

    def renew(self) -> bool:
        # A server may close a connection that was idle while other peers were measured.
        readable, _, _ = select.select([self.socket], [], [], 0)
        if not readable or self.socket.recv(1, socket.MSG_PEEK):
            return False
        self.socket.close()
        self.socket = self._connect()
        return True

    def limit(self, tasks: int) -> int:
        return max(tasks, self._PIPELINED)

    def publish(self, task: str, n: int, body: bytes) -> bytes:
        name = task.encode()
        if self._body != b"$payload":
            quoted = quote_from_bytes(body, safe="").encode() if b"$quoted" in self._body else b""
            body = self._body.replace(b"$task", name).replace(b"$quoted", quoted).replace(b"$payload", body)
        path = self._path.replace(b"$task", name)
        return b"POST %b HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (path, self._headers, len(body), body)

    def absorb(self, data: bytes) -> bytes:
        data = self._rest + data
        end = max(0, len(data) - 12)
        for found in self._STATUS.finditer(data):
            if found[1][:1] != b"2":
                raise FeedError(data.decode(errors="replace")[:500])
            self.acked += 1
            end = max(end, found.end())
        self._rest = data[end:]
        return b""


FEEDS: dict[str, Callable[..., Feed]] = {"jetstream": JetStream, "core": CoreNats, "http": Http}


def connect(spec: dict[str, Any]) -> Feed:
    """Connect the feed of a peer's description: `{"feed": name, "port": …, …}`."""
    options = dict(spec)
    return FEEDS[options.pop("feed")](**options)
