"""A scripted transport, and the event streams that it answers with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx

URL = "http://streamer"
HELLO = b'retry: 0\nid: c0\nevent: hello\ndata: {"server":"s","tasks":["t"],"heartbeat_seconds":2}\n\n'

Answer = httpx.Response | Exception
Step = Answer | Callable[[httpx.Request], Answer]


def progress(n: int, status: str = "processing", task: str = "t") -> bytes:
    data = {"type": "progress", "task": task, "n": n, "status": status, "progress": 10.0 * n}
    return f"id: c{n}\ndata: {json.dumps(data)}\n\n".encode()


class Pause(float):
    """Seconds of silence in a stream."""


def stream(*parts: bytes | Pause | Exception) -> httpx.Response:
    async def body() -> AsyncIterator[bytes]:
        for part in parts:
            if isinstance(part, Exception):
                raise part
            if isinstance(part, Pause):
                await asyncio.sleep(part)
            else:
                yield part

    return httpx.Response(200, headers={"content-type": "text/event-stream; charset=utf-8"}, content=body())


def answer(status: int, value: Any = None, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=value, headers=headers)


class Script(httpx.AsyncBaseTransport):
    """Answers the requests in turn, and keeps them with the time they came."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []
        self.times: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        self.times.append(asyncio.get_running_loop().time())
        step = self.steps.pop(0)
        made = step if isinstance(step, httpx.Response | Exception) else step(request)
        if isinstance(made, Exception):
            raise made
        return made

    @property
    def last_ids(self) -> list[str | None]:
        return [request.headers.get("last-event-id") for request in self.requests]
