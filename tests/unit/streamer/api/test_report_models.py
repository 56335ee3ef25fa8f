"""The bodies of reports."""

import msgspec
import pytest

from headway_streamer.api.report_models import Batch, ReportRequest

EVENT = {"type": "chunk", "text": "a"}


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "k"},
        {"kind": "k", "id": "a-1", "title": "T", "tags": ["eu"], "parent": "p", "lease_seconds": 15, "message": "m"},
        {"kind": "k", "id": "", "parent": ""},
    ],
)
def test_a_request_to_open_fits(body):
    assert msgspec.convert(body, ReportRequest).kind == "k"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "a b"},
        {"kind": "k", "id": "a.b"},
        {"kind": "k", "id": "x" * 65},
        {"kind": "k", "parent": "*"},
        {"kind": "k", "tags": ["a,b"]},
        {"kind": "k", "tags": ["x"] * 17},
        {"kind": "k", "lease_seconds": 14},
        {"kind": "k", "lease_seconds": 86_401},
        {"kind": "k", "more": 1},
    ],
)
def test_another_request_to_open_does_not(body):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, ReportRequest)


@pytest.mark.parametrize(
    "body",
    [
        {"epoch": 0, "sequence": 1},
        {"epoch": 1, "sequence": 0},
        {"epoch": 1, "sequence": 1, "events": [EVENT] * 501},
        {"epoch": 1, "sequence": 1, "events": [{"type": "chunk", "text": ""}]},
        {"epoch": 1, "sequence": 1, "events": [{"type": "chunk", "text": "x" * (32 * 1024 + 1)}]},
        {"epoch": 1, "sequence": 1, "events": [{"type": "other"}]},
        {"epoch": 1, "sequence": 1, "events": [{"type": "progress", "done": -1}]},
        {"epoch": 1, "sequence": 1, "events": [{"type": "progress", "progress": "5"}]},
        {"epoch": 1, "sequence": 1, "events": [{"type": "log", "message": "m", "level": "loud"}]},
    ],
)
def test_a_batch_that_is_malformed_does_not_fit(body):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, Batch)
