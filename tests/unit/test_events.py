"""The contract: which events there are, how they are tagged, which of them ends a task."""

from typing import get_args

import msgspec
import pytest

from headway import codec
from headway.events import TERMINAL, Aside, Beat, Cancel, Chunk, ErrorInfo, LogLine, Status, is_terminal
from headway.testing import progress

EVERY_KIND = [
    (progress(), "progress"),
    (Chunk(text="a", offset=0), "chunk"),
    (Aside(channel="reasoning", text="a", offset=0), "aside"),
    (LogLine(level="info", message="a"), "log"),
    (Cancel(reason="a"), "cancel"),
    (Beat(task="t1"), "beat"),
]


@pytest.mark.parametrize(("event", "tag"), EVERY_KIND)
def test_each_event_says_its_type_first(event, tag):
    assert codec.encode_json(event).startswith(b'{"type":"%s"' % tag.encode())


@pytest.mark.parametrize(
    ("status", "terminal"),
    [
        ("queued", False),
        ("processing", False),
        ("retrying", False),
        ("completed", True),
        ("error", True),
        ("cancelled", True),
    ],
)
def test_a_status_ends_a_task_or_does_not(status, terminal):
    assert is_terminal(progress(status)) is terminal
    assert progress(status).terminal is terminal


def test_every_terminal_status_is_a_status():
    assert set(get_args(Status)) > TERMINAL


@pytest.mark.parametrize("event", [event for event, tag in EVERY_KIND if tag not in ("progress", "beat")])
def test_only_progress_ends_a_task(event):
    assert not is_terminal(event)


def test_what_says_nothing_is_left_out():
    assert msgspec.to_builtins(progress("processing", 1.0, message="m", step="s")) == {
        "type": "progress",
        "status": "processing",
        "progress": 1.0,
        "message": "m",
        "step": "s",
    }


def test_a_result_of_none_is_a_result():
    assert msgspec.to_builtins(progress("completed", 100.0, data=None))["data"] is None


def test_an_error_that_cannot_be_retried_does_not_say_so():
    assert msgspec.to_builtins(ErrorInfo("Boom", "it broke")) == {"type": "Boom", "message": "it broke"}


@pytest.mark.parametrize("missing", ["status", "progress", "message", "step"])
def test_a_progress_is_self_contained(missing):
    fields = {"type": "progress", "n": 1, "attempt": 0, "status": "queued", "progress": 0, "message": "", "step": ""}
    codec.decode(codec.encode_json(fields))
    del fields[missing]
    with pytest.raises(codec.MalformedEventError, match=missing):
        codec.decode(codec.encode_json(fields))


def test_a_field_of_a_later_version_is_passed_over():
    raw = b'{"type":"log","task":"t1","n":1,"attempt":0,"level":"info","message":"m","colour":{"deep":[1]}}'
    assert codec.decode(raw) == LogLine(task="t1", n=1, attempt=0, level="info", message="m")
