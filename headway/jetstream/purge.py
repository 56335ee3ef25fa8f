"""Removal of messages from streams. The server's right to it covers whole streams, so only processors have it."""

from __future__ import annotations

from nats.aio.client import Client

from headway.jetstream.errors import mapped

TIMEOUT_SECONDS = 5.0


class Purger:
    """Removes the messages of single subjects."""

    def __init__(self, client: Client) -> None:
        self._js = client.jetstream(timeout=TIMEOUT_SECONDS)

    async def purge(self, stream: str, subject: str, before: int = 0) -> None:
        """Remove the messages of `subject`, with `before` only those below that sequence. May be repeated.

        Raises UnavailableError. https://docs.nats.io/reference/reference-protocols/nats_api_reference
        """
        if not subject:
            raise ValueError("without a subject all messages of the stream would be removed")
        with mapped(f"remove {subject} from {stream}"):
            await self._js.purge_stream(stream, subject=subject, seq=before or None)
