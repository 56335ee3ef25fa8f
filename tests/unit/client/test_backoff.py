"""Waiting times before the next try."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from headway.client.backoff import Backoff, is_fatal, retry_after


def test_pauses_are_jittered_under_a_cap_that_doubles_to_fifteen_seconds() -> None:
    """Full jitter: all of a crowd's clients spread over the whole range."""
    rows = [[backoff.next() for _ in range(8)] for backoff in (Backoff() for _ in range(400))]
    caps = [0.5, 1, 2, 4, 8, 15, 15, 15]
    for cap, pauses in zip(caps, zip(*rows, strict=True), strict=True):
        assert 0 <= min(pauses) < 0.1 * cap
        assert 0.9 * cap < max(pauses) <= cap


def test_floor_of_the_server_holds_for_all_pauses() -> None:
    """`retry:` is a promise asked of the client, with a little jitter on top."""
    backoff = Backoff()
    backoff.floor_seconds = 30.0
    assert all(30.0 <= backoff.next() <= 33.0 for _ in range(20))


def test_retry_after_holds_once() -> None:
    """It belongs to one answer."""
    backoff = Backoff()
    assert backoff.next(20.0) >= 20.0
    assert backoff.next() <= 1.0


def test_many_attempts_do_not_overflow() -> None:
    """A laptop that slept for a week tries on."""
    backoff = Backoff()
    backoff.attempts = 100_000
    assert backoff.next() <= 15.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2", 2.0), (" 0 ", 0.0), ("", 0.0), ("soon", 0.0), ("-1", 0.0), ("1.5", 0.0), ("9" * 400, 999_999_999.0)],
)
def test_retry_after_in_seconds(text: str, seconds: float) -> None:
    """What is no number of seconds asks for nothing."""
    assert retry_after(text) == seconds


def test_retry_after_as_a_date() -> None:
    """The other form of RFC 9110; a date that has passed asks for nothing."""
    assert 55 < retry_after(formatdate(time.time() + 60, usegmt=True)) <= 60
    assert retry_after(formatdate(time.time() - 60, usegmt=True)) == 0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 422, 507])
def test_wrong_requests_are_not_repeated(status: int) -> None:
    """The answer would be the same."""
    assert is_fatal(status)


@pytest.mark.parametrize("status", [200, 204, 408, 425, 429, 500, 502, 503, 504])
def test_passing_trouble_is_not_fatal(status: int) -> None:
    """A rollout, a proxy, a limit: later it is well again."""
    assert not is_fatal(status)
