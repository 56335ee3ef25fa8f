"""Why a report is not accepted, as clients see it."""

from __future__ import annotations

from headway_streamer.problems import Problem

TAKEN = "Another task has this id: it is not reported, or not by you. Choose another one."


def taken() -> Problem:
    """409, the same for a task of somebody else, one that a processor runs, and one that is deleted."""
    return Problem(409, "Id is taken", TAKEN)


def ended(status: str) -> Problem:
    """409: the task has its terminal event."""
    return Problem(409, "Task has ended", f"The task is {status}; nothing more is stored of it.")


def superseded(epoch: int) -> Problem:
    """409: the task was opened again. The earlier producer is to stop."""
    return Problem(409, "Superseded", f"The task was opened again: its epoch is {epoch}. Stop reporting.")


def unopened() -> Problem:
    """409: a task of the caller that was not opened over HTTP in its current attempt."""
    return Problem(
        409, "Not opened", "Open the task first, with `POST /api/v1/reports`, and name the epoch it answers."
    )


def gap(expected: int) -> Problem:
    """409: events are missing before the batch."""
    detail = f"The next event has number {expected}. Send again from there."
    return Problem(409, "Events are missing", detail, expected=expected)


def other_kind(kind: str) -> Problem:
    """422: a task has one kind."""
    fault = {"pointer": "/kind", "detail": f"the task was opened with the kind {kind}"}
    return Problem(422, "Task has another kind", f"The task was opened with the kind {kind}.", errors=[fault])


def misfit(pointer: str, detail: str) -> Problem:
    """422: a part of the body does not go with another."""
    return Problem(422, "Body does not fit", detail, errors=[{"pointer": pointer, "detail": detail}])
