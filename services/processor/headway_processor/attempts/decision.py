"""What to do with a job, by what its log says; and what an attempt's end means. No I/O."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from headway.errors import (
    CancelRequestedError,
    EndedError,
    LogError,
    OutputOverflowError,
    SupersededError,
)
from headway.eventlog.chain import Head
from headway.events import Cancel, ErrorInfo, Event, Progress, is_terminal
from headway.retry_delay import RetryDelay
from headway.values.results import Encoded
from headway_processor.attempts.backtrace import backtrace
from headway_processor.attempts.errors import ShutdownError, TimedOutError
from headway_processor.attempts.failure import Failure, failure

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
        message = f"given up: {failed} attempts failed or vanished"
        return GiveUp(ErrorInfo("Lost", message, retryable=True, transient=True), failed)
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

    value: Encoded


class Raised(NamedTuple):
    """The handler raised."""

    error: BaseException


Ending: TypeAlias = Returned | Raised


class Complete(NamedTuple):
    """The task is done; `value` is its result."""

    value: Encoded


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
    first_seconds: float
    """Pause before the first retry, unless the kind has its own."""
    delay: RetryDelay = RetryDelay()
    roll: float = 0.5
    """A random number from 0 to 1, for the jitter."""
    tracebacks: bool = False
    """Whether errors say where they were raised."""

    def answer(self, failed: Failure) -> Retry | Fail:
        """Another attempt if the error and the number of failures allow it."""
        error, pause = failed
        if not error.retryable or self.failed + 1 > self.retries:
            return Fail(error)
        if pause is None:
            pause = self.delay.seconds(self.failed, self.first_seconds, self.roll)
        return Retry(error, pause)


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
            return policy.answer(Failure(_timeout(stopped, ending, policy)))
        case OutputOverflowError():
            return Fail(ErrorInfo("OutputOverflow", str(stopped)))
        case _:
            return _end_of_handler(ending, policy)


def _timeout(stopped: TimedOutError, ending: Ending | None, policy: Policy) -> ErrorInfo:
    # What the handler raised when it was interrupted says where it was.
    where = backtrace(ending.error) if policy.tracebacks and isinstance(ending, Raised) else ""
    message = f"took longer than {stopped.timeout_seconds:g} s"
    return ErrorInfo("Timeout", message, retryable=True, transient=True, traceback=where)


def _end_of_handler(ending: Ending | None, policy: Policy) -> Conclusion:
    if isinstance(ending, Returned):
        return Complete(ending.value)
    error = ending.error if ending else RuntimeError("the handler did not end")
    return policy.answer(failure(error, traceback=policy.tracebacks))
