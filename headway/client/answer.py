"""What a streamer answered, checked; and the exception for a refusal. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from headway.client.backoff import retry_after
from headway.errors import ClientError
from headway.values.redaction import redact_url

STREAMER = "is that a streamer?"


class Answer:
    """A successful answer. All methods raise ClientError for one that no streamer gives."""

    def __init__(self, response: httpx.Response, decode: Callable[[bytes], Any] = msgspec.json.decode) -> None:
        self.content = response.content
        self._response = response
        self._decode = decode

    def json(self) -> Any:
        """Its body."""
        try:
            return self._decode(self.content)
        except (msgspec.DecodeError, RecursionError) as error:
            raise self.strange(f"did not answer JSON: {error}") from error

    def checked_content(self) -> bytes:
        """The bytes of its body, which are JSON."""
        self.json()
        return self.content

    def object(self) -> dict[str, Any]:
        """Its body, an object."""
        value = self.json()
        if isinstance(value, dict):
            return value
        raise self.strange(f"did not answer an object: {STREAMER}")

    def items(self, name: str) -> list[dict[str, Any]]:
        """The objects of the list that its body holds as `name`."""
        value = self.object().get(name)
        if isinstance(value, list):
            return [item for item in value if isinstance(item, dict)]
        raise self.strange(f"did not answer {name}: {STREAMER}")

    def text(self, name: str) -> str:
        """The text that its body holds as `name`."""
        value = self.object().get(name)
        if isinstance(value, str):
            return value
        raise self.strange(f"did not answer {name}: {STREAMER}")

    def strange(self, what: str) -> ClientError:
        """The exception for an answer that no streamer gives."""
        return ClientError(f"{shown(self._response)} {what}", status=self._response.status_code)


def shown(response: httpx.Response) -> str:
    """The URL of a response, without secrets."""
    return redact_url(str(response.url))


def reason(error: Exception) -> str:
    """The message of an error, or its type."""
    return str(error) or type(error).__name__


def refusal(response: httpx.Response) -> ClientError:
    """The exception for an error response whose body was read."""
    try:
        problem = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        problem = {}
    # With several faults, `detail` may repeat one of them; `errors` has them all.
    names = ("title", "detail") if problem.get("errors") else ("detail", "title")
    said = next((problem[name] for name in names if problem.get(name)), response.reason_phrase)
    return ClientError(
        f"{said} (HTTP {response.status_code})",
        status=response.status_code,
        problem=problem,
        hint=_hint(response),
        retry_after=retry_after(response.headers.get("retry-after", "")),
    )


def _hint(response: httpx.Response) -> str:
    if response.status_code == 401 and "Authorization" in response.request.headers:
        return (
            "The token has expired, was revoked or is not for this streamer: `token=` takes a function that renews it."
        )
    if response.status_code == 401:
        return "Pass `token=`: a token, or a function that returns the current one."
    if response.status_code in (429, 503):
        return "Nothing was changed: try again later."
    return ""
