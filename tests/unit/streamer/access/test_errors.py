"""Refusals say why, for the log."""

from headway_streamer.access.errors import ForbiddenError, UnauthenticatedError


def test_a_refusal_carries_its_reason():
    assert UnauthenticatedError("no token").reason == "no token"
    error = ForbiddenError("tasks:read")
    assert (error.scope, error.reason) == ("tasks:read", "lacks the scope tasks:read")
