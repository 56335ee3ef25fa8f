"""What is stored of an exception that a handler raised: type and message, and whether another attempt can help.

Exception groups are searched at any depth, and so is the explicit cause of an error: `raise … from error`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from headway.backtrace import backtrace
from headway.errors import TaskCancelledError, TaskError
from headway.events import ErrorInfo
from headway.retry_delay import asked

MAX_TEXT = 4000
MAX_LEAVES = 5
"""Errors of a group whose messages are stored; the others are counted."""
MAX_CAUSES = 10

_CANCELLED = (TaskCancelledError, GeneratorExit)
_PERMANENT = (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)
"""Errors of the operating system that are not transient."""
_TRANSIENT = frozenset(
    (
        *("TimeoutException", "ConnectTimeout", "ReadTimeout", "ServerTimeoutError", "TimeoutError", "Timeout"),
        *("TransportError", "ConnectionError", "ClientConnectionError", "APIConnectionError", "NetworkError"),
        *("OperationalError", "InterfaceError", "ServiceUnavailable", "UnavailableError", "RateLimitError"),
    )
)
"""Names of the classes of httpx, aiohttp, redis, psycopg and others for connections and timeouts."""


class Failure(NamedTuple):
    """What is stored of a failed attempt, and the delay before the next one in seconds, if the error asks for one."""

    error: ErrorInfo
    retry_in: float | None = None


def failure(error: BaseException, *, traceback: bool = False) -> Failure:
    """Describe the failure of a handler that raised `error`.

    A group has the messages of its leaves and is final when one of them is. An error raised from a TaskError takes over
    its message, whether it may be retried, and when. A TaskError stands for itself, whatever caused it.

    Args:
        traceback: whether the traceback is stored.
    """
    leaves = _leaves(error)
    described = [_Leaf.of(leaf) for leaf in leaves]
    chosen = next((one for one in described if not one.retryable), described[0])
    delays = [one.retry_in for one in described if one.retry_in is not None]
    info = ErrorInfo(
        chosen.type,
        described[0].message if len(described) == 1 else _joined(described),
        chosen.retryable,
        transient=all(one.transient for one in described),
        traceback=backtrace(error) if traceback else "",
    )
    return Failure(info, max(delays, default=None))


def describe(error: BaseException) -> ErrorInfo:
    """Return what is stored of an exception, without its traceback."""
    return failure(error).error


class _Leaf(NamedTuple):
    """What is stored of one exception of a group, or of the only one."""

    type: str
    message: str
    retryable: bool
    transient: bool
    retry_in: float | None

    @classmethod
    def of(cls, error: BaseException) -> _Leaf:
        if isinstance(error, TaskError):
            retryable = bool(error.retryable)
            return cls(_clean(error.type, 200), _clean(error.message), retryable, retryable, asked(error.retry_in))
        name = type(error).__name__
        message = _text(error) or name
        if (cause := _cause(error)) is None:
            return cls(_clean(name, 200), _clean(message), True, _is_transient(error), None)
        return cls(
            _clean(name, 200), _clean(f"{message}: {cause.message}"), cause.retryable, cause.transient, cause.retry_in
        )


def _leaves(error: BaseException) -> list[BaseException]:
    """Return the errors in nested groups, in order, without the cancellations that another error caused."""
    found = list(_flat(error))
    causes = [leaf for leaf in found if not _is_cancellation(leaf)]
    return causes or found


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


def _cause(error: BaseException) -> _Leaf | None:
    """Return the TaskError that is the explicit cause of `error`; of a group, the first final leaf or the first."""
    current = error
    for _ in range(MAX_CAUSES):
        cause = current.__cause__
        if cause is None:
            return None
        described = [_Leaf.of(leaf) for leaf in _leaves(cause) if isinstance(leaf, TaskError)]
        if described:
            return next((one for one in described if not one.retryable), described[0])
        current = cause
    return None


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return not isinstance(error, _PERMANENT)
    return any(kind.__name__ in _TRANSIENT for kind in type(error).__mro__)


def _joined(described: list[_Leaf]) -> str:
    counts: dict[str, int] = {}
    for one in described:
        text = one.message if one.message == one.type else f"{one.type}: {one.message}"
        counts[text] = counts.get(text, 0) + 1
    texts = [f"{text} ({count} times)" if count > 1 else text for text, count in counts.items()]
    share = MAX_TEXT // MAX_LEAVES - 20
    shown = [_clean(text, share) for text in texts[:MAX_LEAVES]]
    if len(texts) > MAX_LEAVES:
        shown.append(f"and {len(texts) - MAX_LEAVES} more")
    return _clean(f"{len(described)} errors: " + "; ".join(shown)) if len(described) > 1 else shown[0]


def _text(error: BaseException) -> str:
    if isinstance(error, SystemExit) and not isinstance(error.code, str):
        return f"sys.exit({error.code}) was called"
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a third-party exception may not even be printable
        return ""


def _clean(value: object, limit: int = MAX_TEXT) -> str:
    text = str(value).encode("utf-8", "replace").decode()
    return text if len(text) <= limit else text[: limit - 1] + "…"
