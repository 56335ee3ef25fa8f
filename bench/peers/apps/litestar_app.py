"""Litestar and its ServerSentEvent, as documented."""

from __future__ import annotations

from collections.abc import AsyncIterator

from litestar import Litestar, get
from litestar.params import FromPath
from litestar.response import ServerSentEvent, ServerSentEventMessage

from bench.peers.apps.hub import Hub, ports, serve

PORT, NATS_PORT = ports()
hub = Hub(NATS_PORT)


@get("/stream/{task:str}")
async def stream(task: FromPath[str]) -> ServerSentEvent:
    """The events of a task from now on."""
    queue = hub.join(task)

    async def events() -> AsyncIterator[ServerSentEventMessage]:
        try:
            while True:
                number, text = await queue.get()
                yield ServerSentEventMessage(id=number, data=text)
        finally:
            hub.leave(task, queue)

    return ServerSentEvent(events())


app = Litestar([stream], lifespan=[hub.running], logging_config=None, openapi_config=None)

if __name__ == "__main__":
    serve(app, PORT)
