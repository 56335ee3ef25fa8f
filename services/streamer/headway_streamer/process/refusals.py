"""The answers to requests that are refused before an application sees them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from headway_streamer.http.security_headers import Headers, problem_headers, secured
from headway_streamer.problems import Problem
from headway_streamer.settings import PREFIX

Reason = Literal[
    "body_size", "body_time", "connections", "file_size", "head_size", "head_time", "headers", "malformed",
    "pipelined", "silent", "target_size",
]  # fmt: skip
"""Label of the metric."""


class Refusal(NamedTuple):
    """Why a request is refused."""

    reason: Reason
    problem: Problem


class RefusedError(Exception):
    """Raised inside the parser; the parser stops at once."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


def _refusal(reason: Reason, status: int, title: str, detail: str) -> Refusal:
    return Refusal(reason, Problem(status, title, detail, headers={"Connection": "close"}))


MALFORMED = _refusal("malformed", 400, "Bad Request", "This is not a request of HTTP/1.1 (RFC 9112).")
HEAD_SIZE = _refusal(
    "head_size",
    431,
    "Request Header Fields Too Large",
    f"The request line and the headers together are too long ({PREFIX}MAX_HEAD_BYTES).",
)
HEADERS = _refusal(
    "headers", 431, "Request Header Fields Too Large", f"There are too many headers ({PREFIX}MAX_HEADERS)."
)
TARGET_SIZE = _refusal(
    "target_size", 414, "URI Too Long", f"The path and the query together are too long ({PREFIX}MAX_TARGET_BYTES)."
)
BODY_SIZE = _refusal(
    "body_size",
    413,
    "Content Too Large",
    f"The body is too long ({PREFIX}MAX_BODY_BYTES). Pass a link to large data instead.",
)
FILE_SIZE = _refusal(
    "file_size", 413, "Content Too Large", f"Nothing was stored: the file is too large ({PREFIX}MAX_FILE_BYTES)."
)
HEAD_TIME = _refusal(
    "head_time", 408, "Request Timeout", f"The request line and the headers took too long ({PREFIX}HEAD_SECONDS)."
)
BODY_TIME = _refusal("body_time", 408, "Request Timeout", f"The body took too long ({PREFIX}BODY_SECONDS).")
PIPELINED = _refusal("pipelined", 400, "Bad Request", "Too many requests wait for the answer to an earlier one.")


def answer(refusal: Refusal, defaults: Headers) -> bytes:
    """The response to a refused request, with the server's `defaults` among its headers."""
    body = refusal.problem.body()
    headers = [*defaults, *secured(problem_headers(refusal.problem, len(body)))]
    lines = [b"%s: %s\r\n" % header for header in headers]
    return b"".join([STATUS_LINE[refusal.problem.status], *lines, b"\r\n", body])
