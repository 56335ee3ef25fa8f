"""Every error Headway raises.

::

    HeadwayError
    ├── ContractError (ValueError)      something does not have the form the contract asks for
    │   ├── InvalidNameError            a task id, kind or namespace
    │   ├── ParamsError                 parameters that do not fit their class
    │   ├── MalformedEventError         bytes that are not an event
    │   │   └── NestedTooDeepError      JSON of more levels than all readers accept
    │   └── TooLargeError               more bytes than NATS takes in one message: do not retry
    │       └── EventTooLargeError      an event over the size that the log takes
    ├── LogError                        the log could not do what was asked
    │   ├── UnavailableError            NATS is unreachable or did not answer in time: retry
    │   │   └── StoreFullError          no space is left in the store: wait, or make room
    │   ├── DamagedError                what is stored cannot be read whole: it is damaged, or a replica is behind
    │   ├── AlreadyStoredError          the subject takes one message and has it
    │   ├── ConflictError               another writer was faster: read the end of the log and decide
    │   ├── CancelRequestedError        somebody asked to cancel: only the terminal event may follow
    │   ├── OutputOverflowError         more output waits for the log than memory should hold
    │   ├── SupersededError             a newer attempt has begun: stop, write nothing
    │   ├── EndedError                  the task has its terminal event: stop, write nothing
    │   ├── TaskTakenError              the id is that of a task which somebody else owns or runs
    │   └── NotEndedError               the task has no terminal event: it cannot be deleted yet
    ├── TaskError                       raised by a handler to fail the task with a message
    │   ├── ChildrenError               a child that cannot be submitted, or not from here
    │   └── ChildFailedError            a child that has not been successful
    ├── KeyHeldError                another task that has not ended holds the unique key
    ├── KeyReusedError                  a key of a task that has another kind or other parameters
    ├── TaskCancelledError              raised by ``job.raise_if_cancelled()``
    ├── TaskDefinitionError (TypeError) a function that ``@task`` cannot use
    ├── ClientError                     a streamer refused a request, or could not be reached
    └── SettingsError (ValueError)      a setting that is missing, unknown or wrong
"""

from __future__ import annotations

from typing import Any


class HeadwayError(Exception):
    """The root of all errors raised by Headway."""


class ContractError(HeadwayError, ValueError):
    """Something does not have the form that the contract asks for."""


class InvalidNameError(ContractError):
    """A task id, kind or namespace that must not become part of a NATS subject."""

    def __init__(self, what: str, value: object) -> None:
        shown = repr(value)
        if len(shown) > 80:
            shown = shown[:77] + "…'"
        super().__init__(f"{shown} is not a valid {what}: use 1 to 64 of A-Z a-z 0-9 _ -")
        self.what = what
        self.value = value


class ParamsError(ContractError):
    """Parameters that do not fit the class that their kind asks for.

    ``errors`` is a list of ``{"pointer": "/params/url", "detail": "…"}``, at least one.
    """

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(f"{error['pointer']}: {error['detail']}" for error in errors))
        self.errors = errors


class MalformedEventError(ContractError):
    """Bytes that are not an event of this contract."""


class NestedTooDeepError(MalformedEventError):
    """JSON that is nested too deeply: a reader of what is stored might not be able to decode it."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"nested deeper than {limit} levels")
        self.limit = limit


class TooLargeError(ContractError):
    """A message of more bytes than NATS takes. Every retry with the same bytes is refused."""

    def __init__(self, what: str, size_bytes: int | None = None, limit_bytes: int | None = None) -> None:
        sizes = "" if size_bytes is None else f": {size_bytes:,} bytes, of at most {limit_bytes:,}"
        super().__init__(f"{what} is too large{sizes}")
        self.what = what
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class EventTooLargeError(TooLargeError):
    """An event whose encoded size is over the limit of the log."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__("the event", size_bytes, limit_bytes)


class LogError(HeadwayError):
    """The log could not do what was asked."""


class UnavailableError(LogError):
    """NATS is unreachable or did not answer in time. The same call may succeed later."""


class StoreFullError(UnavailableError):
    """NATS answers but has no space. The same call succeeds once there is space.

    ``what`` is full: the store, or a stream that has reached its limit; ``detail`` is the server's description.
    """

    def __init__(self, what: str, detail: str = "") -> None:
        super().__init__(f"{what} is full" + (f": {detail}" if detail else ""))
        self.what = what
        self.detail = detail


class DamagedError(LogError):
    """What is stored cannot be read whole: it is damaged or missing, or a replica is behind."""


class AlreadyStoredError(LogError):
    """The subject takes one message and has one: the job is in the queue already."""


