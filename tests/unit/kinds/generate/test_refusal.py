"""Errors of a model server: those that may pass, and those that stay."""

import pytest

from headway_kinds.generate.refusal import refusal, retry_after

NOW = 1_700_000_000.0
DATE = "Tue, 14 Nov 2023 22:13:50 GMT"
"""Half a minute after `NOW`."""


@pytest.mark.parametrize(
    ("status", "type", "retryable"),
    [
        *((400, "Refused", False), (401, "Refused", False), (403, "Refused", False), (404, "Refused", False)),
        *((408, "ModelServerError", True), (409, "ModelServerError", True), (422, "Refused", False)),
        *((429, "RateLimited", True), (500, "ModelServerError", True), (503, "ModelServerError", True)),
    ],
)
def test_only_errors_that_may_pass_are_retryable(status, type, retryable):
    error = refusal(status, "why", {"retry-after": "7"}, NOW)
    assert (error.type, error.retryable, error.retry_in) == (type, retryable, 7.0 if retryable else None)
    assert f"answered {status}: why" in error.message


def test_what_can_be_done_is_said():
    assert "GENERATE_API_KEY" in refusal(401, "", {}, NOW).message
    assert "usually ends in /v1" in refusal(404, "", {}, NOW).message


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2", 2.0), ("0.5", 0.5), (DATE, 30.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("-3", 0.0)],
)
def test_the_pause_is_seconds_or_a_date(text, seconds):
    assert retry_after({"retry-after": text}, NOW) == seconds


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf", "Tue, 99 Nov 2023"])
def test_a_pause_that_is_none_is_left_out(text):
    assert retry_after({"retry-after": text}, NOW) is None
