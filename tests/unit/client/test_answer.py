"""What a streamer answers, and what another program does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from headway.client.answer import Answer, reason, refusal
from headway.errors import ClientError
from headway.values import exact_json

REQUEST = httpx.Request("GET", "http://user:secret@streamer/api")


def answer(body: bytes, **options: Any) -> Answer:
    return Answer(httpx.Response(200, content=body, request=REQUEST), **options)


def test_what_was_asked_for_is_read() -> None:
    assert answer(b"[1, 2]").json() == [1, 2]
    assert answer(b'{"a": 1}').object() == {"a": 1}
    assert answer(b'{"a": [{"b": 1}, 2]}').items("a") == [{"b": 1}]
    assert answer(b'{"a": "b"}').text("a") == "b"
    assert answer(b"[1.50]").checked_content() == b"[1.50]"
    assert str(answer(b"0.12345678901234567890", decode=exact_json.decode).json()) == "0.12345678901234567890"


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b'{"a": 1}', b"[" * 20_000])
@pytest.mark.parametrize("read", [lambda one: one.items("a"), lambda one: one.text("a")])
def test_an_answer_of_another_program_is_an_error(body: bytes, read: Callable[[Answer], Any]) -> None:
    """Without the password of the URL."""
    with pytest.raises(ClientError, match="did not answer") as caught:
        read(answer(body))
    assert caught.value.status == 200
    assert "secret" not in str(caught.value)


def test_bytes_that_are_not_json_are_no_result() -> None:
    with pytest.raises(ClientError, match="did not answer JSON"):
        answer(b"<html>").checked_content()


@pytest.mark.parametrize(
    ("status", "headers", "hint"),
    [
        (401, {}, "Pass `token=`"),
        (401, {"Authorization": "Bearer x"}, "has expired, was revoked"),
        (503, {}, "try again later"),
        (429, {}, "try again later"),
        (404, {}, ""),
    ],
)
def test_a_refusal_says_what_to_do_next(status: int, headers: dict[str, str], hint: str) -> None:
    """Also in a traceback."""
    error = refusal(httpx.Response(status, request=httpx.Request("GET", "http://streamer", headers=headers)))
    assert hint in error.hint
    assert getattr(error, "__notes__", []) == ([error.hint] if hint else [])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"title": "Not Found", "detail": "There is no such task."}, "There is no such task."),
        ({"title": "Not Found", "detail": ""}, "Not Found"),
        ({"title": "Wrong parameters", "detail": "url", "errors": [{"pointer": "/params/url"}]}, "Wrong parameters"),
        ({"detail": "url", "errors": [{"pointer": "/params/url"}]}, "url"),
        ({"detail": "url", "errors": []}, "url"),
        ({}, "Unprocessable Entity"),
        (["not", "an", "object"], "Unprocessable Entity"),
        (b"<html>", "Unprocessable Entity"),
        (b"", "Unprocessable Entity"),
    ],
)
def test_refusal_has_the_message_of_the_problem(body: Any, message: str) -> None:
    """Its detail, or its title when there are several faults, or the phrase of the status."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = httpx.Response(422, content=content, request=REQUEST)
    error = refusal(response)
    assert (str(error), error.status) == (f"{message} (HTTP 422)", 422)
    assert error.problem == (body if isinstance(body, dict) else {})


@pytest.mark.parametrize(
    ("error", "text"), [(ValueError("no"), "no"), (httpx.ReadError(""), "ReadError"), (TimeoutError(), "TimeoutError")]
)
def test_reason_is_the_message_or_the_type(error: Exception, text: str) -> None:
    """Errors of sockets often have no message."""
    assert reason(error) == text


def test_a_refusal_says_when_to_come_back() -> None:
    request = httpx.Request("GET", "http://streamer")
    assert refusal(httpx.Response(429, headers={"retry-after": "3"}, request=request)).retry_after == 3.0
    assert refusal(httpx.Response(503, request=request)).retry_after == 0.0
