"""Leases of tasks that are reported over HTTP."""

import asyncio

import pytest

from headway.records import ReporterRecord, decode_record
from headway_streamer.reports import leases
from headway_streamer.reports.leases import ReportLeases

pytestmark = pytest.mark.looptime


class Entries:
    """A bucket that counts what is stored."""

    def __init__(self):
        self.stored = []

    async def put(self, key, value):
        self.stored.append((key, decode_record(value, ReporterRecord)))


async def test_a_lease_is_renewed_at_most_four_times_in_its_time_and_emptied_at_the_end():
    entries = Entries()
    kept = ReportLeases(entries)
    await kept.begin("t1", 2, 60)
    for _ in range(40):
        await kept.renew("t1", 2, 60)
        await asyncio.sleep(5)
    assert len(entries.stored) == 1 + 13
    await kept.end("t1")
    held, empty = ReporterRecord({"t1": 2}, 60.0), ReporterRecord({})
    assert (entries.stored[0], entries.stored[-1]) == (("http=t1", held), ("http=t1", empty))


async def test_another_streamer_renews_at_once_and_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(leases, "MAX_NOTED", 2)
    entries = Entries()
    kept = ReportLeases(entries)
    for task in ("t1", "t2", "t3"):
        await kept.renew(task, 2, 60)
    await kept.renew("t3", 2, 60)
    await kept.renew("t1", 2, 60)
    assert [key for key, _ in entries.stored] == ["http=t1", "http=t2", "http=t3", "http=t1"]
