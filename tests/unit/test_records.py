"""Records: what is kept beside the log comes back, and nothing else passes for one."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway import codec
from headway.errors import MalformedEventError
from headway.records import DeadJob, JobMessage, KindRecord, TaskRecord, decode_record, decode_task

RECORDS = [
    TaskRecord(task="t1", kind="crawl", created=1.5),
    TaskRecord(task="t1", kind="crawl", created=1.5, params=codec.raw(b'{"a":[1]}'), owner="é", retry_of="t0"),
    JobMessage(task="t1", kind="crawl"),
    JobMessage(task="t1", kind="crawl", params=codec.raw(b'{"url":"x"}'), submitted=2.5),
    DeadJob(job=codec.raw(b'{"task":"t1"}'), reason="given up", at=3.5),
    KindRecord(kind="crawl"),
    KindRecord(
        kind="crawl",
        description="Fetches.",
        params={"type": "object", "properties": {"url": {"type": "string"}}},
        timeout_seconds=2.0,
        retries=3,
        concurrency=4,
    ),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_comes_back_as_it_was(record):
    assert decode_record(codec.encode_json(record), type(record)) == record


def test_parameters_are_kept_byte_for_byte():
    raw = b'{"b": 1.0,  "a": "\\u00e9"}'
    record = decode_record(b'{"task":"t1","kind":"k","params":' + raw + b"}", JobMessage)
    assert bytes(record.params) == raw
    assert raw in codec.encode_json(record)


def test_parameters_that_are_left_out_are_an_empty_object():
    assert bytes(decode_record(b'{"task":"t1","kind":"k"}', JobMessage).params) == b"{}"


def test_two_kinds_do_not_share_a_schema():
    one, other = KindRecord(kind="a"), KindRecord(kind="b")
    one.params["x"] = 1
    assert other.params == {}


def test_a_field_of_a_later_version_is_passed_over():
    assert decode_record(b'{"task":"t1","kind":"k","priority":9}', JobMessage) == JobMessage(task="t1", kind="k")


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"", "truncated"),
        (b"nope", "malformed"),
        (b"[]", "object"),
        (b"{}", "task"),
        (b'{"task":"t1"}', "kind"),
        (b'{"task":1,"kind":"k"}', r"\$\.task"),
        (b'{"task":"t1","kind":"k","submitted":"now"}', r"\$\.submitted"),
        (b'{"task":"\xff","kind":"k"}', "utf-8"),
        (b'{"task":"t1","kind":"k","params":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested deeper"),
    ],
)
def test_what_is_no_record_is_refused_with_the_place(raw, place):
    with pytest.raises(MalformedEventError, match=f"not a Job.*{place}"):
        decode_record(raw, JobMessage)


@given(st.binary())
def test_no_bytes_raise_anything_else(noise):
    for kind in (TaskRecord, JobMessage, DeadJob, KindRecord):
        with suppress(MalformedEventError):
            assert isinstance(decode_record(noise, kind), kind)


def test_record_of_a_task_is_that_of_its_id():
    record = TaskRecord(task="t1", kind="crawl", created=1.5)
    assert decode_task(codec.encode_json(record), "t1") == record


@pytest.mark.parametrize(
    "record",
    [
        TaskRecord(task="t2", kind="crawl", created=1.5),
        TaskRecord(task="t1", kind="a b", created=1.5),
        TaskRecord(task="t1", kind="crawl", created=-1.0),
        TaskRecord(task="t1", kind="crawl", created=1e12),
    ],
)
def test_record_of_something_else_is_malformed(record):
    with pytest.raises(MalformedEventError, match="not a TaskRecord"):
        decode_task(codec.encode_json(record), "t1")
