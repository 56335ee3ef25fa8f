"""The table of tasks, by which lists are made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway import codec
from headway.jetstream.kv import Entry
from headway.records import TaskRecord
from headway_streamer.tasks.page_cursor import Place
from headway_streamer.tasks.task_filter import Filter, Scope
from headway_streamer.tasks.task_table import TaskTable

WORDS = st.sampled_from(["", "eu", "EU", "Straße", "night shift", "%", "_", "'", '"'])
NAMES = st.sampled_from(["", "ann", "bob"])
RECORDS = st.builds(
    TaskRecord,
    task=st.from_regex(r"[a-cA-C_]{1,2}", fullmatch=True),
    kind=st.sampled_from(["crawl", "Bulk"]),
    created=st.integers(1, 9).map(lambda tenths: tenths / 10),
    owner=NAMES,
    tenant=NAMES,
    title=WORDS,
    tags=st.lists(WORDS.filter(bool), max_size=3, unique=True),
    retry_of=st.sampled_from(["", "t0"]),
    parent=st.sampled_from(["", "p0"]),
    reported=st.booleans(),
)
FILTERS = st.builds(
    Filter,
    kinds=st.sampled_from([(), ("crawl",), ("crawl", "Bulk")]),
    tags=st.sampled_from([(), ("eu",), ("EU", "night shift"), ("e",), ("%",)]),
    text=st.sampled_from(["", "E", "strasse", "BULK", "a", "_", "%", "shift", ","]),
    since=st.sampled_from([0.0, 0.3, float("nan"), -1.0]),
    before=st.sampled_from([float("inf"), 0.7, 1e300]),
    owner=NAMES,
    parent=st.sampled_from(["", "", "p0", "p1"]),
    scope=st.sampled_from([None, Scope("ann", None), Scope("", "bob")]),
    after=st.sampled_from([None, Place(500_000, "b"), Place(500_000, "")]),
)


def entry(record, seq=1):
    return Entry(seq, record.task, codec.encode_json(record))


def table_of(*records):
    table = TaskTable()
    table.add([entry(record, seq) for seq, record in enumerate(records, 1)])
    return table


def fits(record, wanted):
    """The same as the table, in other words."""
    texts = (record.title, record.kind, record.task, *record.tags)
    return (
        (not wanted.kinds or record.kind in wanted.kinds)
        and set(wanted.tags) <= set(record.tags)
        and (not wanted.text or any(wanted.text.casefold() in text.casefold() for text in texts))
        and not record.created < wanted.since
        and record.created <= wanted.before
        and wanted.owner in ("", record.owner)
        and wanted.parent in ("", record.parent)
        and (wanted.scope is None or wanted.scope.tenant == record.tenant)
        and (wanted.scope is None or wanted.scope.owner in (None, record.owner))
        and (wanted.after is None or (round(record.created * 1e6), record.task) < wanted.after)
    )


@given(st.lists(RECORDS, max_size=12, unique_by=lambda record: record.task), FILTERS)
def test_what_matches_is_found_in_order(records, wanted):
    found = [row.record() for row in table_of(*records).find(wanted, wanted.after, 0, 100)]
    if wanted.text == ",":  # tags are kept behind commas, and have none
        return
    expected = sorted(records, key=lambda record: (record.created, record.task), reverse=True)
    assert found == [record for record in expected if fits(record, wanted)]


def task(name="t", created=1.0, **fields):
    return TaskRecord(task=name, kind="k", created=created, **fields)


def names(rows):
    return [row.task for row in rows]


def test_a_page_is_bounded():
    table = table_of(*(task(f"t{n}", float(n)) for n in range(1, 6)))
    assert names(table.find(Filter(), None, 0, 2)) == ["t5", "t4"]
    assert names(table.find(Filter(), Place(4_000_000, "t4"), 2_000_000, 9)) == ["t3", "t2"]


def test_records_are_added_once_and_malformed_ones_left_out():
    table = table_of(task("a"), task("b", 2.0))
    malformed = table.add([entry(task("a"), 7), Entry(8, "bad", b"{"), entry(task("c", 3.0), 9)])
    assert ([bad.task for bad in malformed], table.count) == (["bad"], 3)
    assert table.add([]) == []


def test_an_entry_without_a_value_removes_its_task():
    table = table_of(task("a"), task("b"))
    table.add([Entry(3, "a", b"")])
    assert (names(table.find(Filter(), None, 0, 9)), table.count) == (["b"], 1)


def test_tasks_that_have_not_ended_match_any_status():
    table = table_of(task("a", 1.0), task("b", 2.0), task("c", 3.0))
    rows = {row.task: row for row in table.find(Filter(), None, 0, 9)}
    rows["b"].status, rows["b"].settled, rows["b"].floor, rows["b"].snap = "completed", 1, 9, 8
    rows["c"].status, rows["c"].floor = "processing", 9
    table.note(rows.values())
    assert names(table.find(Filter(statuses=("error",)), None, 0, 9)) == ["c", "a"]
    assert names(table.find(Filter(statuses=("error", "completed")), None, 0, 9)) == ["c", "b", "a"]
    assert names(table.unsettled(None, 9)) == ["c", "a"]
    assert names(table.unsettled(Place(3_000_000, "c"), 9)) == ["a"]
    (found,) = table.find(Filter(), Place(2_000_000, "c"), 2_000_000, 9)
    assert (found.status, found.settled, found.floor, found.snap) == ("completed", 1, 9, 8)


def test_tasks_are_removed():
    table = table_of(*(task(f"t{n}", float(n)) for n in range(1, 6)))
    table.remove(table.find(Filter(), None, 0, 1))
    assert (table.count, table.keep([2], 1, 4)) == (4, 2)
    assert (names(table.find(Filter(), None, 0, 9)), table.count) == (["t4", "t2"], 2)
    assert table.keep([], 1, 9) == 2


def test_tasks_that_were_stored_first_make_room():
    table = table_of(task("a", 5.0), task("b", 1.0), task("c", 2.0), task("d", 3.0))
    assert table.trim(2) == (3, 5_000_000)
    assert (names(table.find(Filter(), None, 0, 9)), table.count) == (["d", "c"], 2)
    assert table.trim(2) == (3, 0)


def test_many_rows_are_written_at_once():
    table = table_of(*(task(f"t{n}", float(n)) for n in range(1200)))
    rows = table.find(Filter(), None, 0, 2000)
    for row in rows:
        row.status, row.settled = "completed", 1
    table.note(rows)
    assert (len(rows), table.unsettled(None, 9)) == (1200, [])


@pytest.mark.security
@given(st.text(), st.text())
def test_any_text_is_only_a_text(text, owner):
    table = table_of(task("a", title="plain"))
    table.find(Filter(text=text, owner=owner, tags=(text,), kinds=(text,), statuses=(text,)), None, 0, 9)
    assert table.count == 1
