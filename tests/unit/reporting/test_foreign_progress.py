"""The keys of `meta` that people use."""

import pytest

from headway.reporting.foreign_progress import ForeignProgress, Reading, read
from tests.fixtures.noted_reports import NotedJob


@pytest.mark.parametrize(
    ("meta", "reading"),
    [
        ({"current": 3, "total": 10}, Reading(done=3, total=10)),
        ({"current": 3, "total": 10, "status": "page 3"}, Reading(done=3, total=10, message="page 3")),
        (
            {"pending": False, "current": 5, "total": 10, "percent": 50.0, "description": "half"},  # celery-progress
            Reading(done=5, total=10, message="half"),
        ),
        ({"current": 0, "total": 0, "percent": 0, "description": ""}, Reading(done=0, percent=0)),
        ({"done": "7", "total": "9"}, Reading(done=7, total=9)),
        ({"progress": 40}, Reading(percent=40)),
        ({"progress": 4, "total": 8}, Reading(done=4, total=8)),
        ({"percent": 12.5, "message": "on"}, Reading(percent=12.5, message="on")),
        ({"processed": 8, "unit": "rows"}, Reading(done=8, unit="rows")),
        ({"stage": "resize", "current": 1, "total": 2}, Reading(done=1, total=2, step="resize")),
        ({"description": "", "message": "second"}, Reading(message="second")),
        ({"current": True, "total": [], "status": 3, "step": 4}, Reading()),
        ({"current": float("nan"), "total": float("inf")}, Reading()),
        ({1: 2}, Reading()),
        ("words", Reading(message="words")),
        ("", Reading()),
        (None, Reading()),
        (42, Reading()),
        ({"progress": {"current": 3, "total": 4}, "user": "ann", "status": "x"}, Reading(done=3, total=4)),
        (ValueError("no mapping"), Reading()),
    ],
)
def test_what_a_meta_says(meta, reading):
    assert read(meta) == reading


def test_a_step_begins_when_its_name_changes_and_what_says_nothing_is_left_out():
    job = NotedJob("t1")
    progress = ForeignProgress(job)
    for meta in ({"stage": "read", "current": 1, "total": 2}, {"stage": "read", "percent": 75}, {"user": "ann"}, "on"):
        progress.show(meta)
    counted = {"done": 1, "total": 2, "unit": None}
    nothing = {"done": None, "total": None, "unit": None}
    assert job.calls == [
        ("step", "read", {"total": 2, "unit": None}),
        ("update", None, None, counted),
        ("update", 75, None, nothing),
        ("update", None, "on", nothing),
    ]
