"""All that one question starts, and ends with it: NATS, peers, publishers, watchers."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from bench.client import Watchers
from bench.errors import BenchError, ClientError
from bench.nats_server import NatsServer
from bench.publisher import Publisher

if TYPE_CHECKING:
    from bench.peers.peer import Peer

T = TypeVar("T")
P = TypeVar("P", bound="Peer")


_skipped: dict[str, str] = {}
"""Peers that cannot run here, and why: told once per run, not once per question."""
_proved: set[str] = set()
"""Peers that have carried an event in this run."""


class Plan(NamedTuple):
    """How thoroughly to measure."""

    quick: bool = False

    def pick(self, full: T, quick: T) -> T:
        """One of the two."""
        return quick if self.quick else full

    @property
    def rounds(self) -> int:
        """Windows per peer, of which the median counts."""
        return self.pick(5, 1)


def _skip(label: str, reason: str) -> None:
    if label not in _skipped:
        _skipped[label] = reason
        print(f"skipped: {label}: {reason}", file=sys.stderr, flush=True)


class Lab:
    """A directory of its own, and processes that end when the block does."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._stack = ExitStack()
        self._nats: NatsServer | None = None
        self._groups = 0

    def __enter__(self) -> Lab:
        self.directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="headway-bench-")))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def on_close(self, callback: Callable[[], object]) -> None:
        """Call it when the question is answered."""
        self._stack.callback(callback)

    @property
    def nats_port(self) -> int:
        """Of the NATS server, which starts when it is needed first."""
        if self._nats is None:
            self._nats = NatsServer(self.directory)
            self.on_close(self._nats.stop)
        return self._nats.port

    def start(self, peers: Iterable[P]) -> list[P]:
        """Start those that can run here, all at once; a line for each that cannot."""
        started = []
        for peer in peers:
            if reason := _skipped.get(peer.label) or peer.missing():
                _skip(peer.label, reason)
                continue
            self.on_close(peer.stop)
            peer.start(self)
            started.append(peer)
        return [peer for peer in started if self._serves(peer)]

    def _serves(self, peer: Peer) -> bool:
        """Whether it starts and carries an event to a watcher. Without Headway there is nothing to measure."""
        try:
            peer.wait()
            if peer.name not in _proved:
                self._prove(peer)
        except BenchError as error:
            if peer.name == "headway":
                raise
            _skip(peer.label, f"does not work here: {str(error).strip()[-300:]}")
            peer.stop()
            return False
        return True

    def _prove(self, peer: Peer) -> None:
        publisher, watchers, tasks = Publisher(peer.feed(self)), Watchers(sample=0), self.tasks(1)
        try:
            publisher.seed(tasks)
            watchers.open(peer.address, [peer.request(tasks[0])], seconds=5)
            watchers.settle(0.2)
            publisher.begin(tasks, rate=10, count=1)
            watchers.run(1, 5)
            publisher.end()
            if watchers.missing(1):
                raise ClientError("an event that was published did not arrive once")
        finally:
            publisher.close()
            watchers.close()
        _proved.add(peer.name)

    def tasks(self, number: int) -> list[str]:
        """Names of tasks that nobody else here uses."""
        self._groups += 1
        return [f"g{self._groups}-{place:05d}" for place in range(number)]

    def publisher(self, peer: Peer) -> Publisher:
        """A publisher for this peer."""
        publisher = Publisher(peer.feed(self))
        self.on_close(publisher.close)
        return publisher

    def watchers(self, *, sample: int = 50) -> Watchers:
        """No connections yet."""
        watchers = Watchers(sample=sample)
        self.on_close(watchers.close)
        return watchers
