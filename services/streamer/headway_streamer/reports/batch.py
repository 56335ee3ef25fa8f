"""A batch of reports as events of the log: merged where that loses nothing, each with how far it reports. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from headway.eventlog.chain import EVENT_BYTES
from headway.events import MAX_CHUNK_CHARS, Chunk, Event, LogLine, Progress
from headway.producer import Producer
from headway.progress.state import MAX_PERCENT
from headway.values.coercion import shorten
from headway_streamer.api.report_models import ChunkReport, EventReport, LogReport, ProgressReport, StepReport
from headway_streamer.reports.pace import pace

MAX_UNIT_CHARS = 40
MAX_NAME_CHARS = 200
"""Of a step or logger."""

BLANK = Progress(status="processing", progress=0.0, message="", step="")


class Entry(NamedTuple):
    """An event, and what of the producer is stored with it."""

    event: Event
    producer: Producer


def merged(reports: Sequence[EventReport], producer: Producer, latest: Progress, now: float) -> Iterator[Entry]:
    """The events of `reports`, which follow what is stored of `producer`.

    Of progress in a row the last state is kept; output in a row is joined. A repeated call, with any part of the same
    reports, continues where the log ends.

    Args:
        latest: the last progress of the attempt.
        now: seconds since 1970.
    """
    for run in _runs(reports):
        producer, latest, event = _stored(run, producer, latest, now)
        yield Entry(event, producer)


def moves(report: EventReport) -> bool:
    """Whether `report` changes the progress."""
    return isinstance(report, ProgressReport | StepReport)


def size_of(report: EventReport) -> int:
    """About how many bytes of the log a report takes."""
    texts = [getattr(report, name, None) or "" for name in ("text", "message", "name")]
    return EVENT_BYTES + sum(len(text.encode()) for text in texts)


def _runs(reports: Sequence[EventReport]) -> Iterator[list[EventReport]]:
    """The reports that become one event each."""
    run: list[EventReport] = []
    chars = 0
    for report in reports:
        size = len(report.text) if isinstance(report, ChunkReport) else 0
        if run and not _joins(run[-1], report, chars + size):
            yield run
            run, chars = [], 0
        run.append(report)
        chars += size
    if run:
        yield run


def _joins(last: EventReport, report: EventReport, chars: int) -> bool:
    if isinstance(report, ChunkReport):
        return isinstance(last, ChunkReport) and chars <= MAX_CHUNK_CHARS
    return isinstance(report, ProgressReport) and moves(last)


def _stored(
    run: list[EventReport], producer: Producer, latest: Progress, now: float
) -> tuple[Producer, Progress, Event]:
    """The producer and the latest progress after `run`, and its event."""
    after = producer._replace(sequence=producer.sequence + len(run))
    event: Event
    if isinstance(run[0], LogReport):
        line = run[0]
        event = LogLine(level=line.level, message=shorten(line.message), logger=shorten(line.logger, MAX_NAME_CHARS))
    elif isinstance(run[0], ChunkReport):
        text = "".join(each.text for each in run if isinstance(each, ChunkReport))
        event = Chunk(text=text, offset=producer.chars)
        after = after._replace(chars=producer.chars + len(text))
    else:
        event = latest = _moved(latest, run, producer.began, now)
    return after, latest, event


def _moved(before: Progress, run: list[EventReport], began: float, now: float) -> Progress:
    state = msgspec.structs.replace(before, at=now, rate=None, eta=None, state="", sub=None)
    for report in run:
        if isinstance(report, StepReport):
            state = _stepped(state, report)
        elif isinstance(report, ProgressReport):
            state = _reported(state, report)
    found = pace(before, state, began) if before.step == state.step else None
    if state.rate is None and found is not None and found.rate is not None:
        state.rate = round(found.rate, 3)
    if state.eta is None and found is not None and found.eta is not None:
        state.eta = round(found.eta, 1)
    return state


def _stepped(state: Progress, report: StepReport) -> Progress:
    unit = state.unit if report.unit is None else shorten(report.unit, MAX_UNIT_CHARS)
    name = shorten(report.name, MAX_NAME_CHARS)
    return msgspec.structs.replace(
        state, step=name, message="", done=None, total=report.total, unit=unit, rate=None, eta=None
    )


def _reported(state: Progress, report: ProgressReport) -> Progress:
    done = state.done if report.done is None else report.done
    total = state.total if report.total is None else report.total
    if done is not None and total is not None:
        total = max(total, done)
    return msgspec.structs.replace(
        state,
        progress=_percent(state.progress, report.progress, done, total),
        message=state.message if report.message is None else shorten(report.message),
        done=done,
        total=total,
        unit=state.unit if report.unit is None else shorten(report.unit, MAX_UNIT_CHARS),
        rate=state.rate if report.rate is None else report.rate,
        eta=state.eta if report.eta is None else report.eta,
    )


def _percent(before: float, wanted: float | None, done: float | None, total: float | None) -> float:
    """The bar: it never goes back, and is below 100."""
    if wanted is None:
        wanted = 100.0 * done / total if done is not None and total else 0.0
    return round(max(before, min(wanted, MAX_PERCENT)), 2)
