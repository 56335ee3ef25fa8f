"""Batches of reports as events of the log."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.events import MAX_CHUNK_CHARS, Chunk, LogLine, Progress
from headway.producer import Producer
from headway.testing import progress
from headway_streamer.api.report_models import ChunkReport, LogReport, ProgressReport, StepReport
from headway_streamer.reports.batch import BLANK, merged, moves

BEGAN = Producer(began=1000.0)


def events(*reports, latest=BLANK, producer=BEGAN, now=1010.0):
    return [entry.event for entry in merged(reports, producer, latest, now)]


def last(*reports, **options):
    return events(*reports, **options)[-1]


def test_progress_in_a_row_is_one_event_and_output_is_joined():
    reports = [
        ProgressReport(done=1, total=4, message="a"),
        ProgressReport(done=2),
        ChunkReport("x"),
        ChunkReport("y"),
        LogReport("one"),
        LogReport("two", level="error", logger="db"),
        ProgressReport(message="b"),
        StepReport("Load", total=7),
        ProgressReport(done=3),
    ]
    found = list(merged(reports, Producer(4, 10), BLANK, 1010.0))
    assert [type(entry.event) for entry in found] == [Progress, Chunk, LogLine, LogLine, Progress, Progress]
    assert [entry.producer.sequence for entry in found] == [6, 8, 9, 10, 11, 13]
    assert [entry.producer.chars for entry in found] == [10, 12, 12, 12, 12, 12]
    first, output, _, line, before, step = (entry.event for entry in found)
    assert (first.done, first.total, first.message, first.progress) == (2.0, 4.0, "a", 50.0)
    assert (output.text, output.offset) == ("xy", 10)
    assert (line.level, line.message, line.logger) == ("error", "two", "db")
    assert (before.step, before.message) == ("", "b")
    assert (step.step, step.message, step.done, step.total, step.progress) == ("Load", "", 3.0, 7.0, 50.0)


def test_output_is_joined_up_to_the_size_of_an_event():
    half = MAX_CHUNK_CHARS // 2
    texts = [event.text for event in events(*(ChunkReport("x" * half) for _ in range(5)))]
    assert [len(text) for text in texts] == [2 * half, 2 * half, half]


@pytest.mark.parametrize(
    ("reports", "shown"),
    [
        ([ProgressReport(progress=30)], 30.0),
        ([ProgressReport(progress=-5)], 10.0),
        ([ProgressReport(progress=5)], 10.0),
        ([ProgressReport(progress=100)], 99.9),
        ([ProgressReport(progress=1e300)], 99.9),
        ([ProgressReport(done=1, total=3)], 33.33),
        ([ProgressReport(done=3, total=3)], 99.9),
        ([ProgressReport(done=5, total=0)], 99.9),
        ([ProgressReport(progress=20, done=1, total=2)], 20.0),
        ([ProgressReport(progress=40), ProgressReport(progress=30)], 40.0),
        ([ProgressReport(message="only")], 10.0),
    ],
)
def test_the_bar_never_goes_back_and_stays_below_100(reports, shown):
    assert last(*reports, latest=progress(percent=10.0)).progress == shown


def test_the_total_is_never_below_what_is_done():
    assert last(ProgressReport(done=9, total=5)).total == 9.0


def test_what_is_left_out_stays_as_it_was():
    before = progress(percent=10.0, message="a", step="s", done=1.0, total=9.0, unit="rows", failed=2, state="WORD")
    after = last(ProgressReport(progress=20), latest=before)
    assert after == msgspec.structs.replace(before, progress=20.0, at=1010.0, state="")


def test_the_rate_is_that_of_the_caller_or_computed():
    before = progress(done=10.0, total=100.0, at=1000.0)
    computed = last(ProgressReport(done=20), latest=before)
    assert (computed.rate, computed.eta) == (1.0, 80.0)
    told = last(ProgressReport(done=15, rate=7, eta=3), ProgressReport(done=20), latest=before)
    assert (told.rate, told.eta) == (7.0, 3.0)
    assert last(StepReport("next"), ProgressReport(done=20), latest=before).rate is None


def test_long_texts_are_cut():
    after = last(StepReport("s" * 999, unit="u" * 99), ProgressReport(message="m" * 9999))
    assert (len(after.step), len(after.unit), len(after.message)) == (200, 40, 4000)
    line = last(LogReport("m" * 9999, logger="l" * 999))
    assert (len(line.message), len(line.logger)) == (4000, 200)


REPORTS = st.lists(
    st.one_of(
        st.builds(ChunkReport, st.text(min_size=1, max_size=3)),
        st.builds(LogReport, st.text(max_size=3)),
        st.builds(StepReport, st.text(max_size=3), total=st.none() | st.floats(0, 10)),
        st.builds(
            ProgressReport,
            progress=st.none() | st.floats(-10, 200),
            done=st.none() | st.floats(0, 10),
            total=st.none() | st.floats(0, 10),
            message=st.none() | st.text(max_size=3),
        ),
    ),
    max_size=12,
)


@given(REPORTS, st.data())
def test_a_batch_that_is_interrupted_and_sent_again_ends_in_the_same_state(reports, data):
    whole = list(merged(reports, BEGAN, BLANK, 1010.0))
    cut = data.draw(st.integers(0, len(whole)))
    head = whole[:cut]
    producer = head[-1].producer if head else BEGAN
    latest = next((entry.event for entry in reversed(head) if isinstance(entry.event, Progress)), BLANK)
    assert head + list(merged(reports[producer.sequence :], producer, latest, 1010.0)) == whole
    assert sum(len(entry.event.text) for entry in whole if isinstance(entry.event, Chunk)) == (
        whole[-1].producer.chars if whole else 0
    )
    assert (whole[-1].producer.sequence if whole else 0) == len(reports)
    assert all(0.0 <= entry.event.progress < 100.0 for entry in whole if isinstance(entry.event, Progress))


def test_progress_and_steps_move_the_bar():
    assert [moves(each) for each in (ProgressReport(), StepReport("s"), ChunkReport("c"), LogReport("l"))] == [
        True,
        True,
        False,
        False,
    ]
