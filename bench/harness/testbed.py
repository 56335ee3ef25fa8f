"""Everything that one question starts, and that ends with it: NATS, peers, publishers, watchers."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from bench.harness.errors import BenchError, ClientError
from bench.harness.nats_server import NatsServer
from bench.harness.publisher import Publisher
from bench.harness.watchers import Watchers

if TYPE_CHECKING:
    from bench.peers.peer import Peer

T = TypeVar("T")
P = TypeVar("P", bound="Peer")

_skipped: dict[str, str] = {}
"""Peers that cannot run on this machine, with the reason: printed once per run, not once per question."""
_verified: set[str] = set()
"""Peers that have delivered an event in this run."""


class Mode(NamedTuple):
    """How thoroughly to measure."""

    quick: bool = False

    def pick(self, full: T, quick: T) -> T:
        """Return the value for this mode."""
        return quick if self.quick else full

    @property
    def rounds(self) -> int:
        """Number of windows per peer, of which the median counts."""
        return self.pick(5, 1)


def _skip(label: str, reason: str) -> None:
    if label not in _skipped:
        _skipped[label] = reason
        print(f"skipped: {label}: {reason}", file=sys.stderr, flush=True)


class Testbed:
    """A context manager with a temporary directory and the processes in it."""

    __test__ = False  # for pytest: not a test, though its name begins like one

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self._stack = ExitStack()
        self._nats: NatsServer | None = None
        self._groups = 0

    def __enter__(self) -> Testbed:
        self.directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="headway-bench-")))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def on_close(self, callback: Callable[[], object]) -> None:
        """Call `callback` at the end of the block."""
        self._stack.callback(callback)

    @property
    def nats_port(self) -> int:
        """Port of the NATS server, which is started on first use."""
        if self._nats is None:
            self._nats = NatsServer(self.directory)
            self.on_close(self._nats.stop)
        return self._nats.port

    def may_run(self, label: str, missing: str) -> bool:
        """Whether nothing is missing; print a line, once per run, if something is."""
        if reason := _skipped.get(label) or missing:
            _skip(label, reason)
        return not reason

    def start(self, peers: Iterable[P]) -> list[P]:
        """Start all peers that can run on this machine at once; print a line for each that cannot."""
        started = []
        for peer in peers:
            if not self.may_run(peer.label, peer.missing()):
                continue
            self.on_close(peer.stop)
            peer.start(self)
            started.append(peer)
        return [peer for peer in started if self._serves(peer)]

    def _serves(self, peer: Peer) -> bool:
        """Whether the peer starts and delivers an event. Raises BenchError for Headway: the run is void without it."""
        try:
            peer.wait()
            if peer.name not in _verified:
                self._verify(peer)
        except BenchError as error:
            if peer.name == "headway":
                raise
            _skip(peer.label, f"does not work here: {str(error).strip()[-300:]}")
            peer.stop()
            return False
        return True

    def _verify(self, peer: Peer) -> None:
        publisher, watchers, tasks = Publisher(peer.feed(self)), Watchers(sample=0), self.tasks(1)
        try:
            publisher.seed(tasks)
            watchers.open(peer.address, [peer.request(tasks[0])], seconds=5)
            watchers.settle(0.2)
            publisher.begin(tasks, rate=10, count=1)
            watchers.run(1, 5)
            publisher.end()
            if watchers.missing(1):
                raise ClientError("a published event was not delivered exactly once")
        finally:
            publisher.close()
            watchers.close()
        _verified.add(peer.name)

    def tasks(self, number: int) -> list[str]:
        """Names of tasks that are not used by anything else in this testbed."""
        self._groups += 1
        return [f"g{self._groups}-{place:05d}" for place in range(number)]

    def publisher(self, peer: Peer) -> Publisher:
        """A publisher for this peer."""
        publisher = Publisher(peer.feed(self))
        self.on_close(publisher.close)
        return publisher

    def watchers(self, *, sample: int = 50) -> Watchers:
        """A client without connections."""
        watchers = Watchers(sample=sample)
        self.on_close(watchers.close)
        return watchers
