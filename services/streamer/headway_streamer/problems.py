"""Errors as clients see them: problem details (RFC 9457)."""

from __future__ import annotations

from headway import codec
from headway.errors import HeadwayError, NestedTooDeepError, StoreFullError, TooLargeError
from headway_streamer.api.models import Fault, ProblemDetails


class Problem(HeadwayError):
    """An error response. Each of `errors` points into the body: ``{"pointer": "/params/url", "detail": "…"}``.

    `expected` is the number that the next event of a report must have, `task` the one that holds a unique key, where
    that is the matter.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        *,
        errors: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
        expected: int | None = None,
        task: str = "",
    ) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors or []
        self.headers = headers or {}
        self.expected = expected
        self.task = task

    def body(self) -> bytes:
        """The body, of type application/problem+json."""
        details = ProblemDetails(title=self.title, status=self.status)
        if self.detail:
            details.detail = self.detail
        if self.errors:
            details.errors = [Fault(**error) for error in self.errors]
        if self.expected is not None:
            details.expected = self.expected
        if self.task:
            details.task = self.task
        return codec.encode_json(details)


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901).

    >>> pointer("params", "a/b", 0)
    '/params/a~1b/0'
    """
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def not_found(what: str = "There is no such task.") -> Problem:
    """404, the same for a task that does not exist and one that may not be seen."""
    return Problem(404, "Not Found", what)


def unavailable() -> Problem:
    """503: NATS does not answer. Nothing was accepted; the request may be repeated."""
    return Problem(
        503, "Service Unavailable", "NATS does not answer; nothing was stored. Try again.", headers={"Retry-After": "2"}
    )


def repeatable() -> Problem:
    """503: NATS does not answer, and a part of the reports may be stored. The same may be sent again."""
    detail = "NATS does not answer. Send the same again: what is stored of it is skipped."
    return Problem(503, "Service Unavailable", detail, headers={"Retry-After": "2"})


def too_large(error: TooLargeError) -> Problem:
    """413: repeating the request cannot succeed."""
    return Problem(413, "Content Too Large", f"Nothing was stored: {error}. Pass a link to large data instead.")


def too_deep(error: NestedTooDeepError) -> Problem:
    """400: JSON nested deeper than some parsers accept."""
    return Problem(400, "Nested too deeply", f"Arrays and objects may be nested {error.limit} levels deep.")


def malformed() -> Problem:
    """500: the stored record was not written by Headway, or is damaged. Repeating the request does not help."""
    detail = "The record of this task cannot be decoded. The streamer has logged the reason (task_malformed)."
    return Problem(500, "Stored record is malformed", detail)


def limited(seconds: int) -> Problem:
    """429: the caller has submitted as many tasks as its limit allows for now (RFC 6585, section 4)."""
    detail = f"You submit more tasks than you may. Nothing was stored. Try again in {seconds} s."
    return Problem(429, "Too Many Requests", detail, headers={"Retry-After": str(seconds)})


def over_quota(why: str) -> Problem:
    """507: the tenant has stored as much as it may. Nothing was accepted."""
    return Problem(
        507,
        "Insufficient Storage for this tenant",
        f"Nothing was stored: {why}. Running tasks continue. Delete tasks that have ended, or wait until they expire.",
    )


def too_many_files(why: str) -> Problem:
    """507: an owner has stored as many files as it may, or as large ones. Nothing was accepted."""
    detail = f"Nothing was stored: {why}. Delete some that no task needs any more, or wait until they expire."
    return Problem(507, "Insufficient Storage for this owner", detail)


def store_full(error: StoreFullError) -> Problem:
    """507: NATS answers, but has no space. Nothing was accepted."""
    return Problem(
        507,
        "Insufficient Storage",
        f"Nothing was stored: {error}. Running tasks continue; new ones are accepted once logs and records have "
        "expired, or an operator has given JetStream more space.",
    )
