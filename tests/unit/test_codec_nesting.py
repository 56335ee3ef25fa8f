"""How deep JSON may be nested."""

import time

import pytest

from headway import codec
from headway.errors import MalformedEventError, NestedTooDeepError
from headway.records import JobMessage, decode_record

pytestmark = pytest.mark.security

LIMIT = codec.MAX_DEPTH


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * LIMIT + b"]" * LIMIT,
        b'{"a":' * LIMIT + b"1" + b"}" * LIMIT,
        b"[" + b"[]," * 5000 + b"[]]",
        b'"' + b"[{" * 5000 + b'"',
        b'["' + b'\\"[' * 5000 + b'"]',
        b'["\\\\", [' + b'"]",' * 500 + b"1]]",
    ],
)
def test_what_is_nested_up_to_the_limit_passes(raw):
    codec.check_depth(raw)


@pytest.mark.parametrize("depth", [LIMIT + 1, 973, 974, 975, 976, 100_000])
def test_what_is_nested_deeper_is_refused(depth):
    for raw in (b"[" * depth + b"]" * depth, b'{"a":[' * depth + b'"]}"' + b"]}" * depth):
        with pytest.raises(NestedTooDeepError):
            codec.check_depth(raw)


@pytest.mark.parametrize("raw", [b"[" * 131_072, b'"' + b'\\"' * 131_072, b'["' * 131_072, b"]" * 131_072])
def test_hostile_input_takes_little_time(raw):
    begun = time.process_time()
    codec.check_depth(raw)
    assert time.process_time() - begun < 0.5


def test_records_and_events_of_more_levels_are_malformed():
    deep = b"[" * 500 + b"]" * 500
    with pytest.raises(MalformedEventError):
        decode_record(b'{"task":"t","kind":"k","params":' + deep + b"}", JobMessage)
    event = (
        b'{"type":"progress","task":"t","n":1,"attempt":1,"status":"completed","progress":100,"message":"","step":""'
    )
    codec.decode(event + b"}")
    with pytest.raises(MalformedEventError):
        codec.decode(event + b',"data":' + deep + b"}")
