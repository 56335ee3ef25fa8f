"""DIRECT GET with batches: reading a stream without a consumer.

nats-py offers single gets only. Any replica answers, so a read right after an append can be stale: use `Log.last` for
decisions, and this for reading. https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from headway.errors import UnavailableError
from headway.jetstream.errors import mapped
from headway.jetstream.stored import Stored, size_of
from headway.ownership import Ownership
from headway.producer import Producer

_END = "204"
_NOTHING = "404"


class _Answer:
    def __init__(self) -> None:
        self.found: list[Stored] = []
        self.up_to = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take(self, message: Msg) -> None:
        headers = message.headers or {}
        status = headers.get("Status")
        if status is None:
            self.found.append(_stored(message, headers))
        elif not self.done.done():
            self._finish(status, headers)

    def _finish(self, status: str, headers: dict[str, str]) -> None:
        if status in (_END, _NOTHING):
            self.up_to = int(headers.get("Nats-UpTo-Sequence", 0))
            self.done.set_result(None)
        else:
            reason = headers.get("Description", "")
            self.done.set_exception(UnavailableError(f"direct get: {status} {reason}".strip()))


class DirectGet:
    """Batched reads of one stream. One subscription serves all of a connection's requests."""

    def __init__(self, client: Client, stream: str, *, timeout_seconds: float = 2.0) -> None:
        self.timeout_seconds = timeout_seconds
        self._client = client
        self._subject = f"$JS.API.DIRECT.GET.{stream}"
        self._answers: dict[str, _Answer] = {}
        self._inbox = ""
        self._opening: asyncio.Lock = asyncio.Lock()
        self._count = 0

    async def get(self, request: dict[str, Any]) -> tuple[list[Stored], int]:
        """The messages that match `request`, and Nats-UpTo-Sequence, 0 if there is none. Raises UnavailableError.

        The request must have ``batch`` or ``multi_last``, so that the server ends its answer with an end-of-batch.
        """
        answer = _Answer()
        self._count += 1
        token = str(self._count)
        try:
            with mapped("direct get"):
                inbox = await self._open()
                self._answers[token] = answer
                await self._client.publish(self._subject, msgspec.json.encode(request), reply=f"{inbox}.{token}")
                async with asyncio.timeout(self.timeout_seconds):
                    await answer.done
        finally:
            self._answers.pop(token, None)
        return answer.found, answer.up_to

    async def _open(self) -> str:
        async with self._opening:
            if not self._inbox:
                inbox = self._client.new_inbox()
                await self._client.subscribe(f"{inbox}.*", cb=self._on_reply)
                self._inbox = inbox
        return self._inbox

    async def _on_reply(self, message: Msg) -> None:
        answer = self._answers.get(message.subject.rpartition(".")[2])
        if answer is not None:
            answer.take(message)


def _stored(message: Msg, headers: dict[str, str]) -> Stored:
    return Stored(
        int(headers["Nats-Sequence"]),
        message.data,
        headers.get("Nats-Msg-Id", ""),
        headers.get("Nats-Subject", "").rpartition(".")[2],
        Ownership.of_headers(headers),
        size_of(headers),
        Producer.of_headers(headers),
        headers.get("Nats-Time-Stamp", ""),
        headers.get("Nats-Subject", ""),
    )
