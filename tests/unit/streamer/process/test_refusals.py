"""The answers to refused requests."""

import msgspec
import pytest

from headway_streamer.api.operations import EVERYWHERE
from headway_streamer.http.security_headers import secured
from headway_streamer.process import refusals
from headway_streamer.process.refusals import Refusal, answer

pytestmark = pytest.mark.security

ALL = [value for value in vars(refusals).values() if isinstance(value, Refusal)]


@pytest.mark.parametrize("refusal", ALL, ids=lambda refusal: refusal.reason)
def test_a_refusal_is_a_problem_with_the_headers_of_every_answer_that_ends_the_connection(refusal):
    head, _, body = answer(refusal, [(b"date", b"today")]).partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = [tuple(line.split(b": ", 1)) for line in lines]
    assert status.startswith(b"HTTP/1.1 %d " % refusal.problem.status)
    assert msgspec.json.decode(body)["detail"] == refusal.problem.detail
    expected = {
        b"date": b"today",
        b"connection": b"close",
        b"cache-control": b"no-store",
        b"content-type": b"application/problem+json",
        b"content-length": b"%d" % len(body),
    }
    assert dict(headers) == expected | dict(secured([]))
    assert len(headers) == len(dict(headers))


def test_every_status_is_described_for_all_routes():
    statuses = {refusal.problem.status for refusal in ALL}
    assert statuses == {400, 408, 413, 414, 431}
    assert statuses <= set(EVERYWHERE)
