"""What a GET must show to start a task: that it asks for a stream, and that no page of another site sends it."""

from __future__ import annotations

import re

from headway_streamer.access.hosts import parse_host
from headway_streamer.access.origins import Origins
from headway_streamer.http.requests import EVENT_STREAM, AnyRequest
from headway_streamer.problems import Problem

_BROWSER = "Mozilla/"
"""How the User-Agent of every browser begins. A page cannot change it where it needs no permission."""
_NEVER = re.compile(r"(^|;)\s*q=0(\.0*)?\s*(;|$)")


def check_start(request: AnyRequest, origins: Origins) -> None:
    """Raise a Problem for a request that may not start a task.

    The gate has judged `Origin` and `Sec-Fetch-Site`. A browser sends neither with `fetch(…, {mode: "no-cors"})` over
    plain http, where a page may also choose what is accepted; only the Referer is left to tell whose page it is.
    """
    headers = request.headers
    if not any(_is_wanted(part) for part in headers.get("accept", "").lower().split(",")):
        raise Problem(406, "Not Acceptable", f"This URL starts a task and streams it. Send `Accept: {EVENT_STREAM}`.")
    if headers.get("origin") or headers.get("sec-fetch-site") or not headers.get("user-agent", "").startswith(_BROWSER):
        return
    host = parse_host(headers.get("host", ""))
    if host is None or not origins.allows_referer(headers.get("referer", ""), host):
        detail = "The page that asks is unknown: browsers must send Origin, Sec-Fetch-Site or Referer to start a task."
        raise Problem(403, "Forbidden", detail)


def _is_wanted(media_range: str) -> bool:
    type, _, parameters = media_range.partition(";")
    return type.strip() == EVENT_STREAM and not _NEVER.search(parameters)
