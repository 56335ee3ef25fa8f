"""The response to each error."""

import logging

import pytest

from headway.errors import (
    InvalidNameError,
    MalformedEventError,
    NestedTooDeepError,
    StoreFullError,
    TooLargeError,
    UnavailableError,
)
from headway_streamer.problems import Problem


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Problem(418, "Teapot", headers={"Retry-After": "9"}), 418),
        (UnavailableError("lost"), 503),
        (StoreFullError("the store"), 507),
        (TooLargeError("a job", 2, 1), 413),
        (NestedTooDeepError(64), 400),
        (MalformedEventError("bad"), 500),
        (InvalidNameError("kind", "a b"), 404),
        (ZeroDivisionError("bug"), 500),
    ],
)
async def test_an_error_is_a_problem_that_no_cache_keeps(parts, client, monkeypatch, error, status):
    async def fail():
        raise error

    monkeypatch.setattr(parts.kinds, "offers", fail)
    client.event_hooks = {}  # the route gives none of these by itself
    reply = await client.get("/api/v1/kinds")
    assert (reply.status_code, reply.json()["status"]) == (status, status)
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["cache-control"] == "no-store"


async def test_errors_of_the_framework_are_problems(client):
    assert (await client.get("/absent")).json()["title"] == "Not Found"
    reply = await client.put("/api/v1/kinds")
    assert (reply.status_code, reply.json()["title"], "GET" in reply.headers["allow"]) == (
        405,
        "Method Not Allowed",
        True,
    )
    reply = await client.get("/api/v1/tasks", params={"limit": "many"})
    assert reply.json()["errors"][0]["pointer"] == "/limit"


async def test_a_bug_is_logged_and_not_shown(parts, client, monkeypatch, caplog):
    async def fail():
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(parts.kinds, "offers", fail)
    with caplog.at_level(logging.ERROR):
        reply = await client.get("/api/v1/kinds")
    assert "secret" not in reply.text
    assert "request_failed" in [getattr(record, "action", "") for record in caplog.records]
