"""What jobs of queues store as their progress, as calls of a job."""

import pytest

from headway.reporting.foreign_progress import show
from tests.fixtures.noted_reports import NotedJob

COUNTED = {"message": None, "done": 3, "total": 4}


@pytest.mark.parametrize(
    ("stored", "calls"),
    [
        (42, [("update", 42)]),
        ("half", [("update", {"message": "half"})]),
        ({"current": 3, "total": 4}, [("update", COUNTED)]),
        ({"done": 3, "total": None}, [("update", COUNTED | {"total": None})]),
        (
            {"current": 3, "total": "?", "status": "reading"},
            [("update", COUNTED | {"total": None, "message": "reading"})],
        ),
        (
            {"pending": False, "current": 3, "total": 4, "percent": 75.0, "description": "x"},
            [("update", COUNTED | {"message": "x"})],
        ),
        ({"percent": 12.5, "message": 7}, [("update", 12.5, None)]),
        ({"progress": {"current": 3, "total": 4}, "user": "ann"}, [("update", COUNTED)]),
        ({"progress": 30, "stage": "reading"}, [("update", 30, "reading")]),
        ({"stage": "reading"}, [("update", {"message": "reading"})]),
        ({"user": "ann"}, []),
        ({"current": True}, []),
        (True, []),
        (None, []),
        ([1], []),
    ],
)
def test_stored_progress_is_reported(stored, calls):
    job = NotedJob("t1")
    show(job, stored)
    assert job.calls == calls
