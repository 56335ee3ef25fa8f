"""Messages to all processes that listen on a subject. Nothing is stored."""

from __future__ import annotations

from collections.abc import Callable

from nats.aio.client import Client
from nats.aio.msg import Msg

from headway.jetstream.errors import mapped


class Broadcast:
    """A subject of core NATS."""

    def __init__(self, client: Client, subject: str) -> None:
        self._client = client
        self._subject = subject

    @property
    def connected(self) -> bool:
        """Whether messages can be sent now."""
        return bool(self._client.is_connected)

    async def publish(self, payload: bytes) -> None:
        """Send to all that listen, the sender included. Raises UnavailableError."""
        with mapped(f"publish on {self._subject}"):
            await self._client.publish(self._subject, payload)

    async def subscribe(self, call: Callable[[bytes], None]) -> None:
        """Call `call` with each message from now on, also after a reconnection. Raises UnavailableError."""

        async def on_message(message: Msg) -> None:
            call(message.data)

        with mapped(f"subscribe to {self._subject}"):
            await self._client.subscribe(self._subject, cb=on_message)
