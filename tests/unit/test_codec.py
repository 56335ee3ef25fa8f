"""Events to bytes and back: one clean line out, nothing but events in."""

import io
import json
import re
from contextlib import suppress

import msgspec
import pytest
from httpx._decoders import LineDecoder
from hypothesis import given
from hypothesis import strategies as st

from headway import codec
from headway.errors import EventTooLargeError, MalformedEventError
from headway.events import Beat, Cancel, Chunk, ErrorInfo, LogLine, Progress
from headway.testing import progress

SEPARATORS = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""What str.splitlines takes for the end of a line besides CR and LF."""
ALL_OF_UNICODE = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
DEEP = b"[" * 100_000 + b"]" * 100_000

texts = st.text(st.characters(codec="utf-8") | st.sampled_from('\r\n"\\\x00' + SEPARATORS), max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 2**53)
values = st.recursive(
    st.none() | st.booleans() | counts | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
headers = {
    "task": st.just("t1"),
    "n": st.integers(1, 2**53),
    "attempt": counts,
    "at": numbers,
    "first": counts,
    "snap": counts,
}
events = st.one_of(
    st.builds(Chunk, text=texts, offset=counts, **headers),
    st.builds(LogLine, level=st.sampled_from(["debug", "info", "warning", "error"]), message=texts, **headers),
    st.builds(Cancel, reason=texts, **headers),
    st.builds(
        Progress,
        status=st.sampled_from(["queued", "processing", "retrying", "completed", "error", "cancelled"]),
        progress=numbers,
        message=texts,
        step=texts,
        done=st.none() | numbers,
        total=st.none() | numbers,
        unit=texts,
        rate=st.none() | numbers,
        eta=st.none() | numbers,
        failed=counts,
        data=st.just(msgspec.UNSET) | values,
        error=st.none() | st.builds(ErrorInfo, type=texts, message=texts, retryable=st.booleans()),
        **headers,
    ),
)


def by_httpx(raw: bytes) -> list[str]:
    reader = LineDecoder()
    return [*reader.decode(raw.decode()), *reader.flush()]


SPLITTERS = {
    "str.splitlines": lambda raw: raw.decode().splitlines(),
    "bytes.splitlines": bytes.splitlines,
    "httpx's iter_lines": by_httpx,
    "a text file": lambda raw: list(io.TextIOWrapper(io.BytesIO(raw), "utf-8")),
    "\\R of Perl, Java and Ruby": lambda raw: re.split("\r\n|[\n\v\f\r\x85\u2028\u2029]", raw.decode()),
}


def stands_on_one_line(raw: bytes) -> bool:
    return all(len(split(raw)) == 1 for split in SPLITTERS.values())


def line(**fields: object) -> bytes:
    return codec.encode_json(
        {"type": "log", "task": "t1", "n": 1, "attempt": 0, "level": "info", "message": "m"} | fields
    )


# Out


@given(events)
def test_an_event_comes_back_as_it_was(event):
    assert codec.decode(codec.encode(event)) == event


@given(events)
def test_an_encoded_event_stands_on_one_line(event):
    raw = codec.encode(event)
    assert stands_on_one_line(raw)
    assert codec.splice(raw) is raw


@given(values)
def test_json_comes_back_as_it_was(value):
    raw = codec.encode_json(value)
    assert stands_on_one_line(raw)
    assert codec.decode_json(raw) == value == json.loads(raw)


def test_a_result_that_is_encoded_already_is_put_in_as_it_is():
    event = progress("completed", 100.0, n=1, attempt=1, data=codec.raw(b'{"rows":3}'))
    assert codec.decode(codec.encode(event)).data == {"rows": 3}


@pytest.mark.parametrize("filler", ["x", "é", "\u2028", "\x01"])
def test_an_event_over_the_limit_is_refused_before_it_is_sent(filler):
    each = len(codec.encode_json(filler)) - 2
    room = codec.MAX_EVENT_BYTES - len(codec.encode(Chunk(text="", offset=0)))
    fits = Chunk(text=filler * (room // each), offset=0)
    assert codec.MAX_EVENT_BYTES - each < len(codec.encode(fits)) <= codec.MAX_EVENT_BYTES
    fits.text += filler
    with pytest.raises(EventTooLargeError) as caught:
        codec.encode(fits)
    assert caught.value.limit_bytes == codec.MAX_EVENT_BYTES < caught.value.size_bytes


@pytest.mark.parametrize("value", [object(), {1j: 1}, {"a": {object()}}])
def test_a_value_without_a_json_form_is_a_type_error(value):
    with pytest.raises(TypeError):
        codec.encode_json(value)


def test_a_number_that_json_lacks_becomes_null():
    assert codec.encode_json([float("nan"), float("inf")]) == b"[null,null]"


# In

MALFORMED = {
    "nothing": b"",
    "no JSON": b"nope",
    "half": line()[:-1],
    "more behind": line() + b"}",
    "a byte order mark": b"\xef\xbb\xbf" + line(),
    "not an object": b"[1]",
    "no type": line().replace(b'"type":"log",', b""),
    "unknown type": line(type="nonsense"),
    "a beat": codec.encode_json(Beat(task="t1")),
    "unknown level": line(level="loud"),
    "text as number": line(message=1),
    "n as text": line(n="1"),
    "n as float": line(n=1.5),
    "n as bool": line(n=True),
    "n zero": line(n=0),
    "n negative": line(n=-1),
    "n missing": line().replace(b'"n":1,', b""),
    "n beyond all bounds": line().replace(b'"n":1', b'"n":' + b"9" * 5000),
    "attempt negative": line(attempt=-1),
    "attempt missing": line().replace(b'"attempt":0,', b""),
    "NaN": line().replace(b'"n":1', b'"at":NaN,"n":1'),
    "number out of range": line().replace(b'"n":1', b'"at":1e999,"n":1'),
    "progress null": codec.encode(progress(percent=float("nan"), n=1, attempt=1)),
    "line end in a string": line().replace(b'"m"', b'"a\nb"'),
    "no UTF-8": line().replace(b'"m"', b'"\xff"'),
    "UTF-8 cut short": line().replace(b'"m"', b'"\xe2\x80"'),
    "a surrogate in UTF-8": line().replace(b'"m"', b'"\xed\xa0\x80"'),
    "half a surrogate pair": line().replace(b'"m"', b'"\\ud800"'),
    "nested too deep": line().replace(b'"m"', b'"m","x":' + DEEP),
    "a result nested too deep": codec.encode(progress(n=1, attempt=1, data=0)).replace(b":0}", b":" + DEEP + b"}"),
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_event_is_refused(raw):
    with pytest.raises(MalformedEventError):
        codec.decode(raw)


@given(st.binary() | st.tuples(st.integers(0, 90), st.binary(max_size=4)))
def test_no_bytes_raise_anything_else(noise):
    if isinstance(noise, tuple):
        at, put_in = noise
        noise = line()[:at] + put_in + line()[at + 1 :]
    for decode in (codec.decode, codec.decode_beat, codec.decode_json, codec.splice):
        with suppress(MalformedEventError):
            decode(noise)


def test_an_event_of_another_task_is_refused():
    assert codec.decode(line(), "t1").task == "t1"
    with pytest.raises(MalformedEventError, match="t1"):
        codec.decode(line(), "t2")


def test_a_beat_comes_back_as_it_was():
    beat = Beat(task="t1", attempt=2, presence=True)
    assert codec.decode_beat(codec.encode_json(beat)) == beat


@pytest.mark.parametrize(
    "raw", [b"", b"{}", line(), b'{"type":"beat","task":"\xff"}', b'{"type":"beat","task":1}', DEEP]
)
def test_what_is_no_beat_is_refused(raw):
    with pytest.raises(MalformedEventError):
        codec.decode_beat(raw)


@pytest.mark.parametrize("raw", [b"", b"nope", b"NaN", b'"\xff"', b'{"\xff":1}', b"1e999", DEEP])
def test_what_is_no_json_is_refused(raw):
    with pytest.raises(MalformedEventError):
        codec.decode_json(raw)


# Spliced


@given(values, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_spliced_json_stands_on_one_line_and_means_the_same(value, line_end, escaped):
    raw = json.dumps({"a": value}, indent=1, ensure_ascii=escaped).replace("\n", line_end).encode()
    spliced = codec.splice(raw)
    assert stands_on_one_line(spliced)
    assert json.loads(spliced) == {"a": value}


@pytest.mark.parametrize("raw", [b"\nnope", b'"a\nb"', b'"a\rb"', b'{"a":\n', b"\n" + DEEP])
def test_what_cannot_be_made_one_line_is_refused(raw):
    with pytest.raises(MalformedEventError):
        codec.splice(raw)


@pytest.mark.parametrize("split", SPLITTERS.values(), ids=SPLITTERS.keys())
def test_no_character_of_unicode_ends_a_line(split):
    spliced = codec.splice(json.dumps({"a": ALL_OF_UNICODE}, ensure_ascii=False).encode())
    for raw in (codec.encode_json(ALL_OF_UNICODE), spliced):
        assert len(split(raw)) == 1
    assert codec.decode_json(spliced) == {"a": ALL_OF_UNICODE}


def test_characters_that_some_clients_take_for_line_ends_are_escaped():
    assert codec.encode_json("a\u2028b\u2029\x85") == b'"a\\u2028b\\u2029\\u0085"'
    assert codec.splice('"\u2028\x85"'.encode()) == b'"\\u2028\\u0085"'
    assert codec.encode_json("\u2027…\x84\x86") == '"\u2027…\x84\x86"'.encode()


@pytest.mark.parametrize("raw", [line(), line(message="é€😀")], ids=["ASCII", "UTF-8"])
def test_a_clean_line_is_spliced_without_a_copy(raw):
    assert codec.splice(raw) is raw


@pytest.mark.parametrize("junk", [b"\xff", b"\x85", b"\xe2\x80", b"\xed\xa0\x80"])
def test_bytes_that_are_not_utf8_are_refused_where_no_decoder_looks(junk):
    """A field that nobody knows is skipped by the decoder, but would be sent."""
    raw = line(unknown="?").replace(b"?", junk)
    codec.decode(raw)
    with pytest.raises(MalformedEventError, match="UTF-8"):
        codec.splice(raw)
