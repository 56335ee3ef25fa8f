"""The pages of a list of tasks."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from headway.client import ClientError
from headway.client.answer import Answer
from headway.client.task_pages import Pages, TaskFilters, TaskPage


def answer(value: Any) -> Answer:
    return Answer(httpx.Response(200, json=value, request=httpx.Request("GET", "http://streamer")))


@pytest.mark.parametrize(
    ("filters", "query"),
    [
        ({}, {}),
        ({"kind": "", "status": [], "tag": (), "text": "", "since": 0.0, "before": None, "owner": ""}, {}),
        ({"kind": "crawl", "status": ("error", "cancelled")}, {"kind": "crawl", "status": ["error", "cancelled"]}),
        (
            {"since": 1.5, "before": 2.5, "text": "x", "owner": "ann"},
            {"since": 1.5, "before": 2.5, "text": "x", "owner": "ann"},
        ),
    ],
)
def test_empty_filters_are_not_sent(filters: TaskFilters, query: dict[str, Any]) -> None:
    assert Pages(filters, limit=900).query == {"limit": 500} | query


def test_pages_follow_each_other_by_their_cursor() -> None:
    pages = Pages({"owner": "ann"}, limit=2, cursor="C0")
    assert pages.query == {"limit": 2, "owner": "ann", "cursor": "C0"}
    empty = answer({"tasks": [], "searched_until": 2, "cursor": "C1"})
    assert (pages.read(empty), pages.ended) == (TaskPage([], "C1", 2.0), False)
    assert pages.query["cursor"] == "C1"
    last = answer({"tasks": [{"task": "a"}], "searched_until": None, "cursor": None})
    assert (pages.read(last), pages.ended) == (TaskPage([{"task": "a"}], None, None), True)


def test_no_more_tasks_are_read_than_asked_for() -> None:
    pages = Pages({}, limit=2, most=3)
    assert len(pages.read(answer({"tasks": [{}, {}], "searched_until": 2.0, "cursor": "C1"})).tasks) == 2
    assert len(pages.read(answer({"tasks": [{}, {}], "searched_until": 1.0, "cursor": "C2"})).tasks) == 1
    assert pages.ended
    assert Pages({}, limit=2, most=0).ended


def test_pages_end_where_they_get_no_further() -> None:
    pages = Pages({}, limit=2, cursor="C")
    pages.read(answer({"tasks": [], "searched_until": 2.0, "cursor": "C"}))
    assert pages.ended


def test_a_streamer_without_cursors_is_refused() -> None:
    with pytest.raises(ClientError, match="older than this client"):
        Pages({}, limit=2).read(answer({"tasks": [], "searched_until": 2.0}))
