"""FastAPI and sse-starlette's EventSourceResponse, as documented."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import FastAPI
from sse_starlette import EventSourceResponse

from bench.peers.apps.hub import Hub, ports, serve

PORT, NATS_PORT = ports()
hub = Hub(NATS_PORT)
app = FastAPI(lifespan=hub.running)


@app.get("/stream/{task}")
async def stream(task: str) -> EventSourceResponse:
    """The events of a task from now on."""
    queue = hub.join(task)

    async def events() -> AsyncIterator[dict[str, str]]:
        try:
            while True:
                number, text = await queue.get()
                yield {"id": str(number), "data": text}
        finally:
            hub.leave(task, queue)

    return EventSourceResponse(events())


if __name__ == "__main__":
    serve(app, PORT)
