"""The log of a task in JetStream: one subject of the stream EVENTS. The JetStream code for logs is here."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from headway.errors import EventTooLargeError, TooLargeError, UnavailableError
from headway.eventlog.log import Ack, Live, OnBeat, OnLive, Subscription
from headway.ids import base36
from headway.jetstream.direct_get import DirectGet
from headway.jetstream.errors import NO_MESSAGE, best_effort, from_answer, mapped
from headway.jetstream.inline_dispatch import DirectClient, OnRaw, positions, stored_as
from headway.jetstream.publisher import Publisher
from headway.jetstream.stored import SIZE_HEADER, Stored, size_of
from headway.ownership import UNKNOWN, Ownership
from headway.producer import Producer
from headway.subjects import Names

READ_BYTES = 128 * 1024
"""The server ends a page with the message that reaches this size: each reader holds a page while it is sent."""


class _NatsSubscription:
    def __init__(self, subscription: Any) -> None:
        self._subscription = subscription

    async def close(self) -> None:
        with best_effort():  # without a connection the subscription has ended already
            await self._subscription.unsubscribe()


class JetStreamLog:
    """The log in JetStream."""

    def __init__(self, client: Client, names: Names, *, timeout_seconds: float = 2.0) -> None:
        self._client = client
        self._js = client.jetstream(timeout=timeout_seconds)
        self._publisher = Publisher(client, timeout_seconds=timeout_seconds)
        self._names = names
        self._direct = DirectGet(client, names.events_stream, timeout_seconds=timeout_seconds)

    async def incarnation(self) -> str:
        """When the stream was created, in base 36. Sequences are comparable only within one incarnation."""
        with mapped(f"stream {self._names.events_stream}"):
            info = await self._js.stream_info(self._names.events_stream)
        return incarnation_of(info.created)

    async def put(
        self,
        task: str,
        payload: bytes,
        *,
        expected: int,
        msg_id: str,
        ownership: Ownership = UNKNOWN,
        size: int = 0,
        producer: Producer | None = None,
    ) -> Ack:
        subject, stream = self._names.event(task), self._names.events_stream
        try:
            ack = await self._publisher.store(
                f"an event of {task}",
                subject,
                payload,
                expected=expected,
                msg_id=msg_id,
                stream=stream,
                extra=_headers_of(ownership, size, producer),
            )
        except TooLargeError as error:
            raise EventTooLargeError(len(payload), self._publisher.limit_bytes) from error
        return Ack(ack.seq, bool(ack.duplicate))

    async def last(self, task: str) -> Stored | None:
        subject = f"$JS.API.STREAM.MSG.GET.{self._names.events_stream}"
        request = msgspec.json.encode({"last_by_subj": self._names.event(task)})
        with mapped(f"last event of {task}"):
            reply = await self._client.request(subject, request, timeout=self._direct.timeout_seconds)
        return _leader_reply(reply, task)

    async def lasts(self, tasks: list[str], after: int = 0) -> tuple[list[Stored], int]:
        if not tasks:
            return [], after
        request = {"multi_last": [self._names.event(task) for task in tasks], "seq": after + 1}
        return await self._direct.get(request)

    async def read(self, task: str, start: int = 1, limit: int = 256) -> list[Stored]:
        request = {
            "next_by_subj": self._names.event(task),
            "seq": max(start, 1),
            "batch": limit,
            "max_bytes": READ_BYTES,
        }
        found, _ = await self._direct.get(request)
        return found

    async def subscribe(self, task: str, callback: OnLive) -> Subscription:
        event = self._names.event(task)
        subject = stored_as(event)

        def on_raw(headers: bytes, payload: bytes) -> None:
            seq, prev = positions(headers, subject)
            callback(seq, prev, payload)

        async def on_message(message: Msg) -> None:
            callback(*_live(message, event))

        return await self._subscribe(self._names.live(task), on_raw, on_message)

    async def subscribe_beats(self, task: str, callback: OnBeat) -> Subscription:
        def on_raw(_: bytes, payload: bytes) -> None:
            callback(payload)

        async def on_message(message: Msg) -> None:
            callback(message.data)

        return await self._subscribe(self._names.beat(task), on_raw, on_message)

    async def _subscribe(
        self, subject: str, on_raw: OnRaw, on_message: Callable[[Msg], Awaitable[None]]
    ) -> Subscription:
        with mapped(f"subscribe to {subject}"):
            if isinstance(self._client, DirectClient):
                return _NatsSubscription(await self._client.subscribe_direct(subject, on_raw))
            return _NatsSubscription(await self._client.subscribe(subject, cb=on_message))

    async def beat(self, task: str, payload: bytes) -> None:
        with mapped(f"beat of {task}"):
            await self._client.publish(self._names.beat(task), payload)


def incarnation_of(created: datetime | None) -> str:
    """The incarnation of a stream created at that time."""
    if created is None:
        raise UnavailableError("the server does not say when the stream was created")
    return base36(int(created.timestamp() * 1_000_000))


def _live(message: Msg, event: str) -> Live:
    headers = message.headers or {}
    if headers.get("Nats-Subject") != event:  # not stored there
        return Live(0, 0, message.data)
    try:
        seq, prev = int(headers.get("Nats-Sequence", 0)), int(headers.get("Nats-Last-Sequence", 0))
    except ValueError:
        seq = prev = 0
    return Live(max(seq, 0), prev, message.data)


def _leader_reply(reply: Msg, task: str) -> Stored | None:
    answer = msgspec.json.decode(reply.data)
    if "error" in answer:
        if answer["error"].get("err_code") == NO_MESSAGE:
            return None
        raise from_answer(answer["error"], f"last event of {task}")
    message = answer["message"]
    headers = _headers(base64.b64decode(message.get("hdrs", "")))
    payload = base64.b64decode(message.get("data", ""))
    ownership = Ownership.of_headers(headers)
    producer = Producer.of_headers(headers)
    return Stored(message["seq"], payload, headers.get("Nats-Msg-Id", ""), task, ownership, size_of(headers), producer)


def _headers_of(ownership: Ownership, size: int, producer: Producer | None) -> dict[str, str]:
    counted = {SIZE_HEADER: str(size)} if size else {}
    return ownership.headers | counted | (producer.headers if producer else {})


def _headers(raw: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in raw.decode("ascii", "replace").split("\r\n"))
    return {name: value.strip() for name, _, value in pairs}
