"""An EventSource as browsers have it: it gives up permanently on any status but 200."""

import asyncio
import json
from contextlib import suppress

import httpx
from httpx_sse import ServerSentEvent, aconnect_sse

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
        headers = {"Last-Event-ID": self._id} if self._id else {}
        async with aconnect_sse(self._http, "GET", self._url, headers=headers) as source:
            self.connections += 1
            if source.response.status_code != 200:
                self.lost_by = source.response.status_code
                return
            async for sse in source.aiter_sse():
                self._take(sse)

    def _take(self, sse: ServerSentEvent) -> None:
        self._id = sse.id or self._id
        self._retry_ms = self._retry_ms if sse.retry is None else float(sse.retry)
        if sse.data:
            self.events.append((sse.event, json.loads(sse.data)))
