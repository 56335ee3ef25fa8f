"""The free file storage of a NATS server, as far as a client outside of its system account can find out."""

from __future__ import annotations

import math

import nats.js.errors
from nats.js import JetStreamContext
from nats.js.api import StorageType, StreamConfig

from headway.errors import UnavailableError
from headway.jetstream.errors import mapped
from headway.subjects import Names

MOST_BYTES = 1 << 60
NO_STORAGE, OVERLAP = 10047, 10065


async def free_bytes(js: JetStreamContext, names: Names) -> int:
    """The bytes of file storage that can be reserved, to 1 %; 0 when the server does not reveal them, as in a cluster.

    The limit of the account says it where there is one. No request returns the space of the server. But a server
    refuses to create a stream that it cannot reserve the space for, before it refuses one whose subject belongs to
    another stream, here that of events: so the search creates no stream. Raises UnavailableError, also when the stream
    of events is missing.
    """
    with mapped("ask for the limits of the account"):
        account = await js.account_info()
    limit = account.limits.max_storage or 0
    if limit > 0:
        return max(limit - account.storage, 0)
    if await _fits(js, names, MOST_BYTES):
        return 0
    low, high = 1, MOST_BYTES
    while high - low > max(low // 100, 1):
        middle = max(math.isqrt(low * high), low + 1)
        if await _fits(js, names, middle):
            low = middle
        else:
            high = middle
    return low


async def _fits(js: JetStreamContext, names: Names, size_bytes: int) -> bool:
    name, taken = names.probe_stream, names.event("probe")
    with mapped("ask for the size of the store"):
        try:
            await js.add_stream(
                StreamConfig(name=name, subjects=[taken], storage=StorageType.FILE, max_bytes=size_bytes)
            )
        except nats.js.errors.APIError as error:
            if error.err_code in (NO_STORAGE, OVERLAP):
                return error.err_code == OVERLAP
            raise
        await js.delete_stream(name)  # the subject belongs to the stream of events
    raise UnavailableError(f"stream {names.events_stream} is missing")
