"""Headers of every answer, which keep a browser from reading it as something else, framing it or passing on its URL."""

from __future__ import annotations

from headway_streamer.problems import Problem

Headers = list[tuple[bytes, bytes]]

POLICY = (
    b"content-security-policy",
    b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
)
"""For answers that are not a page: nothing is loaded, run, framed or sent."""
COMMON: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),  # also where browsers do not name the page that embeds
]
_POLICY_NAME = POLICY[0]
_ALL: Headers = [*COMMON, POLICY]


def secured(headers: Headers) -> Headers:
    """`headers` with those of every answer. A policy that they have already is kept."""
    for name, _ in headers:  # a loop: on the path of each stream it takes half the time of `any`
        if name == _POLICY_NAME:
            return [*headers, *COMMON]
    return [*headers, *_ALL]


def problem_headers(problem: Problem, length: int) -> Headers:
    """The headers of `problem` as an answer outside Litestar, whose body has `length` bytes."""
    return [
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % length),
        (b"cache-control", b"no-store"),
        *((name.lower().encode(), value.encode()) for name, value in problem.headers.items()),
    ]
