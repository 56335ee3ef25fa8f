"""Taking jobs from the queue, one at a time, without losing one that arrives too late.

nats-py's `fetch` keeps what arrives after its timeout, or while nobody waits, in a buffer until the next call; at a
shutdown, or while all slots are busy, such a job would be lost to everybody until its ack_wait is over. Here it is
given back at once.
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

MARGIN_SECONDS = 1.0
"""How much longer than the server this side waits for the end of a request."""
CLOSE_SECONDS = 2.0
NOTHING_YET = frozenset(("404", "408"))

logger = logging.getLogger(__name__)


class Delivery:
    """A job as it was delivered, and the answers to it.

    An answer that gets lost is no harm: the job is delivered again, and the task's log says what had happened.
    """

    def __init__(self, message: Msg) -> None:
        self._message = message
        self.subject: str = message.subject
        self.payload: bytes = message.data
        self.answered = False
        self.key = f"{message.metadata.stream}.{message.metadata.sequence.stream}"
        """The same at every delivery of the same job."""

    async def ack(self) -> None:
        """The job is done: remove it."""
        self.answered = True
        with best_effort():
            await self._message.ack()

    async def nak(self, delay_seconds: float = 0.0) -> None:
        """Deliver the job again, at once or later."""
        self.answered = True
        with best_effort():
            await self._message.nak(delay_seconds)

    async def term(self) -> None:
        """The job is of no use: remove it."""
        self.answered = True
        with best_effort():
            await self._message.term()

    async def keep(self) -> None:
        """The job is being worked on: ack_wait begins anew."""
        if self.answered:  # after a nak it would undo the delay
            return
        with best_effort():
            await self._message.in_progress()


class Puller:
    """Asks the consumer of one kind for jobs. `bind`, then `next` again and again, then `close`."""

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
        self._count = 0
        self._wait_seconds = 0.0
        self._answer: asyncio.Future[Msg | str] | None = None
        """Of the last request: a job, or what the server says instead."""
        self._wanted = False
        """Whether a job that arrives now is waited for."""

    async def bind(self) -> None:
        """Make the streams and the consumer if they are missing, adapt the consumer. Raises UnavailableError."""
        await provision.ensure(self._js, self._connection.names, self._connection.settings)
        with mapped(f"consumer {self._config.durable_name}"):
            await self._ensure_consumer()
            if self._subscription is None:
                self._subscription = await self._client.subscribe(f"{self._inbox}.*", cb=self._on_message)

    async def next(self, wait_seconds: float) -> Delivery | None:
        """The next job, or None when there is none within `wait_seconds`.

        Raises UnavailableError when NATS is away or the consumer is gone: `bind` again.
        """
        if not self._client.is_connected:
            # Requests would pile up in the client and, once connected, fetch a job each.
            raise UnavailableError("NATS is away")
        answer = self._answer = asyncio.get_running_loop().create_future()
        self._wanted = True
        try:
            await self._ask(wait_seconds)
            await asyncio.wait({answer}, timeout=wait_seconds + MARGIN_SECONDS)
        except asyncio.CancelledError:
            if answer.done() and isinstance(answer.result(), Msg):
                await _return(answer.result())
            raise
        finally:
            self._wanted = False
        return _job(answer.result()) if answer.done() else None

    async def waiting(self) -> int:
        """How many jobs no processor has taken yet. Raises UnavailableError."""
        with mapped(f"consumer {self._config.durable_name}"):
            info = await self._js.consumer_info(self._stream, str(self._config.durable_name))
        return info.num_pending or 0

    async def close(self) -> None:
        """Wait for the end of the last request, give back what it brings, ask for nothing more.

        A request cannot be taken back: the server may answer it with a job after it has processed our UNSUB, and that
        job would be lost to everybody until its ack_wait is over (measured with 2.15.1).
        """
        if self._subscription is None or not self._client.is_connected:
            return
        if self._answer is not None:
            await asyncio.wait({self._answer}, timeout=self._wait_seconds + MARGIN_SECONDS)
        with best_effort():
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._subscription.drain()  # type: ignore[no-untyped-call]

    async def _ensure_consumer(self) -> None:
        info = await found(self._js.consumer_info(self._stream, str(self._config.durable_name)))
        if info is None or not _same(info.config, self._config):
            await self._js.add_consumer(self._stream, self._config)

    async def _ask(self, wait_seconds: float) -> None:
        self._count += 1
        self._wait_seconds = wait_seconds
        request = msgspec.json.encode({"batch": 1, "expires": int(wait_seconds * 1_000_000_000)})
        with mapped("pull"):
            await self._client.publish(self._subject, request, reply=f"{self._inbox}.{self._count}")

    async def _on_message(self, message: Msg) -> None:
        open_answer = self._answer if self._answer is not None and not self._answer.done() else None
        if not message.reply.startswith("$JS.ACK."):
            if open_answer is not None and message.subject == f"{self._inbox}.{self._count}":
                headers = message.headers or {}
                open_answer.set_result(f"{headers.get('Status', '')} {headers.get('Description', '')}".strip())
        elif open_answer is not None and self._wanted:
            open_answer.set_result(message)
        else:
            await _return(message)
            if open_answer is not None:
                open_answer.set_result("")


def _job(answer: Msg | str) -> Delivery | None:
    if isinstance(answer, Msg):
        return Delivery(answer)
    if answer[:3] in NOTHING_YET:
        return None
    raise UnavailableError(f"pull: {answer}")


async def _return(message: Msg | str) -> None:
    assert isinstance(message, Msg)
    logger.info("a job that arrived too late is given back", extra={"action": "job_returned"})
    with best_effort():
        await message.nak()


def _same(there: ConsumerConfig, wanted: ConsumerConfig) -> bool:
    return all(
        getattr(there, name) == getattr(wanted, name)
        for name in ("filter_subject", "ack_wait", "max_deliver", "max_ack_pending")
    )
