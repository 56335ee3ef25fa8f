"""What to do with a job, and what the end of an attempt means: tables."""

import asyncio

import pytest

from headway.errors import (
    CancelRequestedError,
    EndedError,
    OutputOverflowError,
    SupersededError,
    TaskCancelledError,
    TaskError,
)
from headway.eventlog.chain import EMPTY, head_after
from headway.events import Cancel, Chunk, ErrorInfo, LogLine
from headway.failure import Failure
from headway.testing import progress
from headway_processor.attempts.decision import (
    Abandon,
    AlreadyEnded,
    Cancelled,
    CancelPending,
    Complete,
    Fail,
    GiveUp,
    HandBack,
    Retry,
    RetryPolicy,
    Start,
    conclude,
    decide,
)
from headway_processor.attempts.errors import ShutdownError, TimedOutError
from headway_processor.outcome import Failed, Raised, Returned, StillRuns

CHUNK = {"text": "a", "offset": 0}


def lost(failed):
    return GiveUp(ErrorInfo("Lost", f"given up: {failed} attempts failed or were lost", True, True), failed)


@pytest.mark.parametrize(
    ("event", "latest", "expected"),
    [
        pytest.param(None, None, Start(1, 0), id="no event yet: the job was faster than the queued event"),
        pytest.param(progress("queued", n=1), ..., Start(1, 0), id="queued"),
        pytest.param(LogLine(n=2, level="info", message=""), progress("queued"), Start(1, 0), id="line before a start"),
        pytest.param(progress("retrying", attempt=1, failed=1), ..., Start(2, 1), id="failed before"),
        pytest.param(progress("retrying", attempt=1), ..., Start(2, 0), id="handed back burns nothing"),
        pytest.param(progress("retrying", attempt=9, failed=9), ..., Start(10, 9), id="announced retry is kept"),
        pytest.param(progress(attempt=1), ..., Start(2, 0, 1), id="lost"),
        pytest.param(progress(attempt=9, lost=8), ..., Start(10, 0, 9), id="lost beside others, however often"),
        pytest.param(progress(attempt=3, lost=2, alone=True), ..., Start(4, 1, 3), id="lost alone"),
        pytest.param(progress(attempt=4, lost=3, failed=1), ..., Start(5, 1, 4), id="lost after its trial"),
        pytest.param(
            progress(attempt=4, lost=3, failed=1, alone=True),
            ...,
            Start(5, 2, 4, last_chance=True),
            id="last chance",
        ),
        pytest.param(progress(attempt=5, lost=4, failed=2), ..., Start(6, 2, 5, True), id="lost beside others then"),
        pytest.param(progress(attempt=5, lost=4, failed=2, alone=True), ..., lost(3), id="lost alone too often"),
        pytest.param(progress("retrying", attempt=5, lost=4, failed=2), ..., Start(6, 2, 4, True), id="it waited"),
        pytest.param(progress("retrying", attempt=5, failed=2), ..., Start(6, 2), id="not lost the last time"),
        pytest.param(Chunk(attempt=2, **CHUNK), progress(lost=1), Start(3, 0, 2), id="lost after output"),
        pytest.param(
            Chunk(attempt=2, **CHUNK),
            progress(failed=2, alone=True),
            lost(3),
            id="lost alone after output",
        ),
        pytest.param(Chunk(attempt=2, **CHUNK), None, Start(3, 2, 2, True), id="trimmed: all attempts count"),
        pytest.param(Chunk(attempt=3, **CHUNK), None, lost(3), id="trimmed: too often"),
        pytest.param(
            Cancel(attempt=0, reason="r"), progress("queued"), CancelPending("r"), id="cancelled in the queue"
        ),
        pytest.param(Cancel(attempt=1, reason=""), progress(attempt=1), CancelPending(""), id="cancelled, then lost"),
        pytest.param(progress("completed", 100), ..., AlreadyEnded("completed"), id="completed"),
        pytest.param(progress("error"), ..., AlreadyEnded("error"), id="error"),
        pytest.param(progress("cancelled"), ..., AlreadyEnded("cancelled"), id="cancelled"),
    ],
)
def test_decision_follows_from_the_end_of_the_log(event, latest, expected):
    head = EMPTY if event is None else head_after(event, 7)._replace(attempt=max(event.attempt, 0))
    assert decide(head, event if latest is ... else latest, retries=0, crashes=2) == expected


