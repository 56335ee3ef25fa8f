"""The cookies of sign-ins."""

import math
import time

import pytest

from headway_streamer.access.code_flow import Attempt
from headway_streamer.http import cookies

pytestmark = pytest.mark.security


def header(cookie):
    return cookie.to_header(header="")


def attributes(cookie):
    name, *rest = header(cookie).strip().split("; ")
    return name, {part.lower() for part in rest}


def test_a_session_is_for_this_host_alone_and_out_of_reach_of_scripts():
    name, rest = attributes(cookies.session("a.b.c", time.time() + 100))
    assert name == "__Host-headway=a.b.c"
    assert {"secure", "httponly", "path=/", "samesite=strict"} <= rest
    assert not any(part.startswith("domain") for part in rest)
    (life,) = (int(part.removeprefix("max-age=")) for part in rest if part.startswith("max-age"))
    assert 98 <= life <= 100


def test_a_session_without_an_end_lasts_as_long_as_the_browser():
    assert "max-age" not in header(cookies.session("a.b.c", math.inf)).lower()


def test_an_attempt_comes_back_with_a_visit_from_another_site_within_minutes():
    attempt = Attempt.new()
    name, rest = attributes(cookies.attempt(attempt))
    assert name == f"__Host-headway-sign-in={attempt.text}"
    assert {"secure", "httponly", "path=/", "samesite=lax", "max-age=600"} <= rest


@pytest.mark.parametrize("cookie", [cookies.no_session(), cookies.no_attempt()])
def test_a_cookie_is_removed_with_the_attributes_that_it_was_set_with(cookie):
    _, rest = attributes(cookie)
    assert {"secure", "httponly", "path=/", "max-age=0"} <= rest
