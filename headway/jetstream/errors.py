"""Map the errors of nats-py to those of Headway. JetStream's error codes are known here alone.

The server refuses for reasons that are temporary (no leader), that last until there is space (the store is full) and
that are permanent (too many bytes). All of them arrive as API errors, most of them with status 503.
https://github.com/nats-io/nats-server/blob/main/server/errors.json
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import nats.errors
import nats.js.errors

from headway.errors import (
    AlreadyStoredError,
    ContractError,
    LogError,
    StoreFullError,
    TooLargeError,
    UnavailableError,
)

T = TypeVar("T")

NO_MESSAGE = 10037
_WRONG_LAST_SEQUENCE = frozenset((10071, 10164))
"""A stale writer; the second while another write is in flight."""
_TOO_LARGE = 10054
_STORE_FAILED = 10077
"""The stream did not store the message; the description says why."""
_NO_SPACE = frozenset((10002, 10005, 10023, 10028, 10047))
"""Over a limit of the account, of all suitable servers, of this server; no memory or storage left to reserve."""
_EXISTS = "maximum messages per subject exceeded"
_STREAM_FULL = frozenset(("maximum bytes exceeded", "maximum messages exceeded"))


@contextmanager
def mapped(doing: str) -> Iterator[None]:
    """Raise the error of Headway for one of nats-py: UnavailableError if temporary. `doing` says what was tried."""
    try:
        yield
    except (nats.errors.Error, TimeoutError) as error:
        raise translate(error, doing) from error


async def found(answer: Awaitable[T]) -> T | None:
    """The answer, or None when the stream, consumer, key or object that was asked for does not exist."""
    try:
        return await answer
    except nats.js.errors.NotFoundError:
        return None


def best_effort() -> suppress:
    """Suppress the errors of a message that may get lost, such as the answer to a delivery."""
    return suppress(nats.errors.Error, TimeoutError)


def translate(error: Exception, doing: str) -> LogError | ContractError:
    """The error of Headway for one of nats-py; `doing` says what was tried."""
    if isinstance(error, nats.errors.MaxPayloadError):
        return TooLargeError(doing)
    if isinstance(error, nats.js.errors.APIError):
        return from_answer({"err_code": error.err_code, "description": error.description, "code": error.code}, doing)
    return UnavailableError(f"{doing}: {error!r}")


def is_conflict(error: Exception) -> bool:
    """Whether the subject did not end at the sequence that the writer expected."""
    return isinstance(error, nats.js.errors.APIError) and error.err_code in _WRONG_LAST_SEQUENCE


def from_answer(error: Mapping[str, Any], doing: str) -> LogError | ContractError:
    """The error of Headway for the `error` of an answer of the JetStream API."""
    code, description = error.get("err_code"), str(error.get("description") or "")
    reason = f"{doing}: {description or error.get('code')} ({code})"
    if code in _NO_SPACE:
        return StoreFullError("the JetStream store", reason)
    if code == _STORE_FAILED and description in _STREAM_FULL:
        return StoreFullError("the stream", reason)
    if code == _STORE_FAILED and description == _EXISTS:
        return AlreadyStoredError(reason)
    if code == _TOO_LARGE:
        return TooLargeError(doing)
    return UnavailableError(reason)
