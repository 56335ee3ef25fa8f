"""What is stored of an exception that a handler raised: whose words count, and whether another attempt can help.

Groups are looked into at any depth, and so is the explicit cause of an error: `raise … from error`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from headway.errors import TaskCancelledError, TaskError
from headway.events import ErrorInfo
from headway.retry_delay import asked
from headway_processor.attempts.backtrace import backtrace

MAX_TEXT = 4000
MAX_LEAVES = 5
"""This many errors of a group are given in words; the rest is counted."""
MAX_CAUSES = 10

_CANCELLED = (TaskCancelledError, GeneratorExit)
_LASTING = (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)
"""Errors of the operating system that do not pass by themselves."""
_PASSING = frozenset(
    (
        *("TimeoutException", "ConnectTimeout", "ReadTimeout", "ServerTimeoutError", "TimeoutError", "Timeout"),
        *("TransportError", "ConnectionError", "ClientConnectionError", "APIConnectionError", "NetworkError"),
        *("OperationalError", "InterfaceError", "ServiceUnavailable", "UnavailableError", "RateLimitError"),
    )
)
"""Classes of third-party libraries for connections and timeouts, by name: httpx, aiohttp, redis, psycopg and others."""


class Failure(NamedTuple):
    """What is stored of a failed attempt, and when the next one should begin if there is one."""

    error: ErrorInfo
    retry_in: float | None = None


def failure(error: BaseException, *, traceback: bool = False) -> Failure:
    """The failure that `error` means; with its traceback if that is wanted.

    A group fails with the words of its leaves and is final when one leaf is. An error raised from a TaskError takes
    over whether that may be retried and when, and its words; a TaskError speaks for itself, whatever caused it.
    """
    leaves = _leaves(error)
    told = [_Told.of(leaf) for leaf in leaves]
    spokesman = next((one for one in told if not one.retryable), told[0])
    pauses = [one.retry_in for one in told if one.retry_in is not None]
    info = ErrorInfo(
        spokesman.type,
        told[0].message if len(told) == 1 else _joined(told),
        spokesman.retryable,
        transient=all(one.transient for one in told),
        traceback=backtrace(error) if traceback else "",
    )
    return Failure(info, max(pauses, default=None))


def describe(error: BaseException) -> ErrorInfo:
    """What is stored of an exception, without its traceback."""
    return failure(error).error


class _Told(NamedTuple):
    """A leaf in words."""

    type: str
    message: str
    retryable: bool
    transient: bool
    retry_in: float | None

    @classmethod
    def of(cls, error: BaseException) -> _Told:
        if isinstance(error, TaskError):
            retryable = bool(error.retryable)
            return cls(_clean(error.type, 200), _clean(error.message), retryable, retryable, asked(error.retry_in))
        name = type(error).__name__
        message = _text(error) or name
        if (cause := _cause(error)) is None:
            return cls(_clean(name, 200), _clean(message), True, _passes(error), None)
        return cls(
            _clean(name, 200), _clean(f"{message}: {cause.message}"), cause.retryable, cause.transient, cause.retry_in
        )


def _leaves(error: BaseException) -> list[BaseException]:
    """The errors in a group of groups, in order; without those that say only that the others had to stop."""
    found = list(_flat(error))
    telling = [leaf for leaf in found if not _is_cancellation(leaf)]
    return telling or found


def _flat(error: BaseException) -> Iterator[BaseException]:
    waiting = [error]
    while waiting:  # not by recursion: groups may be nested deeper than Python's stack
        one = waiting.pop()
        if isinstance(one, BaseExceptionGroup):
            waiting += reversed(one.exceptions)
        else:
            yield one


def _is_cancellation(error: BaseException) -> bool:
    return isinstance(error, _CANCELLED) or type(error).__name__ == "CancelledError"


def _cause(error: BaseException) -> _Told | None:
    """The TaskError that caused `error`, if its author says so by `from`; of a group of causes, what its leaves say."""
    seen = error
    for _ in range(MAX_CAUSES):
        cause = seen.__cause__
        if cause is None:
            return None
        told = [_Told.of(leaf) for leaf in _leaves(cause) if isinstance(leaf, TaskError)]
        if told:
            return next((one for one in told if not one.retryable), told[0])
        seen = cause
    return None


def _passes(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return not isinstance(error, _LASTING)
    return any(kind.__name__ in _PASSING for kind in type(error).__mro__)


def _joined(told: list[_Told]) -> str:
    counts: dict[str, int] = {}
    for one in told:
        text = one.message if one.message == one.type else f"{one.type}: {one.message}"
        counts[text] = counts.get(text, 0) + 1
    texts = [f"{text} ({count} times)" if count > 1 else text for text, count in counts.items()]
    share = MAX_TEXT // MAX_LEAVES - 20
    shown = [_clean(text, share) for text in texts[:MAX_LEAVES]]
    if len(texts) > MAX_LEAVES:
        shown.append(f"and {len(texts) - MAX_LEAVES} more")
    return _clean(f"{len(told)} errors: " + "; ".join(shown)) if len(told) > 1 else shown[0]


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a third-party exception may not even be printable
        return ""


def _clean(value: object, limit: int = MAX_TEXT) -> str:
    text = str(value).encode("utf-8", "replace").decode()
    return text if len(text) <= limit else text[: limit - 1] + "…"