class ConflictError(LogError):
    """Another writer appended first: the expected sequence is not the last one any more."""

    def __init__(self, task: str, expected: int) -> None:
        super().__init__(f"the log of task {task} does not end at sequence {expected}")
        self.task = task
        self.expected = expected


class CancelRequestedError(LogError):
    """Somebody has asked for the task to be cancelled. After that only its terminal event is stored."""

    def __init__(self, task: str, reason: str) -> None:
        super().__init__(f"task {task} is to be cancelled: {reason or 'no reason given'}")
        self.task = task
        self.reason = reason


class OutputOverflowError(LogError):
    """A handler produced output faster than the log stores it. Chunks are never dropped, so the task fails."""


class SupersededError(LogError):
    """A newer attempt of the same task has begun. The older one stops and writes nothing more."""

    def __init__(self, task: str, attempt: int, newer: int) -> None:
        super().__init__(f"attempt {attempt} of task {task} is superseded by attempt {newer}")
        self.task = task
        self.attempt = attempt
        self.newer = newer


class EndedError(LogError):
    """The task has its terminal event: nothing may follow."""

    def __init__(self, task: str, status: str) -> None:
        super().__init__(f"task {task} has ended: {status}")
        self.task = task
        self.status = status


class TaskTakenError(LogError):
    """The chosen id is that of a task of another owner, or of one that a processor runs."""

    def __init__(self, task: str) -> None:
        super().__init__(f"the id {task} is taken by a task of another owner, or of a processor: choose another")
        self.task = task


class NotEndedError(LogError):
    """The task has no terminal event yet, so it cannot be deleted."""

    def __init__(self, task: str) -> None:
        super().__init__(f"task {task} has not ended")
        self.task = task


class TaskError(HeadwayError):
    """Raise it in a handler to fail the task with a message for the person who watches.

    Args:
        type: a short word for programs (default: the class name).
        retryable: False ends the task at once even if retries are left.
        retry_in: seconds until the next attempt, in place of the delay of the kind; at most a day. It grants no
            further retry: when none is left, or with ``retryable=False``, the task ends.
    """

    def __init__(
        self, message: str, *, type: str | None = None, retryable: bool = True, retry_in: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.type = type or self.__class__.__name__
        self.retryable = retryable
        self.retry_in = retry_in


class ChildrenError(TaskError):
    """A task cannot be submitted as a child: the message says why, and what to do."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message, retryable=retryable)


class ChildFailedError(TaskError):
    """A child has failed or was cancelled. Not retryable: another attempt of the parent finds the same child.

    ``child`` is its id, ``kind`` its kind, ``status`` is ``error`` or ``cancelled``, ``error_type`` and ``reason`` are
    those of its last event.
    """

    def __init__(self, child: str, kind: str, status: str, error_type: str, reason: str) -> None:
        what = "was cancelled" if status == "cancelled" else f"failed: {error_type}"
        super().__init__(f"child {child} ({kind}) {what}: {reason}", type="ChildFailed", retryable=False)
        self.child = child
        self.kind = kind
        self.status = status
        self.error_type = error_type
        self.reason = reason


class KeyHeldError(HeadwayError):
    """Another task that has not ended holds the unique key."""

    def __init__(self, task: str) -> None:
        super().__init__(f"the key is held by {task}")
        self.task = task


class KeyReusedError(HeadwayError):
    """A task was submitted before under the same key, with another kind or other parameters."""

    def __init__(self, task: str) -> None:
        super().__init__(f"task {task} was submitted before under this key, with another kind or other parameters")
        self.task = task


class TaskCancelledError(HeadwayError):
    """The task is to be cancelled. Let it propagate out of the handler."""


class TaskDefinitionError(HeadwayError, TypeError):
    """``@task`` was put on something that cannot be a handler, or a kind is defined twice."""


class ClientError(HeadwayError):
    """A streamer refused a request, or could not be reached.

    ``status`` is the HTTP status, None when there was no answer; ``problem`` the answer's problem details (RFC 9457);
    ``errors`` its list of ``{"pointer": "/params/url", "detail": "…"}``, empty unless parameters did not fit.
    ``hint`` says what to do next where that is known; a traceback shows it and the errors as notes.
    ``retry_after`` is the pause in seconds that the streamer asked for, 0 if it asked for none.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        problem: dict[str, Any] | None = None,
        hint: str = "",
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.hint = hint
        self.retry_after = retry_after
        self.problem = problem or {}
        errors = self.problem.get("errors")
        self.errors: list[dict[str, str]] = errors if isinstance(errors, list) else []
        for one in self.errors:
            self.add_note(f"{one.get('pointer', '')}: {one.get('detail', '')}" if isinstance(one, dict) else str(one))
        if hint:
            self.add_note(hint)


class SettingsError(HeadwayError, ValueError):
    """A setting is missing, unknown or has a wrong value; the message names it and what to do."""
