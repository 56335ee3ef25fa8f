"""What to do with a job, by what its log says; and what an attempt's end means. No I/O."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from headway.chain import Head
from headway.errors import (
    CancelRequestedError,
    EndedError,
    LogError,
    OutputOverflowError,
    SupersededError,
    TaskError,
)
from headway.events import Cancel, ErrorInfo, Event, Progress, is_terminal
from headway_processor.errors import ShutdownError, TimedOutError

MAX_RETRY_DELAY_SECONDS = 60.0
MAX_TEXT = 4000


# Before an attempt


class Start(NamedTuple):
    """Begin this attempt; `failed` attempts failed or vanished before it."""

    attempt: int
    failed: int


class AlreadyEnded(NamedTuple):
    """The task has its terminal event: the job is only left over."""

    status: str


class CancelPending(NamedTuple):
    """Somebody asked for the end, and nobody has answered yet."""

    reason: str


class GiveUp(NamedTuple):
    """End the task with this error."""

    error: ErrorInfo
    failed: int


Decision: TypeAlias = Start | AlreadyEnded | CancelPending | GiveUp


def decide(head: Head, latest: Progress | None, *, retries: int, crashes: int) -> Decision:
    """What to do with a job that was delivered.

    Args:
        head: the end of the task's log.
        latest: the last progress in it; None when there is none, or when it was trimmed.
        retries: how many failed attempts of this kind are tried again.
        crashes: how many attempts may vanish, if `retries` are fewer.
    """
    if head.event is not None and is_terminal(head.event):
        return AlreadyEnded(getattr(head.event, "status", ""))
    if isinstance(head.event, Cancel):
        return CancelPending(head.event.reason)
    failed = max(head.attempt - 1, 0) if latest is None else latest.failed
    if head.attempt == 0 or (latest is not None and latest.status != "processing"):
        return Start(head.attempt + 1, failed)
    # The job is here again although its attempt has not said how it ended: it vanished with its processor.
    failed += 1
    if failed > max(retries, crashes):
        return GiveUp(ErrorInfo("Lost", f"given up: {failed} attempts failed or vanished", retryable=True), failed)
    return Start(head.attempt + 1, failed)


# While it runs


def reason_to_stop(event: Event, attempt: int) -> LogError | None:
    """Why attempt `attempt` should stop when it sees `event` in its log, or None to go on."""
    if event.attempt > attempt:
        return SupersededError(event.task, attempt, event.attempt)
    if isinstance(event, Cancel):
        return CancelRequestedError(event.task, event.reason)
    if isinstance(event, Progress) and event.terminal:
        return EndedError(event.task, event.status)
    return None


# At its end


class Returned(NamedTuple):
    """The handler returned."""

    value: Any


class Raised(NamedTuple):
    """The handler raised."""

    error: BaseException


Ending: TypeAlias = Returned | Raised


class Complete(NamedTuple):
    """The task is done; `value` is its result."""

    value: Any


class Fail(NamedTuple):
    """The task has failed for good."""

    error: ErrorInfo


class Retry(NamedTuple):
    """The attempt has failed, and another one follows after `delay_seconds`."""

    error: ErrorInfo
    delay_seconds: float


class Cancelled(NamedTuple):
    """The task ends because somebody asked for it."""

    reason: str


class HandBack(NamedTuple):
    """Another processor takes the job at once."""


class Abandon(NamedTuple):
    """The task is not ours any more: write nothing."""

    reason: SupersededError | EndedError


Conclusion: TypeAlias = Complete | Fail | Retry | Cancelled | HandBack | Abandon


class Policy(NamedTuple):
    """How failures of one attempt are answered."""

    failed: int
    """Attempts that failed or vanished before this one."""
    retries: int
    retry_delay_seconds: float

    def answer(self, error: ErrorInfo) -> Retry | Fail:
        """Another attempt if the error and the number of failures allow it."""
        if not error.retryable or self.failed + 1 > self.retries:
            return Fail(error)
        # The exponent is bounded too: a float has no 2**2000.
        delay = self.retry_delay_seconds * 2.0 ** min(self.failed, 16)
        return Retry(error, min(delay, MAX_RETRY_DELAY_SECONDS))


def conclude(stopped: LogError | None, ending: Ending | None, policy: Policy) -> Conclusion:
    """What the end of an attempt means.

    Why it was stopped counts for more than what the handler made of that: one that notices and returns early has no
    result. `ending` is None for a handler that did not stop when told.
    """
    match stopped:
        case SupersededError() | EndedError():
            return Abandon(stopped)
        case CancelRequestedError():
            return Cancelled(stopped.reason)
        case ShutdownError():
            return HandBack()
        case TimedOutError():
            return policy.answer(ErrorInfo("Timeout", f"took longer than {stopped.timeout_seconds:g} s", True))
        case OutputOverflowError():
            return Fail(ErrorInfo("OutputOverflow", str(stopped)))
        case _:
            return _end_of_handler(ending, policy)


def _end_of_handler(ending: Ending | None, policy: Policy) -> Conclusion:
    if isinstance(ending, Returned):
        return Complete(ending.value)
    return policy.answer(describe(ending.error if ending else RuntimeError("the handler did not end")))


def describe(error: BaseException) -> ErrorInfo:
    """What is told of an exception: a TaskError speaks for itself, any other by its class and text."""
    if isinstance(error, TaskError):
        return ErrorInfo(_clean(error.type, 200), _clean(error.message), bool(error.retryable))
    name = type(error).__name__
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - an exception of foreign make may not even be printable
        text = ""
    return ErrorInfo(name, _clean(text) or name, retryable=True)


def _clean(value: object, limit: int = MAX_TEXT) -> str:
    text = str(value).encode("utf-8", "replace").decode()
    return text if len(text) <= limit else text[: limit - 1] + "…"
