"""A NATS client that dispatches live messages in its read loop: no task and no queue per subscription.

nats-py parses the headers of every message and passes it through a queue to a task of its subscription: 17 µs a
message with the headers of republish, and messages of different subscriptions lose their order. A handler that only
notes bytes and returns can be called from the read loop itself: 5 µs, in the order of the stream.

This relies on private APIs of nats-py 2.11 to 2.16 (`_process_msg`, `_ps`, `Subscription._id`);
`tests/unit/jetstream/test_inline_dispatch.py` pins them, and `HEADWAY_NATS_DIRECT_DISPATCH=false` switches it off.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.protocol.parser import AWAITING_CONTROL_LINE, Parser

from headway.jetstream.read_batching import ReadBatcher
from headway.jetstream.reconnecting_client import ReconnectingClient

OnRaw = Callable[[bytes, bytes], None]
"""Called with the raw headers (empty for none) and the payload. It must return at once."""

SEQUENCE = b"\nNats-Sequence:"
LAST_SEQUENCE = b"\nNats-Last-Sequence:"

logger = logging.getLogger(__name__)


class DirectClient(ReconnectingClient):
    """nats-py's client with `subscribe_direct` beside `subscribe`."""

    def __init__(self, *, pause_ms: float = 0.0) -> None:
        super().__init__()
        self._direct: dict[bytes, OnRaw] = {}
        self._ps = DirectParser(self, self._direct, ReadBatcher(self._reading, pause_ms))

    async def subscribe_direct(self, subject: str, call: OnRaw) -> DirectSubscription:
        """Call `call` for each message on `subject`, in the read loop. Subscriptions survive reconnections."""
        subscription = await self.subscribe(subject)
        self._direct[b"%d" % subscription._id] = call
        return DirectSubscription(self, subscription)

    def _reading(self) -> asyncio.ReadTransport | None:
        # Over WebSocket there is none.
        writer = getattr(self._transport, "_io_writer", None)
        return None if writer is None else writer.transport

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        call = self._direct.get(b"%d" % sid)
        if call is None:
            await super()._process_msg(sid, subject, reply, data, headers)
        else:
            _hand_over(call, headers or b"", data)


class DirectParser(Parser):
    """nats-py's parser, with a loop without regular expressions for whole messages of direct subscriptions.

    Everything else, and a message that is not whole, is parsed by nats-py from its beginning.
    """

    def __init__(self, client: Client, direct: dict[bytes, OnRaw], batcher: ReadBatcher) -> None:
        super().__init__(client)
        self._direct = direct
        self._batcher = batcher

    async def parse(self, data: bytes = b"") -> None:
        """Take what was read from the connection."""
        if self.state == AWAITING_CONTROL_LINE:
            if self.buf:
                data = bytes(self.buf) + data
                self.buf.clear()
            left = self._take(data)
            if left is not data:
                self._batcher.after_read(len(data))
            data = left
            if not data:
                return
        await super().parse(data)

    def _take(self, data: bytes) -> bytes:
        """Dispatch the messages at the beginning of `data`. Return what is left for nats-py."""
        start, size, direct, find = 0, len(data), self._direct, data.find
        while data.startswith(b"HMSG ", start):
            line = find(b"\r\n", start)
            if line < 0:
                break
            words = data[start:line].split()
            call = direct.get(words[2]) if len(words) == 5 else None
            if call is None:
                break
            headers = line + 2
            end = headers + int(words[4])
            if end + 2 > size:
                # Kept from its beginning: nats-py would parse all of the next read itself.
                self.buf.extend(data[start:])
                return b""
            body = headers + int(words[3])
            _hand_over(call, data[headers:body], data[body:end])
            start = end + 2
        return data[start:] if start else data


def _hand_over(call: OnRaw, headers: bytes, data: bytes) -> None:
    try:
        call(headers, data)
    except Exception:  # it would end the read loop, and with it the connection, permanently
        logger.exception("the handler of a live message has failed", extra={"action": "dispatch_failed"})


class DirectSubscription:
    """Made by `subscribe_direct`."""

    def __init__(self, client: DirectClient, subscription: Subscription) -> None:
        self._client = client
        self._subscription = subscription

    async def unsubscribe(self) -> None:
        """No call begins after this. Raises what nats-py raises when the connection is closed."""
        self._client._direct.pop(b"%d" % self._subscription._id, None)
        await self._subscription.unsubscribe()


def stored_as(subject: str) -> bytes:
    """What precedes the sequence in the headers of a message that is stored as `subject`: see `positions`."""
    return f"\nNats-Subject: {subject}\r".encode()


def positions(headers: bytes, subject: bytes) -> tuple[int, int]:
    """The sequence of a republished message and that of the one before it on its subject, from raw headers.

    The writer's own headers are kept and come first, so the last occurrence is the server's. (0, 0) when the server has
    added none, or names another subject than `subject`, made by `stored_as`: the message was not stored there.

    >>> headers = b"NATS/1.0\\r\\nNats-Subject: a\\r\\nNats-Sequence: 7\\r\\nNats-Last-Sequence: 5\\r\\n\\r\\n"
    >>> positions(headers, stored_as("a")), positions(headers, stored_as("b"))
    ((7, 5), (0, 0))
    """
    head, _, rest = headers.rpartition(SEQUENCE)
    if not head.endswith(subject):
        return 0, 0
    prev = headers.rpartition(LAST_SEQUENCE)[2].partition(b"\r")[0]
    try:
        return int(rest.partition(b"\r")[0]), int(prev)
    except ValueError:  # a header that is missing leaves text in place of a number
        return 0, 0
