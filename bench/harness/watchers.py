"""The client: raw sockets and one epoll loop, cheap enough that the server is measured and not the client.

It counts events by the mark in their payload (`bench.harness.payload`): one pass over the received bytes, exact
however they are split. A sample of the connections also records its bytes with the time of arrival, from which gaps
in the numbering and the delays are computed.
"""

from __future__ import annotations

import gc
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence

from bench.harness.errors import ClientError
from bench.harness.payload import MARK, STAMP
from bench.harness.recording import Recording

BUFFER_BYTES = 262_144
PORTS_PER_ADDRESS = 20_000
"""One client address has about 28,000 ports; more connections come from 127.0.0.2, 127.0.0.3 …"""
_RESET = struct.pack("ii", 1, 0)


class Watchers:
    """Connections to one server, each reading one stream.

    Args:
        sample: record every `sample`-th connection; 0: none.
    """

    def __init__(self, *, sample: int = 50) -> None:
        self.total = 0
        """Events received since the last `reset`."""
        self.closed = 0
        """Number of connections that the server has closed."""
        self.recordings: dict[int, Recording] = {}
        self._sample = sample
        self._sockets: dict[int, socket.socket] = {}
        self._counts: dict[int, int] = {}
        self._receive: dict[int, Callable[[bytearray], int]] = {}
        self._poll = select.epoll()
        self._pending = select.epoll()
        self._buffer = bytearray(BUFFER_BYTES)

    def __len__(self) -> int:
        return len(self._sockets)

    def open(
        self,
        address: tuple[str, int],
        requests: Sequence[bytes],
        *,
        at_once: int = 100,
        seconds: float = 120.0,
        receive_bytes: int = 0,
        prelude: bytes = b"",
    ) -> float:
        """Connect once per request, with at most `at_once` connections waiting for a response.

        Args:
            seconds: time limit for all connections.
            receive_bytes: size of the receive buffers; 0: the default.
            prelude: a request that each connection makes first; its response has no body.

        Returns the seconds from the first connect to the last response header. Raises ClientError.
        """
        begin = time.monotonic()
        waiting: dict[int, bytes] = {}
        later: dict[int, bytes] = {}
        todo = deque(enumerate(requests, len(self._sockets)))
        while todo or waiting:
            while todo and len(waiting) < at_once:
                number, request = todo.popleft()
                fd = self._connect(address, number, prelude or request, receive_bytes)
                waiting[fd] = b""
                if prelude:
                    later[fd] = request
            if time.monotonic() - begin > seconds:
                raise ClientError(f"{len(waiting)} connections have no response after {seconds:.0f} s")
            for fd, _ in self._pending.poll(0, 1024):
                self._read_head(fd, waiting, later)
        return time.monotonic() - begin

    def _connect(self, address: tuple[str, int], number: int, request: bytes, receive_bytes: int) -> int:
        try:
            connection = socket.socket()
        except OSError as error:
            raise ClientError(f"{len(self)} connections are open and no more are allowed: raise `ulimit -n`") from error
        if receive_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if number >= PORTS_PER_ADDRESS:
            connection.bind((f"127.0.0.{1 + number // PORTS_PER_ADDRESS}", 0))
        connection.connect(address)  # does not block: the server's backlog is larger than `at_once`
        connection.sendall(request)
        connection.setblocking(False)
        fd = connection.fileno()
        self._sockets[fd] = connection
        self._receive[fd] = connection.recv_into
        self._counts[fd] = 0
        if self._sample and number % self._sample == 0:
            self.recordings[fd] = Recording(number)
        self._pending.register(fd, select.EPOLLIN)
        return fd

    def _read_head(self, fd: int, waiting: dict[int, bytes], later: dict[int, bytes]) -> None:
        head = waiting[fd] + self._sockets[fd].recv(65_536)
        if b"\r\n\r\n" not in head and head:
            waiting[fd] = head
            return
        if fd in later:
            self._sockets[fd].sendall(later.pop(fd))
            waiting[fd] = b""
            return
        del waiting[fd]
        self._pending.unregister(fd)
        self._poll.register(fd, select.EPOLLIN)
        if not head.startswith(b"HTTP/1.1 200"):
            raise ClientError(f"the response is not a stream: {head[:300]!r}")
        self._counts[fd] += head.count(MARK)
        self.total += head.count(MARK)
        if fd in self.recordings:
            self.recordings[fd].add(time.monotonic_ns(), head)

    def run(self, target: int, seconds: float) -> bool:
        """Read until `target` events were received since the last `reset`. Returns False at the time limit."""
        gc.collect()
        gc.disable()
        try:
            return self._run(target, time.monotonic() + seconds)
        finally:
            gc.enable()

    def _run(self, target: int, deadline: float) -> bool:
        # The hot loop of the harness: names are local, rare cases are handled elsewhere. It never sleeps: waking a
        # sleeping client on the same machine would be charged to the server.
        poll, buffer, receive, counts, recordings = (
            self._poll.poll,
            self._buffer,
            self._receive,
            self._counts,
            self.recordings,
        )
        count_marks = buffer.count
        while self.total < target:
            for fd, _ in poll(0, 4096):
                try:
                    size = receive[fd](buffer)
                except OSError as error:
                    self._failed(fd, error)
                    continue
                if not size:
                    self._end(fd)
                    continue
                count = count_marks(MARK, 0, size)
                counts[fd] += count
                self.total += count
                if fd in recordings:
                    recordings[fd].add(time.monotonic_ns(), bytes(buffer[:size]))
            if time.monotonic() > deadline:
                return self.total >= target
        return True

    def _failed(self, fd: int, error: OSError) -> None:
        if not isinstance(error, BlockingIOError):
            self._end(fd)

    def _end(self, fd: int) -> None:
        self.closed += 1
        self._poll.unregister(fd)

    def settle(self, seconds: float) -> None:
        """Read for `seconds`."""
        self._run(1 << 60, time.monotonic() + seconds)

    def reset(self) -> None:
        """Reset counters and recordings."""
        self.total = 0
        self._counts = dict.fromkeys(self._counts, 0)
        for recording in self.recordings.values():
            recording.forget()

    def missing(self, count: int) -> int:
        """Number of lost and duplicate events, if every connection must have got `count`."""
        return sum(abs(count - got) for got in self._counts.values())

    def holes(self) -> int:
        """Breaks in the numbering of the recorded connections."""
        return sum(recording.holes() for recording in self.recordings.values())

    def delays_ms(self) -> list[float]:
        """Time from publishing to arrival of the events of the recorded connections, in ms."""
        delays = []
        for recording in self.recordings.values():
            for arrived, piece in recording.pieces:
                delays += [arrived / 1e6 - int(stamp) / 1e3 for stamp in STAMP.findall(piece)]
        return delays

    def close(self) -> None:
        """Reset all connections, so that none stays in TIME_WAIT."""
        for connection in self._sockets.values():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            connection.close()
        for kept in (self._sockets, self._receive, self._counts, self.recordings):
            kept.clear()
