"""The audit log: who did what, a line for each act, under one logger. Never a token, a parameter or a query string."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from headway_streamer.access.principal import PRINCIPAL, Principal

LOGGER = "headway.audit"
ACTIONS: Mapping[str, str] = {
    "task_submitted": "a task was submitted",
    "task_joined": "an idempotency key or start token led to the task that it had submitted before",
    "task_retried": "a task was submitted again as a new one; `retry_of` is the old one",
    "task_cancelled": "the end of a task was requested",
    "task_deleted": "a task was deleted",
    "dead_letter_dropped": "a dead letter was dropped; `id`",
    "report_opened": "a task was opened that its caller reports; `epoch` is its attempt",
    "report_ended": "a reported task was ended by its producer; `status`",
    "file_uploaded": "a file was uploaded; `file`, `bytes`",
    "file_read": "the content of a file was downloaded; `file`",
    "file_deleted": "a file was deleted; `file`",
    "stream_token_minted": "a token for streams of tasks was minted",
    "start_token_minted": "a token that starts one task of a kind was minted",
    "token_revoked": "a token was revoked; `of` is its owner, unless it was named by its id",
    "owner_revoked": "all tokens of an owner were revoked that were issued before a moment; `of` is the owner",
    "signed_in": "a browser signed in; `by` is `token` or `provider`",
    "signed_out": "a browser signed out; `revoked` says whether the token of its cookie was revoked",
    "sign_in_failed": "a sign-in was refused; `reason`",
    "unauthenticated": "a request was refused with 401; `reason`",
    "forbidden": "a request was refused with 403; `scope` is what it lacks",
    "limited": "a caller has reached a limit; `limit`. At most once a minute",
}
"""What is logged: stable keys, and what they mean; after a semicolon, fields of their own."""
REQUEST_ID = b"x-request-id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9_:=+/-]{1,128}")
"""No dot: a token has two."""

logger = logging.getLogger(LOGGER)
logger.setLevel(logging.INFO)  # whatever level the other logs have


def note(scope: Any, action: str, /, *, who: Principal | None = None, **fields: object) -> None:
    """Write a line on the request of an ASGI scope. `who` is its principal, if that is not in the scope."""
    who = who or scope.get(PRINCIPAL)
    if who is not None:
        fields |= {"owner": who.owner, "tenant": who.tenant}
    write(action, peer=(scope.get("client") or ("",))[0], request_id=_request_id(scope), **fields)


def write(action: str, /, **fields: object) -> None:
    """Write a line. Fields that are empty are left out. Raises KeyError for an action that is not listed."""
    message = ACTIONS[action].partition(";")[0]
    logger.info(message, extra={"action": action} | {name: value for name, value in fields.items() if value != ""})


def _request_id(scope: Any) -> str:
    found = next((value.decode("latin-1") for name, value in scope["headers"] if name == REQUEST_ID), "")
    return found if _REQUEST_ID.fullmatch(found) else ""
