"""Take jobs from the queue, as many as there are slots for, without losing one that arrives late.

nats-py's `fetch` keeps what arrives after its timeout, or between two calls, in a buffer until the next call. At a
shutdown, or while all slots are busy, no processor would get such a job before its ack_wait has passed. Here it is
returned to the queue at once.

While nothing waits, a request asks for one job and lasts long: it occupies a slot. Each delivery says how many jobs
wait behind it; those are asked for together, by a short request.
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
        self._request: _Request | None = None
        """The last one."""
        self._listening = False
        """Whether `next` waits for jobs now."""
        self.waiting = 0
        """How many jobs waited in the queue when the last one was delivered; 0 after a request that brought none."""

    async def bind(self) -> None:
        """Create the streams and the consumer if they are missing, and update the consumer. Raises UnavailableError."""
        await provision.ensure(self._js, self._connection.names, self._connection.settings)
        with mapped(f"consumer {self._config.durable_name}"):
            await self._ensure_consumer()
            if self._subscription is None:
                self._subscription = await self._client.subscribe(f"{self._inbox}.*", cb=self._on_message)

    async def next(self, count: int, wait_seconds: float) -> list[JetStreamDelivery]:
        """Return up to `count` jobs as soon as there are as many, or those that arrive within `wait_seconds`.

        Raises UnavailableError when NATS is unreachable or the consumer is missing: call `bind` again.
        """
        if not self._client.is_connected:
            # Requests would be queued in the client and, once connected, fetch a job each.
            raise UnavailableError("NATS is unreachable")
        request = self._request = _Request(count)
        self._listening = True
        try:
            await self._ask(count, wait_seconds)
            await asyncio.wait({request.ended}, timeout=wait_seconds + MARGIN_SECONDS)
        except (asyncio.CancelledError, UnavailableError):
            for message in request.jobs:
                await _hand_back(message)
            raise
        finally:
            self._listening = False
        deliveries = request.deliveries()
        self.waiting = deliveries[-1].waiting if deliveries else 0
        return deliveries

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
        if self._request is not None:
            await asyncio.wait({self._request.ended}, timeout=self._wait_seconds + MARGIN_SECONDS)
        with best_effort():
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._subscription.drain()  # type: ignore[no-untyped-call]

    async def _ensure_consumer(self) -> None:
        info = await found(self._js.consumer_info(self._stream, str(self._config.durable_name)))
        if info is None or not _is_current(info.config, self._config):
            await self._js.add_consumer(self._stream, self._config)

    async def _ask(self, count: int, wait_seconds: float) -> None:
        self._requests += 1
        self._wait_seconds = wait_seconds
        request = msgspec.json.encode({"batch": count, "expires": int(wait_seconds * 1_000_000_000)})
        with mapped("pull"):
            await self._client.publish(self._subject, request, reply=f"{self._inbox}.{self._requests}")

    async def _on_message(self, message: Msg) -> None:
        request = self._request if self._request is not None and not self._request.ended.done() else None
        if not message.reply.startswith("$JS.ACK."):
            if request is not None and message.subject == f"{self._inbox}.{self._requests}":
                headers = message.headers or {}
                request.ended.set_result(f"{headers.get('Status', '')} {headers.get('Description', '')}".strip())
            return
        if request is not None and self._listening:
            request.jobs.append(message)
        else:
            await _hand_back(message)
        if request is not None:
            request.count()


class _Request:
    """A request for jobs, and what has arrived since."""

    def __init__(self, count: int) -> None:
        self.jobs: list[Msg] = []
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """The status that the server sends when it is over; empty when it has brought all its jobs."""
        self._missing = count

    def count(self) -> None:
        """Count a job that has arrived."""
        self._missing -= 1
        if not self._missing and not self.ended.done():
            self.ended.set_result("")

    def deliveries(self) -> list[JetStreamDelivery]:
        """The jobs that it has brought. Raises UnavailableError when there are none and the status is an error."""
        if not self.jobs and self.ended.done() and (status := self.ended.result())[:3] not in NOTHING_YET:
            raise UnavailableError(f"pull: {status}")
        return [JetStreamDelivery(message) for message in self.jobs]


async def _hand_back(message: Msg) -> None:
    logger.info("a job that arrived too late is returned to the queue", extra={"action": "job_returned"})
    with best_effort():
        await message.nak()


def _is_current(existing: ConsumerConfig, wanted: ConsumerConfig) -> bool:
    return all(
        getattr(existing, name) == getattr(wanted, name)
        for name in ("filter_subject", "ack_wait", "max_deliver", "max_ack_pending")
    )
