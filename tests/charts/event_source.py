"""An EventSource as browsers have it: it gives up permanently on any status but 200."""

import asyncio
import json
from contextlib import suppress

import httpx

from tests.charts.browsers import TERMINAL

RETRY_MS = 3000.0
"""What browsers wait by default."""


class EventSource:
    """Reads a URL until its task has ended, coming back after each end of a stream with its last id.

    Args:
        hurry: divides how long it waits before it comes back.
    """

    def __init__(self, http: httpx.AsyncClient, url: str, *, hurry: float = 1.0) -> None:
        self.lost_by = 0
        """The status after which it gave up."""
        self.connections = 0
        self.events: list[tuple[str, dict]] = []
        self._http = http
        self._url = url
        self._id = ""
        self._retry_ms = RETRY_MS
        self._hurry = hurry

    @property
    def log(self) -> list[dict]:
        return [data for _, data in self.events if "n" in data]

    @property
    def goodbyes(self) -> int:
        return sum(name == "goodbye" for name, _ in self.events)

    @property
    def over(self) -> bool:
        return bool(self.log) and self.log[-1].get("status") in TERMINAL

    async def run(self) -> None:
        """Return when the task has ended, or when it gave up."""
        while not self.over and not self.lost_by:
            with suppress(httpx.HTTPError):  # a connection that is refused or breaks: browsers come back
                await self._connect()
            if not self.over and not self.lost_by:
                await asyncio.sleep(self._retry_ms / 1000 / self._hurry)

    async def _connect(self) -> None:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self._id} if self._id else {})
        async with self._http.stream("GET", self._url, headers=headers) as reply:
            self.connections += 1
            if reply.status_code != 200:
                self.lost_by = reply.status_code
                return
            block: dict[str, str] = {}
            async for line in reply.aiter_lines():
                name, _, value = line.partition(": ")
                if line and name:
                    block[name] = value
                elif block:
                    self._take(block)
                    block = {}

    def _take(self, block: dict[str, str]) -> None:
        self._id = block.get("id", self._id)
        self._retry_ms = float(block.get("retry", self._retry_ms))
        if "data" in block:
            self.events.append((block.get("event", "message"), json.loads(block["data"])))
