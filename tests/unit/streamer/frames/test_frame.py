"""Frames: their bytes, and which of them may be merged."""

import json

import pytest

from headway import codec
from headway.client.sse_parser import Parser
from headway.errors import MalformedEventError
from headway.events import Cancel, Chunk, LogLine
from headway.testing import progress
from headway_streamer.api.models import Resumed
from headway_streamer.frames import sse
from headway_streamer.frames.dialect import CELERY, NATIVE, THREE_WORDS
from headway_streamer.frames.frame import Frame, merge


def frame(event, n=1, seq=None, **fields):
    event.task, event.n, event.at = "t1", n, 1.5
    event.attempt = fields.pop("attempt", 1)
    return Frame.of(event, codec.encode(event), seq or n * 10, b"inc")


def lines(raw):
    assert raw.endswith(b"\n\n")
    assert raw.count(b"\n\n") == 1
    return raw.decode().rstrip("\n").split("\n")


def test_a_progress_has_no_event_name_so_that_onmessage_sees_it():
    id, data = lines(frame(progress("processing", 42.0), n=7).native)
    assert id == "id: inc.46-7"
    assert data.startswith('data: {"type":"progress","task":"t1","n":7,')


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (Chunk(text="a\nb", offset=0), "chunk"),
        (LogLine(level="info", message="m"), "log"),
        (Cancel(reason="r"), "cancel"),
    ],
)
def test_other_events_are_named(event, name):
    head, id, data = lines(frame(event).native)
    assert (head, id) == (f"event: {name}", "id: inc.a-1")
    assert json.loads(data[6:])["type"] == name


HOSTILE = "a\v\f\x1c\x1d\x1e\x7f\x85\u2028\u2029\r\nid: 1\r\rdata: 2\n\n\0b"


@pytest.mark.security
@pytest.mark.parametrize("split", [str.splitlines, lambda text: text.split("\n")], ids=["splitlines", "LF"])
@pytest.mark.parametrize(
    "event",
    [
        progress("processing", 1.0, message=HOSTILE),
        Chunk(text=HOSTILE, offset=0),
        LogLine(level="info", message=HOSTILE),
    ],
    ids=["progress", "chunk", "log"],
)
def test_no_text_ends_a_line_of_a_frame(event, split):
    """In every form that a frame is sent in, whatever a client takes for the end of a line."""
    made = frame(event)
    forms = [made.form(dialect) for dialect in (NATIVE, CELERY, THREE_WORDS)]
    for raw in (*forms, made.with_id("cursor"), sse.control(Resumed(HOSTILE), id="c")):
        fields = [line.partition(": ")[0] for line in split(raw.decode())]
        assert [name for name in fields if name] in (["id", "data"], ["event", "id", "data"], ["id", "event", "data"])
        (parsed,) = Parser().feed(raw)
        assert HOSTILE in json.loads(parsed.data).values()


@pytest.mark.security
def test_json_of_a_foreign_writer_is_made_one_line():
    event = progress("processing", 1.0, message="\u2028\x85 x")
    event.task, event.n, event.attempt = "t1", 1, 1
    pretty = json.dumps(json.loads(codec.encode(event)), indent=2, ensure_ascii=False).replace("\n", "\r\n").encode()
    made = Frame.of(event, pretty, 10, b"inc").native
    assert len(lines(made)) == 2
    assert b"\r" not in made
    assert b"\xe2\x80\xa8" not in made


@pytest.mark.security
def test_bytes_that_are_no_json_are_no_frame():
    event = progress()
    event.n = 1
    with pytest.raises(MalformedEventError):
        Frame.of(event, b"{\n", 1, b"inc")


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (progress("queued"), "PENDING"),
        (progress("processing"), "STARTED"),
        (progress("processing", 0.0, step="Fetching"), "PROGRESS"),
        (progress("processing", 3.0), "PROGRESS"),
        (progress("retrying"), "RETRY"),
        (progress("completed", 100.0, data={"a": 1}), "SUCCESS"),
        (progress("error"), "FAILURE"),
        (progress("cancelled"), "REVOKED"),
    ],
)
def test_statuses_translate_to_celery_states(state, word):
    made = frame(state)
    id, data = lines(made.form(CELERY))
    shown = json.loads(data[6:])
    assert (id, shown["status"]) == ("id: inc.a-1", word)
    assert shown | {"status": state.status} == json.loads(lines(made.native)[1][6:])


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (progress("queued", message="waiting"), {"status": "processing", "message": "waiting"}),
        (progress("processing", 3.0), {"status": "processing"}),
        (progress("retrying", message="again"), {"status": "processing", "message": "again"}),
        (progress("completed", 100.0, data={"big": 2**64 + 1}), {"status": "completed", "data": {"big": 2**64 + 1}}),
        (progress("error", message="no"), {"status": "error", "message": "no"}),
        (
            progress("cancelled", message="typo"),
            {"status": "error", "message": "typo", "error": {"type": "Cancelled", "message": "typo"}},
        ),
        (progress("cancelled"), {"status": "error", "message": "cancelled"}),
    ],
)
def test_statuses_translate_to_the_three_states(state, shown):
    id, data = lines(frame(state).form(THREE_WORDS))
    assert id == "id: inc.a-1"
    assert json.loads(data[6:]).items() >= shown.items()


@pytest.mark.parametrize("dialect", [CELERY, THREE_WORDS])
def test_a_form_is_made_once_and_what_no_dialect_changes_is_the_stored_event(dialect):
    made, line = frame(progress("queued")), frame(LogLine(level="info", message="m"))
    assert made.form(dialect) is made.form(dialect)
    assert made.form(NATIVE) is made.native
    assert line.form(dialect) is line.native


def test_an_id_of_its_own_stands_before_the_words_of_the_dialect():
    id, data = lines(frame(progress("queued")).with_id("inc.a-1._t1", THREE_WORDS))
    assert (id, json.loads(data[6:])["status"]) == ("id: inc.a-1._t1", "processing")


def tick(n, **fields):
    attempt = fields.pop("attempt", 1)
    return frame(progress(fields.pop("status", "processing"), float(n), **fields), n=n, attempt=attempt)


def kept(*frames):
    return [f.n for f in merge(list(frames))]


def test_like_ticks_merge_to_the_latest():
    assert kept(tick(1), tick(2), tick(3)) == [3]


def test_a_change_of_step_status_or_attempt_is_never_merged_away():
    assert kept(tick(1), tick(2, step="b"), tick(3, step="b"), tick(4, status="retrying"), tick(5, attempt=2)) == [
        1,
        3,
        4,
        5,
    ]


def test_chunks_logs_and_cancels_are_kept_and_part_the_ticks():
    others = [
        frame(Chunk(text="x", offset=0), n=2),
        frame(LogLine(level="info", message=""), n=4),
        frame(Cancel(reason=""), n=5),
    ]
    assert kept(tick(1), others[0], tick(3), others[1], others[2], tick(6), tick(7)) == [1, 2, 3, 4, 5, 7]


def test_a_terminal_event_is_kept():
    assert kept(tick(1), tick(2, status="completed"), tick(3, status="completed")) == [1, 2, 3]


def test_nothing_merges_to_nothing():
    assert kept() == []
