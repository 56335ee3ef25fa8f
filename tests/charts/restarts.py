"""A pod of the bundled NATS that is replaced, as a kubelet, a controller and a Service do it.

Only scheduling, mounting and the start of the container are missing: a second or two on a node that has the image.
"""

import asyncio
import socket
import subprocess
import time
from collections import Counter
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.charts.helm import Objects, one
from tests.charts.pods import Nats, container_of, path_of_the_image, start_services
from tests.fixtures.condition import holds
from tests.fixtures.services import free_port


class ServiceAddress:
    """The address of a Service: it refuses connections while no pod behind it is ready, unless the Service publishes
    addresses that are not ready. Open ones are kept."""

    def __init__(self, target: int, *, always: bool) -> None:
        self.port = free_port()
        self._target, self._always = target, always
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def add_endpoint(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    def remove_endpoint(self) -> None:
        if not self._always:
            self._stop()

    def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def close(self) -> None:
        """Refuse connections, and end the open ones."""
        self._stop()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.ensure_future(self._forward(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            pod_reader, pod_writer = await asyncio.open_connection("127.0.0.1", self._target)
            writers.append(pod_writer)
            ways = [asyncio.ensure_future(_pump(reader, pod_writer)), asyncio.ensure_future(_pump(pod_reader, writer))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
        except OSError:
            pass
        finally:
            for end in writers:
                end.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


class NatsPod:
    """The only pod of the bundled NATS, behind its Service."""

    def __init__(self, server: Nats, objects: Objects, name: str) -> None:
        self.server = server
        service = one(objects, "Service", name)["spec"]
        self.service = ServiceAddress(server.port, always=service.get("publishNotReadyAddresses", False))
        self._container = container_of(objects, "StatefulSet", name)

    async def replace(self, objects: Objects | None = None) -> None:
        """End it gracefully, and return when the next one, of `objects`, receives connections."""
        self.service.remove_endpoint()
        if hook := self._container.get("lifecycle", {}).get("preStop"):
            command = [self.server.local(word) for word in hook["exec"]["command"]]
            await asyncio.to_thread(subprocess.run, command, check=True, env=path_of_the_image())
        await asyncio.to_thread(self.server.terminate)
        if objects is not None:
            self.server.render(objects)
        self.server.restart()
        await self._become_ready()

    async def _become_ready(self) -> None:
        """The startup probe at once and then in its period; the readiness probe follows its success at once."""
        while not self._probe():
            await asyncio.sleep(self._container["startupProbe"].get("periodSeconds", 10))
        await self.service.add_endpoint()

    def _probe(self) -> bool:
        assert self._container["startupProbe"]["tcpSocket"] == self._container["readinessProbe"]["tcpSocket"]
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.server.port), timeout=1):
            return True
        return False


@asynccontextmanager
async def run_behind_service(objects: Objects, directory: Path):
    """NATS behind its Service, a processor and two streamers, all ready: (pod of NATS, processor, streamers)."""
    async with AsyncExitStack() as stack:
        server = Nats(objects, "demo-nats", directory)
        stack.callback(server.kill)
        await asyncio.to_thread(server.wait_ready)
        pod = NatsPod(server, objects, "demo-nats")
        stack.push_async_callback(pod.service.close)
        await pod.service.add_endpoint()
        services = stack.enter_context(ExitStack())
        processor, streamers = await asyncio.to_thread(start_services, objects, pod.service.url, directory, services)
        yield pod, processor, streamers


class Submissions:
    """Submits a task to each streamer again and again, and keeps how long each refused them."""

    def __init__(self, http: Any, pods: list[Any]) -> None:
        self.statuses: Counter[int] = Counter()
        self._longest = 0.0
        self._accepted = dict.fromkeys(pods, time.monotonic())
        self._http = http

    @asynccontextmanager
    async def running(self, pause: float = 0.05):
        """Submit during the block."""
        tasks = [asyncio.ensure_future(self._repeat(pod, pause)) for pod in self._accepted]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def longest(self) -> float:
        """Return when every streamer has accepted one from now on: the longest time in seconds since the last call from
        an accepted submit to the next one at the same streamer."""
        began = time.monotonic()
        assert await holds(lambda: min(self._accepted.values()) > began, 30), self.statuses
        longest, self._longest = self._longest, 0.0
        return longest

    async def _repeat(self, pod: Any, pause: float) -> None:
        while True:
            body = {"kind": "check", "params": {}}
            status = (await self._http.post(f"{pod.service.url}/api/v1/tasks", json=body)).status_code
            self.statuses[status] += 1
            if status == 202:
                now = time.monotonic()
                self._longest, self._accepted[pod] = max(self._longest, now - self._accepted[pod]), now
            await asyncio.sleep(pause)
