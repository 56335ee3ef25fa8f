"""The interface of a server under test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from bench.harness import machine
from bench.harness.process import Memory, Process, cpu_seconds, free_port, listening, memory

if TYPE_CHECKING:
    from bench.harness.testbed import Testbed


class Peer(ABC):
    """A server under test: `start` it, ask for its `request` and `feed`, read its CPU time and memory.

    Args:
        label: name in tables, by default that of the class.
        cores: cores to pin the server to, by default the server core.
    """

    name: ClassVar[str]
    resumes: ClassVar[bool] = False
    """Whether a watcher that reconnects with Last-Event-ID gets the events that it has missed."""

    prelude: bytes = b""
    """A request that each connection makes before the one for its stream."""

    def __init__(self, label: str = "", cores: set[int] | None = None) -> None:
        self.label = label or self.name
        self.cores = cores or machine.SERVER_CORES
        self.port = free_port()
        self.processes: list[Process] = []

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of its streams."""
        return "127.0.0.1", self.port

    def missing(self) -> str:
        """Why it cannot run on this machine, and how to install it; empty when it can."""
        return ""

    @abstractmethod
    def start(self, testbed: Testbed) -> None:
        """Start the server on its cores."""

    def launch(
        self, testbed: Testbed, name: str, command: list[str], environment: dict[str, str] | None = None
    ) -> None:
        """Start one process of the server."""
        self.processes.append(Process(name, command, testbed.directory, cores=self.cores, environment=environment))

    def wait(self) -> None:
        """Wait until it serves. Raises StartError."""
        self.processes[0].wait_for(lambda: listening(self.port))

    @abstractmethod
    def path(self, task: str) -> str:
        """The path of a task's stream: every event from now on."""

    @abstractmethod
    def feed(self, testbed: Testbed) -> dict[str, Any]:
        """How events reach it: the description of a `bench.harness.feeds` feed."""

    def request(self, task: str, cursor: str = "") -> bytes:
        """The request of one watcher."""
        resume = f"Last-Event-ID: {cursor}\r\n" if cursor else ""
        host = f"Host: 127.0.0.1:{self.port}\r\n"
        return f"GET {self.path(task)} HTTP/1.1\r\n{host}Accept: text/event-stream\r\n{resume}\r\n".encode()

    def cpu_seconds(self) -> float:
        """CPU time of its processes since they started."""
        return cpu_seconds(self.processes)

    def memory(self) -> Memory:
        """Memory of its processes."""
        return memory(self.processes)

    def stop(self) -> None:
        """Kill its processes."""
        for process in self.processes:
            process.stop()
