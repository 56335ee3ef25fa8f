"""Headers of every answer."""

from headway_streamer.http.security_headers import POLICY, problem_headers, secured
from headway_streamer.problems import Problem


def test_an_answer_that_has_a_policy_keeps_it():
    own = (b"content-security-policy", b"default-src 'self'")
    assert [value for name, value in secured([own]) if name == own[0]] == [own[1]]
    assert POLICY in secured([])


def test_a_problem_keeps_its_own_headers():
    headers = dict(problem_headers(Problem(405, "x", headers={"Allow": "GET"}), 3))
    assert (headers[b"allow"], headers[b"content-length"]) == (b"GET", b"3")
