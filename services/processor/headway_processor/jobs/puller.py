"""Take jobs from the queue one at a time, without losing one that arrives late.

nats-py's `fetch` keeps what arrives after its timeout, or between two calls, in a buffer until the next call. At a
shutdown, or while all slots are busy, no processor would get such a job before its ack_wait has passed. Here it is
returned to the queue at once.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import ConsumerConfig

from headway.errors import UnavailableError
from headway.jetstream import provision
from headway.jetstream.connection import Connection
from headway.jetstream.errors import best_effort, found, mapped
from headway_processor.jobs.delivery import JetStreamDelivery

MARGIN_SECONDS = 1.0
"""How much longer than the server the client waits for the end of a request."""
CLOSE_SECONDS = 2.0
NOTHING_YET = frozenset(("404", "408"))

logger = logging.getLogger(__name__)


class Puller:
    """Requests jobs from the consumer of one kind: `bind`, then `next` repeatedly, then `close`."""

    def __init__(self, connection: Connection, config: ConsumerConfig) -> None:
        assert config.durable_name is not None
        self._connection = connection
        self._client = connection.client
        self._js = connection.client.jetstream()
        self._stream = connection.names.jobs_stream
        self._config = config
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{config.durable_name}"
        self._inbox = self._client.new_inbox()
        self._subscription: Subscription | None = None
        self._requests = 0
        self._wait_seconds = 0.0
        self._reply: asyncio.Future[Msg | str] | None = None
        """Reply to the last request: a job, or the status that the server sends instead."""
        self._waiting = False
        """Whether `next` waits for a job now."""

    async def bind(self) -> None:
        """Create the streams and the consumer if they are missing, and update the consumer. Raises UnavailableError."""
        await provision.ensure(self._js, self._connection.names, self._connection.settings)
        with mapped(f"consumer {self._config.durable_name}"):
            await self._ensure_consumer()
            if self._subscription is None:
                self._subscription = await self._client.subscribe(f"{self._inbox}.*", cb=self._on_message)

    async def next(self, wait_seconds: float) -> JetStreamDelivery | None:
        """Return the next job, or None when none arrives within `wait_seconds`.

        Raises UnavailableError when NATS is unreachable or the consumer is missing: call `bind` again.
        """
        if not self._client.is_connected:
            # Requests would be queued in the client and, once connected, fetch a job each.
            raise UnavailableError("NATS is unreachable")
        reply = self._reply = asyncio.get_running_loop().create_future()
        self._waiting = True
        try:
            await self._ask(wait_seconds)
            await asyncio.wait({reply}, timeout=wait_seconds + MARGIN_SECONDS)
        except asyncio.CancelledError:
            if reply.done() and isinstance(reply.result(), Msg):
                await _hand_back(reply.result())
            raise
        finally:
            self._waiting = False
        return _delivery_of(reply.result()) if reply.done() else None

    async def pending(self) -> int:
        """Return how many jobs no processor has taken yet. Raises UnavailableError."""
        with mapped(f"consumer {self._config.durable_name}"):
            info = await self._js.consumer_info(self._stream, str(self._config.durable_name))
        return info.num_pending or 0

    async def close(self) -> None:
        """Wait for the end of the last request and return to the queue what it brings.

        A request cannot be withdrawn: the server may reply with a job after it has processed the UNSUB, and no
        processor would get that job before its ack_wait has passed (measured with nats-server 2.15.1).
        """
        if self._subscription is None or not self._client.is_connected:
            return
        if self._reply is not None:
            await asyncio.wait({self._reply}, timeout=self._wait_seconds + MARGIN_SECONDS)
        with best_effort():
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._subscription.drain()  # type: ignore[no-untyped-call]

    async def _ensure_consumer(self) -> None:
        info = await found(self._js.consumer_info(self._stream, str(self._config.durable_name)))
        if info is None or not _is_current(info.config, self._config):
            await self._js.add_consumer(self._stream, self._config)

    async def _ask(self, wait_seconds: float) -> None:
        self._requests += 1
        self._wait_seconds = wait_seconds
        request = msgspec.json.encode({"batch": 1, "expires": int(wait_seconds * 1_000_000_000)})
        with mapped("pull"):
            await self._client.publish(self._subject, request, reply=f"{self._inbox}.{self._requests}")

    async def _on_message(self, message: Msg) -> None:
        open_reply = self._reply if self._reply is not None and not self._reply.done() else None
        if not message.reply.startswith("$JS.ACK."):
            if open_reply is not None and message.subject == f"{self._inbox}.{self._requests}":
                headers = message.headers or {}
                open_reply.set_result(f"{headers.get('Status', '')} {headers.get('Description', '')}".strip())
        elif open_reply is not None and self._waiting:
            open_reply.set_result(message)
        else:
            await _hand_back(message)
            if open_reply is not None:
                open_reply.set_result("")


def _delivery_of(reply: Msg | str) -> JetStreamDelivery | None:
    if isinstance(reply, Msg):
        return JetStreamDelivery(reply)
    if reply[:3] in NOTHING_YET:
        return None
    raise UnavailableError(f"pull: {reply}")


async def _hand_back(message: Msg | str) -> None:
    assert isinstance(message, Msg)
    logger.info("a job that arrived too late is returned to the queue", extra={"action": "job_returned"})
    with best_effort():
        await message.nak()


def _is_current(existing: ConsumerConfig, wanted: ConsumerConfig) -> bool:
    return all(
        getattr(existing, name) == getattr(wanted, name)
        for name in ("filter_subject", "ack_wait", "max_deliver", "max_ack_pending")
    )
