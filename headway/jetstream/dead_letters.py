"""The stream of dead letters, as streamers read it."""

from __future__ import annotations

import msgspec
from nats.aio.client import Client

from headway.jetstream.direct_get import DirectGet
from headway.jetstream.errors import NO_MESSAGE, from_answer, mapped
from headway.jetstream.stored import Stored
from headway.subjects import Names

TIMEOUT_SECONDS = 2.0
PAGE = 100
MAX_PAGE_BYTES = 1024 * 1024


class DeadLetterStream:
    """Reads the dead letters and removes single ones. Methods raise UnavailableError."""

    def __init__(self, client: Client, names: Names) -> None:
        self._client = client
        self._direct = DirectGet(client, names.dead_stream, timeout_seconds=TIMEOUT_SECONDS)
        self._names = names

    async def page(self, kind: str, start: int) -> list[Stored]:
        """Dead letters of a kind (all kinds if empty) from sequence `start` on, the oldest first. Without any there
        are no more.
        """
        subject = self._names.dead_of(kind) if kind else self._names.all_dead
        request = {"next_by_subj": subject, "seq": max(start, 1), "batch": PAGE, "max_bytes": MAX_PAGE_BYTES}
        found, _ = await self._direct.get(request)
        return found

    async def get(self, seq: int) -> Stored | None:
        """The dead letter at a sequence, if there is one."""
        found, _ = await self._direct.get({"next_by_subj": self._names.all_dead, "seq": seq, "batch": 1})
        return found[0] if found and found[0].seq == seq else None

    async def remove(self, seq: int) -> None:
        """Remove the dead letter at a sequence. May be repeated."""
        doing = f"remove dead letter {seq}"
        with mapped(doing):
            subject = f"$JS.API.STREAM.MSG.DELETE.{self._names.dead_stream}"
            payload = msgspec.json.encode({"seq": seq, "no_erase": True})
            reply = await self._client.request(subject, payload, timeout=TIMEOUT_SECONDS)
        error = msgspec.json.decode(reply.data, type=_Answer).error
        if error is not None and error.get("err_code") not in _GONE:
            raise from_answer(error, doing)


class _Answer(msgspec.Struct):
    error: dict[str, object] | None = None


_GONE = frozenset((NO_MESSAGE, 10043, 10057))
"""No such message."""
