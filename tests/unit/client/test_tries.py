"""Whether a call is sent again, and after which pause."""

from __future__ import annotations

import httpx
import pytest

from headway.client.tries import Tries
from headway.errors import ClientError

REQUEST = httpx.Request("GET", "http://streamer")


def response(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, request=REQUEST)


def test_a_failure_is_tried_again_until_no_try_is_left() -> None:
    tries = Tries(3, "http://streamer")
    assert tries.failed(httpx.ConnectError("refused")) <= 0.5
    assert tries.failed(httpx.ReadTimeout("late")) <= 1.0
    with pytest.raises(ClientError, match="cannot reach http://streamer: refused") as caught:
        tries.failed(httpx.ConnectError("refused"))
    assert "headway dev" in caught.value.hint
    assert caught.value.status is None


def test_an_answer_that_may_change_is_tried_again_when_the_server_says() -> None:
    tries = Tries(2, "http://streamer")
    assert 3.0 <= tries.refused(response(503, **{"retry-after": "3"})) <= 3.3
    with pytest.raises(ClientError) as caught:
        tries.refused(response(503))
    assert caught.value.status == 503


@pytest.mark.parametrize("status", [400, 404, 409, 422, 507])
def test_an_answer_that_would_not_change_is_an_error_at_once(status: int) -> None:
    with pytest.raises(ClientError):
        Tries(4, "http://streamer").refused(response(status))


def test_a_request_that_cannot_succeed_is_an_error_at_once() -> None:
    with pytest.raises(ClientError, match="http://streamer: 20 redirects"):
        Tries(4, "http://streamer").failed(httpx.TooManyRedirects("20 redirects"))
