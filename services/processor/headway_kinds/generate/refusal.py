"""Which answers of a model server may be followed by another attempt, and when. No I/O."""

from __future__ import annotations

import email.utils
import math
from collections.abc import Mapping

from headway import TaskError

RETRYABLE = frozenset((408, 409, 425, 429))
"""Answers below 500 after which the same request may succeed."""
MAX_DETAIL = 500
ADVICE = {
    401: "Check HEADWAY_PROCESSOR_GENERATE_API_KEY.",
    403: "Check HEADWAY_PROCESSOR_GENERATE_API_KEY, and what it may use.",
    404: "Check the model's name, and HEADWAY_PROCESSOR_GENERATE_BASE_URL, which usually ends in /v1.",
}


def refusal(status: int, detail: str, headers: Mapping[str, str], now: float) -> TaskError:
    """The error for an answer other than 200.

    Args:
        detail: what the server says.
        headers: of the answer, by lower-case name.
        now: seconds since 1970.
    """
    retryable = status in RETRYABLE or status >= 500
    advice = ADVICE.get(status, "")
    message = f"The model server answered {status}: {detail[:MAX_DETAIL].strip() or 'no reason given'}"
    return TaskError(
        f"{message} {advice}".strip(),
        type="RateLimited" if status == 429 else "ModelServerError" if retryable else "Refused",
        retryable=retryable,
        retry_in=retry_after(headers, now) if retryable else None,
    )


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """The pause that `Retry-After` asks for: seconds or a date (RFC 9110 §10.2.3). None without a usable one.

    >>> retry_after({"retry-after": "2"}, 0), retry_after({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 10)
    (2.0, 50.0)
    """
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - now
        except (TypeError, ValueError, OverflowError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
