"""What to do with a delivered job, from its log, and what follows from the end of an attempt. No I/O."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from headway.backtrace import backtrace
from headway.errors import (
    CancelRequestedError,
    EndedError,
    LogError,
    OutputOverflowError,
    SupersededError,
)
from headway.eventlog.chain import Head
from headway.events import Cancel, ErrorInfo, Progress, is_terminal
from headway.failure import Failure, failure
from headway.retry_delay import RetryDelay
from headway.values.results import Encoded
from headway_processor.attempts.errors import ShutdownError, TimedOutError
from headway_processor.outcome import Failed, HandlerOutcome, Raised, Returned, StillRuns

LOST = "Lost"
"""Type of the error of a task that is given up because its attempts vanished."""

# Before an attempt


class Start(NamedTuple):
    """Begin this attempt."""

    attempt: int
    failed: int
    """How many earlier ones failed, or were lost while they ran alone."""
    lost: int = 0
    """How many of the latest ones were lost, one after another."""
    last_chance: bool = False
    """Whether the task is given up if this attempt is lost while it runs alone."""


class AlreadyEnded(NamedTuple):
    """Remove the job: the task has its terminal event."""

    status: str


class CancelPending(NamedTuple):
    """Cancel the task: that was requested, and no processor has done it yet."""

    reason: str


class GiveUp(NamedTuple):
    """End the task with this error."""

    error: ErrorInfo
    failed: int


Decision: TypeAlias = Start | AlreadyEnded | CancelPending | GiveUp


def decide(head: Head, latest: Progress | None, *, retries: int, crashes: int) -> Decision:
    """Decide what to do with a delivered job.

    Args:
        head: the last event of the task's log.
        latest: the last progress in the log; None when there is none, or when it was trimmed.
        retries: how many failed attempts of this kind are repeated.
        crashes: how many attempts may be lost while they run alone, if `retries` are fewer.
    """
    if head.event is not None and is_terminal(head.event):
        return AlreadyEnded(getattr(head.event, "status", ""))
    if isinstance(head.event, Cancel):
        return CancelPending(head.event.reason)
    failed, lost = (max(head.attempt - 1, 0),) * 2 if latest is None else (latest.failed, latest.lost)
    limit = max(retries, crashes)
    if head.attempt > 0 and (latest is None or latest.status == "processing"):
        # The job was delivered again although its attempt has no end in the log: it was lost with its processor.
        lost += 1
        # Beside others that may be the fault of one of them. A log without a progress does not say how it ran.
        if latest is None or latest.alone:
            failed += 1
            if failed > limit:
                message = f"given up: {failed} attempts failed or were lost"
                return GiveUp(ErrorInfo(LOST, message, retryable=True, transient=True), failed)
    return Start(head.attempt + 1, failed, lost, last_chance=lost > 0 and failed == limit)


# At its end


class Complete(NamedTuple):
    """The task is completed; `value` is its result."""

    value: Encoded


class Fail(NamedTuple):
    """The task has failed permanently."""

    error: ErrorInfo


class Retry(NamedTuple):
    """The attempt has failed; another one follows after `delay_seconds`."""

    error: ErrorInfo
    delay_seconds: float


class Cancelled(NamedTuple):
    """The task ends because that was requested."""

    reason: str
    note: str = ""
    """What else the people who watch should know."""


class HandBack(NamedTuple):
    """Another processor gets the job at once."""


class Abandon(NamedTuple):
    """Write nothing: the task has another writer or has ended."""

    reason: SupersededError | EndedError


Conclusion: TypeAlias = Complete | Fail | Retry | Cancelled | HandBack | Abandon


class RetryPolicy(NamedTuple):
    """What follows a failed attempt."""

    failed: int
    """Number of earlier attempts that failed or were lost."""
    retries: int
    first_seconds: float
    """Delay before the first retry, unless the kind has its own."""
    delay: RetryDelay = RetryDelay()
    random: float = 0.5
    """A random number from 0 to 1, for the jitter."""
    tracebacks: bool = False
    """Whether errors hold their traceback."""

    def after(self, failed: Failure) -> Retry | Fail:
        """Return a retry if the error and the number of failures allow it, else the failure of the task."""
        error, delay_seconds = failed
        if not error.retryable or self.failed + 1 > self.retries:
            return Fail(error)
        if delay_seconds is None:
            delay_seconds = self.delay.seconds(self.failed, self.first_seconds, self.random)
        return Retry(error, delay_seconds)


def conclude(stopped: LogError | None, outcome: HandlerOutcome, policy: RetryPolicy) -> Conclusion:
    """Decide what follows from the end of an attempt.

    The reason for which it was stopped takes precedence over the outcome of the handler: one that notices it and
    returns early has no result.

    Args:
        stopped: why the attempt was stopped; None if it was not.
        outcome: how the handler ended, or that it did not.
    """
    match stopped:
        case SupersededError() | EndedError():
            return Abandon(stopped)
        case CancelRequestedError():
            return Cancelled(stopped.reason, outcome.message if isinstance(outcome, StillRuns) else "")
        case ShutdownError():
            return HandBack()
        case TimedOutError():
            return policy.after(Failure(_timeout(stopped, outcome, policy)))
        case OutputOverflowError():
            return Fail(ErrorInfo("OutputOverflow", str(stopped)))
        case _:
            return _after_handler(outcome, policy)


def _timeout(stopped: TimedOutError, outcome: HandlerOutcome, policy: RetryPolicy) -> ErrorInfo:
    # The exception that the handler raised when it was interrupted shows where it was.
    where = backtrace(outcome.error) if policy.tracebacks and isinstance(outcome, Raised) else ""
    if isinstance(outcome, Failed):
        where = outcome.failure.error.traceback
    message = f"took longer than {stopped.timeout_seconds:g} s"
    if isinstance(outcome, StillRuns):
        message += f"; {outcome.message}"
    return ErrorInfo("Timeout", message, retryable=True, transient=True, traceback=where)


def _after_handler(outcome: HandlerOutcome, policy: RetryPolicy) -> Conclusion:
    if isinstance(outcome, Returned):
        return Complete(outcome.value)
    if isinstance(outcome, Failed):
        return policy.after(outcome.failure)
    error = outcome.error if isinstance(outcome, Raised) else RuntimeError("the handler did not end")
    return policy.after(failure(error, traceback=policy.tracebacks))
