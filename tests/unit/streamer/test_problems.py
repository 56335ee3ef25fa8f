"""Problem details."""

import json

import pytest

from headway.errors import NestedTooDeepError, StoreFullError, TooLargeError
from headway_streamer import problems


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (problems.not_found(), 404),
        (problems.unavailable(), 503),
        (problems.too_large(TooLargeError("a job", 2, 1)), 413),
        (problems.too_deep(NestedTooDeepError(64)), 400),
        (problems.malformed(), 500),
        (problems.store_full(StoreFullError("the store")), 507),
    ],
)
def test_each_has_its_status_and_says_what_to_do(problem, status):
    body = json.loads(problem.body())
    assert (body["status"], body["type"], bool(body["detail"])) == (status, "about:blank", True)


def test_a_body_has_only_what_is_given():
    assert json.loads(problems.Problem(418, "Teapot").body()) == {
        "type": "about:blank",
        "title": "Teapot",
        "status": 418,
    }
    errors = [{"pointer": "/a", "detail": "b"}]
    assert json.loads(problems.Problem(400, "Bad", errors=errors).body())["errors"] == errors
