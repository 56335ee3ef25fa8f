"""Whether and when a call is sent again. No I/O."""

from __future__ import annotations

import httpx

from headway.client.answer import reason, refusal
from headway.client.backoff import Backoff, is_fatal, retry_after
from headway.errors import ClientError
from headway.values.redaction import redact

START_ONE = "Start one with `headway dev`, or give the client the URL of another."


class Tries:
    """The tries of one call to the streamer at `shown_url`. Its methods return the seconds until the next one."""

    def __init__(self, most: int, shown_url: str) -> None:
        self._left = most
        self._shown_url = shown_url
        self._backoff = Backoff()

    def failed(self, error: httpx.RequestError) -> float:
        """After a request without an answer. Raises ClientError if there is no further try."""
        self._left -= 1
        if not isinstance(error, httpx.TransportError):
            raise ClientError(f"{self._shown_url}: {redact(reason(error))}") from error
        if self._left <= 0:
            raise ClientError(f"cannot reach {self._shown_url}: {redact(reason(error))}", hint=START_ONE) from error
        return self._backoff.next()

    def refused(self, response: httpx.Response) -> float:
        """After an error response. Raises ClientError if there is no further try."""
        self._left -= 1
        if self._left <= 0 or is_fatal(response.status_code):
            raise refusal(response)
        return self._backoff.next(retry_after(response.headers.get("retry-after", "")))