def test_retries_allow_more_lost_attempts_than_crashes():
    event = progress(attempt=3, failed=2, alone=True)
    assert decide(head_after(event, 7), event, retries=5, crashes=2) == Start(4, 3, 1)


ONCE = RetryPolicy(failed=0, retries=1, first_seconds=1.0)
NEVER = RetryPolicy(failed=1, retries=1, first_seconds=1.0)
SUPERSEDED = SupersededError("t1", 1, 2)
ENDED = EndedError("t1", "error")
TIMEOUT = ErrorInfo("Timeout", "took longer than 5 s", True, True)
BUSY = ("TaskError", "busy", True, True)
BOOM = ErrorInfo("ValueError", "boom", True)
OVERFLOW = ErrorInfo("OutputOverflow", "too much")
STILL = StillRuns("in its thread")
STILL_AFTER = ErrorInfo(
    "Timeout", "took longer than 5 s; the handler did not stop and still runs in its thread", True, True
)


@pytest.mark.parametrize(
    ("stopped", "outcome", "policy", "expected"),
    [
        (None, Returned(3), ONCE, Complete(3)),
        (None, Raised(ValueError("boom")), ONCE, Retry(BOOM, 1.0)),
        (None, Raised(ValueError("boom")), NEVER, Fail(BOOM)),
        (None, Raised(TaskError("no", type="T", retryable=False)), ONCE, Fail(ErrorInfo("T", "no"))),
        (CancelRequestedError("t1", "r"), Returned(None), ONCE, Cancelled("r")),
        (CancelRequestedError("t1", "r"), Raised(TaskCancelledError()), ONCE, Cancelled("r")),
        (CancelRequestedError("t1", "r"), STILL, ONCE, Cancelled("r", STILL.message)),
        (SUPERSEDED, Returned(3), ONCE, Abandon(SUPERSEDED)),
        (ENDED, Raised(asyncio.CancelledError()), ONCE, Abandon(ENDED)),
        (ShutdownError("bye"), Raised(asyncio.CancelledError()), NEVER, HandBack()),
        (ShutdownError("bye"), Returned(None), ONCE, HandBack()),
        (TimedOutError("t1", 5.0), Raised(asyncio.CancelledError()), ONCE, Retry(TIMEOUT, 1.0)),
        (TimedOutError("t1", 5.0), STILL, NEVER, Fail(STILL_AFTER)),
        (None, Failed(Failure(BOOM, 9.0)), ONCE, Retry(BOOM, 9.0)),
        (None, Failed(Failure(BOOM)), NEVER, Fail(BOOM)),
        (CancelRequestedError("t1", "r"), Failed(Failure(BOOM)), ONCE, Cancelled("r")),
        (TimedOutError("t1", 5.0), Raised(asyncio.CancelledError()), NEVER, Fail(TIMEOUT)),
        (OutputOverflowError("too much"), Returned(None), ONCE, Fail(OVERFLOW)),
    ],
)
def test_end_of_an_attempt_is_concluded(stopped, outcome, policy, expected):
    assert conclude(stopped, outcome, policy) == expected


@pytest.mark.parametrize(("failed", "delay"), [(0, 0.5), (1, 1.0), (2, 2.0), (6, 32.0), (7, 60.0), (2000, 60.0)])
def test_pause_before_a_retry_doubles_up_to_a_minute(failed, delay):
    policy = RetryPolicy(failed, retries=10_000, first_seconds=0.5)
    assert policy.after(Failure(BOOM)) == Retry(BOOM, delay)


def test_error_that_asks_for_a_pause_gets_it_while_retries_are_left():
    assert conclude(None, Raised(TaskError("busy", retry_in=30)), ONCE) == Retry(ErrorInfo(*BUSY), 30.0)
    assert conclude(None, Raised(TaskError("busy", retry_in=30)), NEVER) == Fail(ErrorInfo(*BUSY))
    final = TaskError("busy", retry_in=30, retryable=False)
    assert conclude(None, Raised(final), ONCE) == Fail(ErrorInfo("TaskError", "busy"))


def test_timeout_says_where_the_handler_was():
    with pytest.raises(asyncio.CancelledError) as caught:
        raise asyncio.CancelledError
    conclusion = conclude(TimedOutError("t1", 5.0), Raised(caught.value), NEVER._replace(tracebacks=True))
    assert "test_timeout_says_where_the_handler_was" in conclusion.error.traceback
