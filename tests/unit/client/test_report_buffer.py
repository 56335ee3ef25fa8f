"""What a report has noted and not sent: merged, bounded, numbered."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from headway.client.report_buffer import MAX_BATCH_BYTES, MAX_CHARS, MAX_EVENTS, MAX_LINES, ReportBuffer


def taken(buffer: ReportBuffer) -> list[dict[str, Any]]:
    """The events of the next batch, which is stored."""
    batch = buffer.take()
    buffer.stored(batch.sequence + len(batch.events) - 1)
    return [msgspec.json.decode(event) for event in batch.events]


def test_progress_is_merged_to_the_latest_of_each_field() -> None:
    buffer = ReportBuffer()
    buffer.progress({"done": 1.0, "total": 9.0})
    buffer.progress({"done": 2.0})
    assert taken(buffer) == [{"type": "progress", "done": 2.0, "total": 9.0}]
    assert buffer.empty


def test_the_last_state_of_a_step_is_kept_before_the_next_one() -> None:
    buffer = ReportBuffer()
    buffer.progress({"done": 9.0})
    buffer.step("second", 5.0, None)
    buffer.progress({"done": 1.0})
    assert [event.get("done", event.get("name")) for event in taken(buffer)] == [9.0, "second", 1.0]


def test_output_is_joined_and_split_without_loss() -> None:
    buffer = ReportBuffer()
    buffer.output("one ")
    buffer.output("two ")
    buffer.output("x" * 40_000)
    events = taken(buffer)
    assert "".join(event["text"] for event in events) == "one two " + "x" * 40_000
    assert len(events) == 4


def test_a_batch_is_the_same_until_it_is_stored() -> None:
    buffer = ReportBuffer()
    buffer.line("a", "info", "")
    first = buffer.take()
    buffer.line("b", "info", "")
    assert buffer.take() == first
    buffer.stored(1)
    second = buffer.take()
    assert (second.sequence, len(second.events)) == (2, 1)


@pytest.mark.parametrize(("stored", "sequence", "left"), [(0, 1, 3), (1, 2, 2), (3, 4, 0), (7, 8, 0)])
def test_what_the_server_has_of_a_batch_is_not_sent_again(stored: int, sequence: int, left: int) -> None:
    buffer = ReportBuffer()
    for text in "abc":
        buffer.line(text, "info", "")
    buffer.take()
    buffer.stored(stored)
    batch = buffer.take()
    assert (batch.sequence, len(batch.events)) == (sequence, left)


def test_of_a_flood_of_lines_the_first_are_kept_and_the_rest_is_counted() -> None:
    buffer = ReportBuffer()
    for number in range(MAX_LINES + 50):
        buffer.line(f"line {number}", "info", "")
    events = taken(buffer) + taken(buffer)
    assert len(events) == MAX_LINES + 1
    assert events[-1] == {"type": "log", "level": "warning", "message": "50 more lines left out"}
    assert buffer.left_out == 50
    buffer.line("later", "info", "")
    assert taken(buffer)[-1]["message"] == "later"


def test_of_a_flood_of_output_and_steps_the_rest_is_counted() -> None:
    buffer = ReportBuffer()
    for _ in range(100):
        buffer.output("x" * (MAX_CHARS // 10))
    for number in range(MAX_LINES + 5):
        buffer.step(str(number), None, None)
    events: list[dict[str, Any]] = []
    while not buffer.empty:
        events += taken(buffer)
    assert sum(len(event.get("text", "")) for event in events) <= MAX_CHARS * 1.1
    assert [event["message"] for event in events if event["type"] == "log"] == [
        f"{90 * (MAX_CHARS // 10) - MAX_CHARS // 10:,} more characters of output left out",
        "5 more steps left out",
    ]


def test_a_batch_is_bounded() -> None:
    buffer = ReportBuffer()
    for _ in range(MAX_EVENTS):
        buffer.line("x" * 4000, "info", "")
    batch = buffer.take()
    assert sum(map(len, batch.events)) < MAX_BATCH_BYTES + 8000
    assert len(batch.events) < MAX_EVENTS


def test_after_it_is_closed_nothing_waits() -> None:
    buffer = ReportBuffer()
    buffer.line("a", "info", "")
    buffer.take()
    buffer.close()
    buffer.line("b", "info", "")
    buffer.progress({"done": 1.0})
    buffer.step("c", None, None)
    buffer.output("d")
    buffer.leave_out_lines(3)
    assert buffer.empty
    assert buffer.left_out == 0
