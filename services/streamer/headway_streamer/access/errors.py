"""Why a request is refused. A caller learns none of it but the status; the log does."""

from __future__ import annotations


class AccessError(Exception):
    """A request is not allowed. `reason` is for the log: a short constant, never text from the request."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnauthenticatedError(AccessError):
    """No valid credentials: 401, with the same body whatever was wrong with them."""


class ForbiddenError(AccessError):
    """Valid credentials without the scope that the route asks for: 403. `scope` is that scope."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"lacks the scope {scope}")
        self.scope = scope
