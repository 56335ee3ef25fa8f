"""What is stored of an exception: whose words count, and whether another attempt can help."""

import asyncio

import pytest

from headway.errors import TaskCancelledError, TaskError
from headway.events import ErrorInfo
from headway.failure import describe, failure


def final(message="no pictures", **options):
    return TaskError(message, retryable=False, **options)


def group(*errors, message="unhandled errors in a TaskGroup"):
    return BaseExceptionGroup(message, list(errors))


def caused(error, cause):
    error.__cause__ = cause
    return error


class UnprintableError(Exception):
    def __str__(self):
        raise ValueError("no text")


class OwnError(TaskError):
    pass


class ReadTimeout(Exception):
    pass


BOOM = ErrorInfo("ValueError", "boom", True)


@pytest.mark.parametrize(
    ("error", "stored"),
    [
        (ValueError("boom"), BOOM),
        (KeyError(), ErrorInfo("KeyError", "KeyError", True)),
        (UnprintableError(), ErrorInfo("UnprintableError", "UnprintableError", True)),
        (SystemExit(3), ErrorInfo("SystemExit", "sys.exit(3) was called", True)),
        (SystemExit("bye"), ErrorInfo("SystemExit", "bye", True)),
        (OwnError("mine"), ErrorInfo("OwnError", "mine", True, True)),
        (TaskError("mine", type="Quota", retryable=False), ErrorInfo("Quota", "mine", False)),
        (ValueError("\ud800"), ErrorInfo("ValueError", "?", True)),
    ],
)
def test_exception_is_stored_by_its_class_and_text(error, stored):
    assert describe(error) == stored


def test_long_message_is_cut():
    assert len(describe(ValueError("x" * 100_000)).message) == 4000


@pytest.mark.parametrize(
    ("error", "stored"),
    [
        pytest.param(group(ValueError("boom")), BOOM, id="one leaf speaks for itself"),
        pytest.param(group(group(group(final()))), ErrorInfo("TaskError", "no pictures"), id="at any depth"),
        pytest.param(
            group(ValueError("boom"), final()),
            ErrorInfo("TaskError", "2 errors: ValueError: boom; TaskError: no pictures"),
            id="one final leaf is enough",
        ),
        pytest.param(
            group(ValueError("boom"), group(KeyError("k"))),
            ErrorInfo("ValueError", "2 errors: ValueError: boom; KeyError: 'k'", True),
            id="without a final one it may be retried",
        ),
        pytest.param(
            group(ValueError("boom"), ValueError("boom"), ValueError("boom")),
            ErrorInfo("ValueError", "3 errors: ValueError: boom (3 times)", True),
            id="the same text stands once",
        ),
        pytest.param(group(asyncio.CancelledError(), ValueError("boom")), BOOM, id="a cancelled sibling is no reason"),
        pytest.param(group(TaskCancelledError("stop"), group(ValueError("boom"))), BOOM, id="nor one in a thread"),
        pytest.param(
            group(asyncio.CancelledError()),
            ErrorInfo("CancelledError", "CancelledError", True),
            id="unless there is no other",
        ),
        pytest.param(
            group(ConnectionError("a"), TimeoutError("b")),
            ErrorInfo("ConnectionError", "2 errors: ConnectionError: a; TimeoutError: b", True, True),
            id="transient when all are",
        ),
    ],
)
def test_group_speaks_by_its_leaves(error, stored):
    assert describe(error) == stored


def test_words_of_a_large_group_are_bounded():
    message = describe(group(*(ValueError(f"{n} " + "x" * 5000) for n in range(200)))).message
    assert message.startswith("200 errors: ValueError: 0 x")
    assert message.endswith("and 195 more")
    assert len(message) <= 4000


def test_group_nested_deeper_than_the_stack_is_read():
    error = final()
    for _ in range(5000):
        error = group(error)
    assert describe(error) == ErrorInfo("TaskError", "no pictures")


def test_except_star_that_raises_a_final_error_is_final():
    def handler():
        try:
            raise group(ValueError("boom"), KeyError("k"))
        except* ValueError:
            raise final() from None

    with pytest.raises(BaseExceptionGroup) as caught:
        handler()
    assert describe(caught.value).retryable is False
    assert "no pictures" in describe(caught.value).message


@pytest.mark.parametrize(
    ("error", "stored"),
    [
        pytest.param(
            caused(RuntimeError("cannot resize"), final()),
            ErrorInfo("RuntimeError", "cannot resize: no pictures"),
            id="an explicit cause decides",
        ),
        pytest.param(
            caused(RuntimeError("a"), caused(ValueError("b"), final())),
            ErrorInfo("RuntimeError", "a: no pictures"),
            id="through others",
        ),
        pytest.param(
            caused(RuntimeError("a"), group(ValueError("b"), final())),
            ErrorInfo("RuntimeError", "a: no pictures"),
            id="in a group",
        ),
        pytest.param(
            group(caused(RuntimeError("a"), final())),
            ErrorInfo("RuntimeError", "a: no pictures"),
            id="of a leaf",
        ),
        pytest.param(
            caused(TaskError("later"), final()),
            ErrorInfo("TaskError", "later", True, True),
            id="a TaskError overrules it",
        ),
        pytest.param(caused(ValueError("boom"), KeyError("k")), BOOM, id="another cause says nothing"),
    ],
)
def test_explicit_cause_that_is_a_task_error_counts(error, stored):
    assert describe(error) == stored


def test_error_raised_while_another_is_handled_is_not_caused_by_it():
    def handler():
        try:
            raise final()
        except TaskError:
            raise ValueError("boom")  # noqa: B904 - that is the point

    with pytest.raises(ValueError, match="boom") as caught:
        handler()
    assert describe(caught.value) == BOOM


def test_causes_in_a_circle_end():
    one, other = ValueError("boom"), KeyError("k")
    one.__cause__, other.__cause__ = other, one
    assert describe(one) == BOOM


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (ReadTimeout(), True),
        (TaskError("busy"), True),
        (FileNotFoundError("a"), False),
        (PermissionError("a"), False),
        (ZeroDivisionError(), False),
        (TypeError(), False),
        (final(), False),
    ],
)
def test_only_errors_that_pass_are_transient(error, transient):
    assert describe(error).transient is transient


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (TaskError("busy", retry_in=30), 30.0),
        (group(TaskError("a", retry_in=5), TaskError("b", retry_in=30), ValueError()), 30.0),
        (caused(RuntimeError("a"), TaskError("busy", retry_in=30)), 30.0),
        (TaskError("busy", retry_in="soon"), None),
        (ValueError(), None),
    ],
)
def test_error_says_when_to_try_again(error, seconds):
    assert failure(error).retry_in == seconds


def test_traceback_is_stored_when_that_is_wanted():
    with pytest.raises(ZeroDivisionError) as caught:
        1 / 0  # noqa: B018
    assert failure(caught.value).error.traceback == ""
    assert "in test_traceback_is_stored_when_that_is_wanted" in failure(caught.value, traceback=True).error.traceback
