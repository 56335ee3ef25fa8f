"""Store messages in streams, with one size check and one set of errors."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import nats.errors
from nats.aio.client import Client
from nats.js.api import PubAck

from headway.errors import ConflictError, TooLargeError
from headway.jetstream.errors import is_conflict, translate

MAX_MESSAGE_BYTES = 256 * 1024
"""Maximum bytes of one message in a stream of Headway, headers included."""
FRAME_BYTES = 128
"""Bytes of the header block besides our headers: its first line, and the stream name that nats-py adds."""

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Publisher:
    """Publishes and waits for the acknowledgement, `timeout_seconds` at most."""

    def __init__(self, client: Client, *, timeout_seconds: float) -> None:
        self._client = client
        self._js = client.jetstream(timeout=timeout_seconds)

    @property
    def limit_bytes(self) -> int:
        """Maximum bytes of one message, headers included: that of the streams, or of a server that accepts less."""
        return min(MAX_MESSAGE_BYTES, self._client.max_payload)

    async def store(
        self,
        what: str,
        subject: str,
        payload: bytes,
        *,
        msg_id: str = "",
        expected: int | None = None,
        stream: str | None = None,
        extra: Mapping[str, str] = NO_HEADERS,
    ) -> PubAck:
        """Store a message, with `extra` headers; `what` names it in errors.

        Raises TooLargeError before anything is sent, ConflictError when the subject does not end at sequence
        `expected`, AlreadyStoredError when it takes no second message, StoreFullError and UnavailableError.
        """
        headers = {"Nats-Msg-Id": msg_id, **extra} if msg_id else dict(extra)
        if expected is not None:
            headers["Nats-Expected-Last-Subject-Sequence"] = str(expected)
        self._check_size(what, payload, headers)
        try:
            return await self._js.publish(subject, payload, headers=headers or None, stream=stream)
        except (nats.errors.Error, TimeoutError) as error:
            if expected is not None and is_conflict(error):
                raise ConflictError(subject.rpartition(".")[2], expected) from error
            raise translate(error, f"store {what}") from error

    def _check_size(self, what: str, payload: bytes, headers: dict[str, str]) -> None:
        # nats-py counts the payload alone; the server closes the connection, permanently, for the sum.
        size = len(payload) + FRAME_BYTES + sum(len(name) + len(value) + 4 for name, value in headers.items())
        if size > self.limit_bytes:
            raise TooLargeError(what, size, self.limit_bytes)
