"""The client: raw sockets and one epoll loop, so cheap that the server is what is measured.

It counts events by the mark in their payload (`bench.payload`): one pass over the bytes received, exact however they
are cut. A sampled part of the connections also keeps its bytes with the time of arrival: of those the numbering is
proved to be dense, and the delays are known.
"""

from __future__ import annotations

import gc
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence

from bench.errors import ClientError
from bench.payload import MARK, STAMP
from bench.wire import Recording

BUFFER_BYTES = 262_144
PORTS_PER_ADDRESS = 20_000
"""One client address has about 28,000 ports; more connections come from 127.0.0.2, 127.0.0.3 …"""
_RESET = struct.pack("ii", 1, 0)


class Watchers:
    """Connections to one server, each reading one stream.

    Args:
        sample: keep the bytes of every so manieth connection; 0 keeps none.
    """

    def __init__(self, *, sample: int = 50) -> None:
        self.total = 0
        """Events received since the last `reset`."""
        self.closed = 0
        """Connections that the server has ended."""
        self.recordings: dict[int, Recording] = {}
        self._sample = sample
        self._sockets: dict[int, socket.socket] = {}
        self._counts: dict[int, int] = {}
        self._receive: dict[int, Callable[[bytearray], int]] = {}
        self._poll = select.epoll()
        self._greeting = select.epoll()
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
        """Connect once per request, with at most `at_once` of them waiting for their answer. A prelude is a request
        that each connection makes before; its answer has no body. Returns the seconds from the first connect to the
        last answer's header.
        """
        begin = time.monotonic()
        waiting: dict[int, bytes] = {}
        later: dict[int, bytes] = {}
        todo = iter(enumerate(requests, len(self._sockets)))
        more = True
        while more or waiting:
            while more and len(waiting) < at_once:
                step = next(todo, None)
                if step is None:
                    more = False
                    break
                number, request = step
                fd = self._connect(address, number, prelude or request, receive_bytes)
                waiting[fd] = b""
                if prelude:
                    later[fd] = request
            if time.monotonic() - begin > seconds:
                raise ClientError(f"{len(waiting)} connections have no answer after {seconds:.0f} s")
            for fd, _ in self._greeting.poll(0, 1024):
                self._greet(fd, waiting, later)
        return time.monotonic() - begin

    def _connect(self, address: tuple[str, int], number: int, request: bytes, receive_bytes: int) -> int:
        try:
            connection = socket.socket()
        except OSError as error:
            raise ClientError(f"{len(self)} connections are open, no more are allowed: see `ulimit -n`") from error
        if receive_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if number >= PORTS_PER_ADDRESS:
            connection.bind((f"127.0.0.{1 + number // PORTS_PER_ADDRESS}", 0))
        connection.connect(address)  # the kernel answers at once: the server's backlog is larger than `at_once`
        connection.sendall(request)
        connection.setblocking(False)
        fd = connection.fileno()
        self._sockets[fd] = connection
        self._receive[fd] = connection.recv_into
        self._counts[fd] = 0
        if self._sample and number % self._sample == 0:
            self.recordings[fd] = Recording(number)
        self._greeting.register(fd, select.EPOLLIN)
        return fd

    def _greet(self, fd: int, waiting: dict[int, bytes], later: dict[int, bytes]) -> None:
        head = waiting[fd] + self._sockets[fd].recv(65_536)
        if b"\r\n\r\n" not in head and head:
            waiting[fd] = head
            return
        if fd in later:
            self._sockets[fd].sendall(later.pop(fd))
            waiting[fd] = b""
            return
        del waiting[fd]
        self._greeting.unregister(fd)
        self._poll.register(fd, select.EPOLLIN)
        if not head.startswith(b"HTTP/1.1 200"):
            raise ClientError(f"answered {head[:300]!r}")
        self._counts[fd] += head.count(MARK)
        self.total += head.count(MARK)
        if fd in self.recordings:
            self.recordings[fd].add(time.monotonic_ns(), head)

    def run(self, target: int, seconds: float) -> bool:
        """Read until `target` events were received since the last `reset`. False when time was over first."""
        gc.collect()
        gc.disable()
        try:
            return self._run(target, time.monotonic() + seconds)
        finally:
            gc.enable()

    def _run(self, target: int, deadline: float) -> bool:
        # The one hot loop of the harness: names are local, and what is rare stands elsewhere. It never sleeps: a client
        # that sleeps is woken by every other `send`, at the server's expense, as no client on another machine is.
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
        """Read for so long, whatever comes."""
        self._run(1 << 60, time.monotonic() + seconds)

    def reset(self) -> None:
        """Forget what was counted and recorded."""
        self.total = 0
        self._counts = dict.fromkeys(self._counts, 0)
        for recording in self.recordings.values():
            recording.forget()

    def missing(self, count: int) -> int:
        """How many events are not as they must be when every connection must have got `count`: lost or doubled ones."""
        return sum(abs(count - got) for got in self._counts.values())

    def holes(self) -> int:
        """How often the numbers of a recorded connection do not go up by one."""
        return sum(recording.holes() for recording in self.recordings.values())

    def delays_ms(self) -> list[float]:
        """From publishing to arrival, of all events of the recorded connections."""
        delays = []
        for recording in self.recordings.values():
            for arrived, piece in recording.pieces:
                delays += [arrived / 1e6 - int(stamp) / 1e3 for stamp in STAMP.findall(piece)]
        return delays

    def close(self) -> None:
        """Cut all connections, without the kernel's minute of TIME_WAIT for each."""
        for connection in self._sockets.values():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            connection.close()
        for kept in (self._sockets, self._receive, self._counts, self.recordings):
            kept.clear()
