"""The requests that the clients send."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from headway.client import calls
from headway.client.answer import Answer
from headway.client.calls import task_path
from headway.client.task_pages import Pages


def answer(value: Any) -> Answer:
    return Answer(httpx.Response(200, json=value, request=httpx.Request("GET", "http://streamer")))


@pytest.mark.parametrize(
    ("call", "line", "body", "tries"),
    [
        (calls.task("t"), "GET /api/v1/tasks/t", None, 4),
        (calls.kinds(), "GET /api/v1/kinds", None, 4),
        (calls.cancel("t", "enough"), "POST /api/v1/tasks/t/cancel", {"reason": "enough"}, 1),
        (calls.cancel("t", ""), "POST /api/v1/tasks/t/cancel", {}, 1),
        (calls.delete("t"), "DELETE /api/v1/tasks/t", None, 4),
        (calls.result("t"), "GET /api/v1/tasks/t/result", None, 4),
        (calls.result_json("t"), "GET /api/v1/tasks/t/result", None, 4),
        (calls.stream_token("t"), "POST /api/v1/tasks/t/token", {}, 4),
        (calls.stream_token("t", "u"), "POST /api/v1/tasks/t/token", {"tasks": ["u"]}, 4),
        (calls.revoke("", "", "", None), "POST /api/v1/revocations", {}, 1),
        (calls.revoke("", "", "ann", 0.0), "POST /api/v1/revocations", {"owner": "ann", "before": 0.0}, 1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_sent_and_whether_it_may_be_repeated(
    call: calls.Call[Any], line: str, body: dict[str, Any] | None, tries: int
) -> None:
    assert (f"{call.method} {call.path}", call.options.get("json"), call.tries) == (line, body, tries)


@pytest.mark.parametrize(
    ("params", "resume", "body"),
    [
        (None, False, {}),
        ({}, False, {"params": {}}),
        ({"a": 1}, False, {"params": {"a": 1}}),
        (None, True, {"resume": True}),
    ],
)
def test_a_retry_is_sent_once_with_what_was_given(params: Any, resume: bool, body: dict[str, Any]) -> None:
    call = calls.retry("t", params, resume=resume)
    assert (call.method, call.path, call.tries) == ("POST", "/api/v1/tasks/t/retry", 1)
    assert json.loads(call.options["content"]) == body


def test_a_submission_has_a_key_and_what_was_given() -> None:
    """A title and tags only where there are some: older streamers refuse what they do not know."""
    plain = calls.submit("crawl", None, None)
    assert len(plain.options["headers"]["Idempotency-Key"]) >= 16
    assert json.loads(plain.options["content"]) == {"kind": "crawl", "params": {}}
    whole = calls.submit("crawl", {"n": 1}, "mine", "Night", ("a", "b"))
    assert whole.options["headers"]["Idempotency-Key"] == "mine"
    assert json.loads(whole.options["content"]) == {
        "kind": "crawl",
        "params": {"n": 1},
        "title": "Night",
        "tags": ["a", "b"],
    }


def test_a_page_of_tasks_may_be_asked_for_again() -> None:
    call = calls.task_page(Pages({"kind": "crawl"}, limit=5))
    assert (call.method, call.path, call.options, call.tries) == (
        "GET",
        "/api/v1/tasks",
        {"params": {"limit": 5, "kind": "crawl"}},
        4,
    )


def test_a_token_is_a_text() -> None:
    assert calls.stream_token("t").read(answer({"stream_token": "abc"})) == "abc"


@pytest.mark.parametrize(
    ("task", "rest", "path"),
    [
        ("t", "", "/api/v1/tasks/t"),
        ("t", "/cancel", "/api/v1/tasks/t/cancel"),
        ("../kinds", "", "/api/v1/tasks/..%2Fkinds"),
        ("é?#", "/result", "/api/v1/tasks/%C3%A9%3F%23/result"),
    ],
)
def test_path_of_a_task_has_one_segment_for_its_id(task: str, rest: str, path: str) -> None:
    """Whatever an id is given on a command line."""
    assert task_path(task, rest) == path


@pytest.mark.parametrize(
    ("call", "path", "body"),
    [
        (calls.open_report({"id": "t", "kind": "k"}, "key"), "", {"id": "t", "kind": "k"}),
        (calls.append_to_report("t", 1, 2, []), "/t/events", {"epoch": 1, "sequence": 2, "events": []}),
        (
            calls.end_report("t", 1, 3, {"status": "completed"}),
            "/t/end",
            {"epoch": 1, "sequence": 3, "status": "completed"},
        ),
    ],
    ids=["open", "append", "end"],
)
def test_calls_of_reports_are_sent_once(call: calls.Call[Any], path: str, body: dict[str, Any]) -> None:
    assert (call.method, call.path, call.tries) == ("POST", f"/api/v1/reports{path}", 1)
    assert json.loads(call.options["content"]) == body
    assert call.options["headers"].get("Idempotency-Key", "key") == "key"


def test_a_task_may_begin_at_a_time_with_a_zone() -> None:
    moment = datetime(2026, 12, 1, 7, tzinfo=UTC)
    for given in (moment, 1_796_108_400):
        assert json.loads(calls.submit("k", {}, None, run_at=given).options["content"])["run_at"] == 1_796_108_400
    with pytest.raises(ValueError, match="no time zone"):
        calls.submit("k", {}, None, run_at=moment.replace(tzinfo=None))
