"""The errors: the documented tree is the real one, messages, and attributes."""

import inspect
import re

import pytest

from headway import errors
from headway.errors import (
    CancelRequestedError,
    ClientError,
    ConflictError,
    ContractError,
    EndedError,
    EventTooLargeError,
    HeadwayError,
    InvalidNameError,
    NestedTooDeepError,
    ParamsError,
    StoreFullError,
    SupersededError,
    TaskDefinitionError,
    TaskError,
    TooLargeError,
)

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, HeadwayError)]


def documented():
    """The bases of each class by the tree in the docstring of the module: its parent, and what is in parentheses."""
    bases, above = {}, []
    for line in errors.__doc__.splitlines():
        if found := re.match(r"    ([│ ├└─]*)(\w+)(?: \((\w+)\))?(?: |$)", line):
            depth = len(found[1]) // 4
            above[depth:] = [found[2]]
            bases[found[2]] = [*above[depth - 1 : depth], *filter(None, [found[3]])]
    return bases


def test_documented_tree_is_the_real_one():
    real = {cls.__name__: [base.__name__ for base in cls.__bases__] for cls in CLASSES}
    assert documented() | {"HeadwayError": ["Exception"]} == real


@pytest.mark.parametrize(
    ("error", "message", "attributes"),
    [
        (
            InvalidNameError("task id", "a.b"),
            "'a.b' is not a valid task id: use 1 to 64 of A-Z a-z 0-9 _ -",
            {"what": "task id", "value": "a.b"},
        ),
        (InvalidNameError("kind", None), "None is not a valid kind: use 1 to 64 of A-Z a-z 0-9 _ -", {"value": None}),
        (
            ParamsError([{"pointer": "/params/url", "detail": "is required"}, {"pointer": "/params", "detail": "no"}]),
            "/params/url: is required; /params: no",
            {"errors": [{"pointer": "/params/url", "detail": "is required"}, {"pointer": "/params", "detail": "no"}]},
        ),
        (NestedTooDeepError(64), "nested deeper than 64 levels", {"limit": 64}),
        (
            TooLargeError("the job of t1", 300_000, 262_144),
            "the job of t1 is too large: 300,000 bytes, of at most 262,144",
            {"what": "the job of t1", "size_bytes": 300_000, "limit_bytes": 262_144},
        ),
        (TooLargeError("the job of t1"), "the job of t1 is too large", {"size_bytes": None, "limit_bytes": None}),
        (
            EventTooLargeError(1_200, 1_000),
            "the event is too large: 1,200 bytes, of at most 1,000",
            {"what": "the event", "size_bytes": 1_200, "limit_bytes": 1_000},
        ),
        (StoreFullError("the stream"), "the stream is full", {"what": "the stream", "detail": ""}),
        (
            StoreFullError("the store", "no disk"),
            "the store is full: no disk",
            {"what": "the store", "detail": "no disk"},
        ),
        (ConflictError("t1", 7), "the log of task t1 does not end at sequence 7", {"task": "t1", "expected": 7}),
        (
            CancelRequestedError("t1", "enough"),
            "task t1 is to be cancelled: enough",
            {"task": "t1", "reason": "enough"},
        ),
        (CancelRequestedError("t1", ""), "task t1 is to be cancelled: no reason given", {"reason": ""}),
        (
            SupersededError("t1", 1, 2),
            "attempt 1 of task t1 is superseded by attempt 2",
            {"task": "t1", "attempt": 1, "newer": 2},
        ),
        (EndedError("t1", "completed"), "task t1 has ended: completed", {"task": "t1", "status": "completed"}),
        (
            ClientError("no answer"),
            "no answer",
            {"status": None, "problem": {}, "errors": []},
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_message_and_attributes(error, message, attributes):
    assert str(error) == message
    assert {name: getattr(error, name) for name in attributes} == attributes


@pytest.mark.parametrize(("length", "cut"), [(78, False), (79, True), (10_000, True)])
def test_value_of_a_name_is_shown_in_80_characters_at_most(length, cut):
    error = InvalidNameError("task id", "x" * length)
    shown = str(error).partition(" is not")[0]
    assert shown == ("'" + "x" * 76 + "…'" if cut else repr("x" * length))
    assert error.value == "x" * length


@pytest.mark.security
def test_control_characters_of_a_name_are_escaped():
    assert "\x1b" not in str(InvalidNameError("kind", "\x1b[2J"))


class PageMissingError(TaskError):
    """An error of a handler, with a class of its own."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TaskError("no"), ("no", "TaskError", True, None)),
        (PageMissingError("no"), ("no", "PageMissingError", True, None)),
        (PageMissingError("no", type="missing"), ("no", "missing", True, None)),
        (TaskError("no", type=""), ("no", "TaskError", True, None)),
        (TaskError("no", retryable=False, retry_in=5.0), ("no", "TaskError", False, 5.0)),
        (TaskError("no", retry_in=0.0), ("no", "TaskError", True, 0.0)),
    ],
)
def test_failure_of_a_task_has_a_type_and_says_when_to_retry(error, expected):
    assert (error.message, error.type, error.retryable, error.retry_in) == expected
    assert str(error) == "no"


FAULTS = [{"pointer": "/params/url", "detail": "is required"}]


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (None, []),
        ({"title": "No"}, []),
        ({"errors": FAULTS}, FAULTS),
        ({"errors": {"url": "is required"}}, []),
        ({"errors": "is required"}, []),
        ({"errors": None}, []),
    ],
)
def test_errors_of_a_refusal_are_a_list_whatever_the_answer_has(problem, expected):
    error = ClientError("no", status=422, problem=problem)
    assert (error.status, error.problem, error.errors) == (422, problem or {}, expected)


def test_a_traceback_shows_what_did_not_fit_and_what_to_do():
    error = ClientError("no", status=422, problem={"errors": [*FAULTS, "odd"]}, hint="Look at the kind.")
    assert error.__notes__ == ["/params/url: is required", "odd", "Look at the kind."]
    assert str(error) == "no"


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [(ContractError, ValueError), (errors.SettingsError, ValueError), (TaskDefinitionError, TypeError)],
)
def test_wrong_value_is_caught_as_the_builtin_error(cls, builtin):
    with pytest.raises(builtin, match="wrong"):
        raise cls("wrong")
