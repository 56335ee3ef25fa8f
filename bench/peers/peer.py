"""What the questions ask of a peer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from bench import machine, procs
from bench.procs import Memory, Process

if TYPE_CHECKING:
    from bench.lab import Lab


class Peer(ABC):
    """One server under test. `start` it, ask for its `request` and `feed`, read its CPU and memory."""

    name: ClassVar[str]
    resumes: ClassVar[bool] = False
    """Whether a watcher that comes back with Last-Event-ID gets what it has missed."""

    prelude: bytes = b""
    """A request that each connection makes before the one for its stream."""

    def __init__(self, label: str = "", cores: set[int] | None = None) -> None:
        self.label = label or self.name
        self.cores = cores or machine.SERVER_CORES
        self.port = procs.free_port()
        self.processes: list[Process] = []

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return "127.0.0.1", self.port

    def missing(self) -> str:
        """Why it cannot run here, with what would help; empty when it can."""
        return ""

    @abstractmethod
    def start(self, lab: Lab) -> None:
        """Start it on its cores."""

    def wait(self) -> None:
        """Return when it serves. Raises StartError."""
        self.processes[0].wait_for(lambda: procs.listening(self.port))

    @abstractmethod
    def path(self, task: str) -> str:
        """Where the stream of a task is: from now on, every event."""

    @abstractmethod
    def feed(self, lab: Lab) -> dict[str, Any]:
        """How events reach it: the description of a `bench.feeds` feed."""

    def request(self, task: str, cursor: str = "") -> bytes:
        """The request of one watcher."""
        resume = f"Last-Event-ID: {cursor}\r\n" if cursor else ""
        host = f"Host: 127.0.0.1:{self.port}\r\n"
        return f"GET {self.path(task)} HTTP/1.1\r\n{host}Accept: text/event-stream\r\n{resume}\r\n".encode()

    def cpu_seconds(self) -> float:
        """What it has used so far."""
        return procs.cpu_seconds(self.processes)

    def memory(self) -> Memory:
        """What it has in memory."""
        return procs.memory(self.processes)

    def stop(self) -> None:
        """End it."""
        for process in self.processes:
            process.stop()
