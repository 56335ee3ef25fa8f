"""A NATS client that hands live messages over where they are read: no task and no queue per subscription.

nats-py parses the headers of every message and passes it through a queue to a task of its subscription: 17 µs a
message with
the headers of republish, and messages of different subscriptions lose their order. A handler that only notes bytes and
returns can be called from the read loop itself: 5 µs, in the order of the stream.

This leans on internals of nats-py 2.11 to 2.16 (`_process_msg`, `_ps`, `Subscription._id`);
`tests/unit/test_dispatch.py` pins them, and `HEADWAY_NATS_DIRECT_DISPATCH=false` does without.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.protocol.parser import AWAITING_CONTROL_LINE, Parser

from headway.lasting import LastingClient

OnRaw = Callable[[bytes, bytes], None]
"""Called with the raw headers (empty for none) and the payload. It must return at once."""

logger = logging.getLogger(__name__)


class DirectClient(LastingClient):
    """nats-py's client with `subscribe_direct` beside `subscribe`."""

    def __init__(self) -> None:
        super().__init__()
        self._direct: dict[int, OnRaw] = {}
        self._ps = DirectParser(self, self._direct)

    async def subscribe_direct(self, subject: str, call: OnRaw) -> DirectSubscription:
        """Call `call` for each message on `subject`, in the read loop. Subscriptions outlive reconnections."""
        subscription = await self.subscribe(subject)
        self._direct[subscription._id] = call
        return DirectSubscription(self, subscription)

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        call = self._direct.get(sid)
        if call is None:
            await super()._process_msg(sid, subject, reply, data, headers)
        else:
            _hand_over(call, headers or b"", data)


class DirectParser(Parser):
    """nats-py's parser, which leaves whole messages of direct subscriptions to a loop without regular expressions.

    Whatever is anything else, or not whole, is parsed by nats-py from where it begins.
    """

    def __init__(self, client: Client, direct: dict[int, OnRaw]) -> None:
        super().__init__(client)
        self._direct = direct

    async def parse(self, data: bytes = b"") -> None:
        """Take what was read from the connection."""
        if self.state == AWAITING_CONTROL_LINE:
            if self.buf:
                data = bytes(self.buf) + data
                self.buf.clear()
            data = self._take(data)
            if not data:
                return
        await super().parse(data)

    def _take(self, data: bytes) -> bytes:
        """Hand over the messages at the beginning of `data`. Returns what is left for nats-py."""
        start, size, direct = 0, len(data), self._direct
        while data.startswith(b"HMSG ", start):
            line = data.find(b"\r\n", start)
            if line < 0:
                break
            words = data[start + 5 : line].split()
            call = direct.get(int(words[1])) if len(words) == 4 else None
            if call is None:
                break
            headers = line + 2
            end = headers + int(words[3])
            if end + 2 > size:
                # Kept from its beginning: nats-py would go on with all that comes in the next read.
                self.buf.extend(data[start:])
                return b""
            body = headers + int(words[2])
            _hand_over(call, data[headers:body], data[body:end])
            start = end + 2
        return data[start:] if start else data


def _hand_over(call: OnRaw, headers: bytes, data: bytes) -> None:
    try:
        call(headers, data)
    except Exception:  # it would end the read loop, and with it the connection, for good
        logger.exception("a live message could not be taken", extra={"action": "dispatch_failed"})


class DirectSubscription:
    """Made by `subscribe_direct`."""

    def __init__(self, client: DirectClient, subscription: Subscription) -> None:
        self._client = client
        self._subscription = subscription

    async def unsubscribe(self) -> None:
        """No call begins after this. Raises what nats-py raises when the connection is closed."""
        self._client._direct.pop(self._subscription._id, None)
        await self._subscription.unsubscribe()


def sequence_in(headers: bytes, name: bytes) -> int:
    """The number that the server put under `name` (with the line end before it and the colon) into raw headers.

    The writer's own headers are kept and come first, so the last occurrence is the server's. 0 if there is none, or no
    positive number.

    >>> sequence_in(b"NATS/1.0\\r\\nNats-Sequence: 666\\r\\nNats-Sequence: 7\\r\\n\\r\\n", b"\\nNats-Sequence:")
    7
    """
    start = headers.rfind(name)
    if start < 0:
        return 0
    start += len(name)
    digits = headers[start : headers.find(b"\r", start)].strip()
    return int(digits) if digits.isdigit() else 0
