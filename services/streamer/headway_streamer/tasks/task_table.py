"""The records of tasks in a table of SQLite in memory, by which lists are made. No other I/O.

All calls block: they are made in a thread. A statement holds Python's lock only while it is bound and while its one
row is read, which is why rows travel as one JSON text and are written as one list of values.
"""

# ruff: noqa: S608 - names of columns and question marks alone are put into statements
from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from headway.errors import MalformedEventError
from headway.jetstream.kv import Entry
from headway.records import TaskRecord, decode_task
from headway_streamer.tasks.page_cursor import Place
from headway_streamer.tasks.task_filter import Filter, micros

_SCHEMA = """
CREATE TABLE tasks (
    created INTEGER, task TEXT, seq INTEGER, kind TEXT, owner TEXT, tenant TEXT, title TEXT, tags TEXT, retry_of TEXT,
    parent TEXT, reported INTEGER, run_at INTEGER, words TEXT, status TEXT, settled INTEGER, floor INTEGER,
    snap INTEGER,
    PRIMARY KEY (created, task)
) WITHOUT ROWID;
CREATE INDEX stored ON tasks (seq);
CREATE INDEX parts ON tasks (parent, created, task) WHERE parent <> '';
"""
_COLUMNS = (
    "created, task, seq, kind, owner, tenant, title, tags, retry_of, parent, reported, run_at, "
    "status, settled, floor, snap"
)
_INSERT = f"INSERT OR IGNORE INTO tasks ({_COLUMNS}, words) VALUES "
_FIELDS = 17
_PER_STATEMENT = 500
"""Rows of one statement: SQLite binds at most 32,766 values."""


class Row(msgspec.Struct, array_like=True, gc=False):
    """A task in the table."""

    created: int
    """Microseconds since 1970."""
    task: str
    seq: int
    """Of its record."""
    kind: str
    owner: str
    tenant: str
    title: str
    tags: str
    """With a comma before and behind each; empty for none."""
    retry_of: str
    parent: str
    reported: int
    run_at: int | None
    """Microseconds since 1970."""
    status: str = ""
    """The latest known; empty for none."""
    settled: int = 0
    """1 if the task has ended: the status is the last one."""
    floor: int = 0
    """Sequence of the stream of events up to which the status is known; 0 if it is not."""
    snap: int = 0
    """Sequence of the event that has the status."""

    @property
    def place(self) -> Place:
        """Where it stands in the list."""
        return Place(self.created, self.task)

    def record(self) -> TaskRecord:
        """The record of the task, without its parameters."""
        return TaskRecord(
            task=self.task,
            kind=self.kind,
            created=self.created / 1e6,
            owner=self.owner,
            tenant=self.tenant,
            retry_of=self.retry_of,
            title=self.title,
            tags=self.tags.strip(",").split(",") if self.tags else [],
            parent=self.parent,
            reported=bool(self.reported),
            run_at=None if self.run_at is None else self.run_at / 1e6,
        )


_ROWS = msgspec.json.Decoder(list[Row])


class Malformed(NamedTuple):
    """A record that is left out."""

    task: str
    error: MalformedEventError


class TaskTable:
    """The table of one process."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)
        self.count = 0

    def close(self) -> None:
        """Free its memory."""
        self._db.close()

    def __del__(self) -> None:
        self._db.close()

    def add(self, entries: Iterable[Entry]) -> list[Malformed]:
        """Add the records that are new. Entries without a value remove their task. Returns what is malformed."""
        malformed, values = [], list[Any]()
        for entry in entries:
            if not entry.value:
                self.count -= self._db.execute("DELETE FROM tasks WHERE task = ?", (entry.key,)).rowcount
                continue
            try:
                values += _values(entry.seq, decode_task(entry.value, entry.key))
            except MalformedEventError as error:
                malformed.append(Malformed(entry.key, error))
        for part in _parts(values, _FIELDS):
            self.count += self._db.execute(_INSERT + _marks(part, _FIELDS), part).rowcount
        return malformed

    def find(self, wanted: Filter, after: Place | None, down_to: int, count: int) -> list[Row]:
        """The first `count` tasks that match, behind `after` and created at `down_to` (microseconds) or later.

        One whose status is not known to be the last one matches any statuses.
        """
        where, values = _conditions(wanted, after, down_to)
        return self._rows(f"WHERE {where} ORDER BY created DESC, task DESC LIMIT ?", [*values, count])

    def unsettled(self, after: Place | None, count: int) -> list[Row]:
        """The first `count` tasks behind `after` whose status may change."""
        return self.find(Filter(statuses=("",)), after, 0, count)

    def note(self, rows: Sequence[Row]) -> None:
        """Store what is known of the states of `rows`."""
        values = [value for r in rows for value in (r.created, r.task, r.status, r.settled, r.floor, r.snap)]
        for part in _parts(values, 6):
            self._db.execute(
                "UPDATE tasks SET status = v.column3, settled = v.column4, floor = v.column5, snap = v.column6 "
                f"FROM (VALUES {_marks(part, 6)}) AS v WHERE tasks.created = v.column1 AND tasks.task = v.column2",
                part,
            )

    def remove(self, rows: Iterable[Row]) -> None:
        """Remove tasks."""
        for row in rows:
            where = "WHERE created = ? AND task = ?"
            self.count -= self._db.execute(f"DELETE FROM tasks {where}", (row.created, row.task)).rowcount

    def keep(self, stored: Sequence[int], first: int, end: int) -> int:
        """Remove the tasks whose record had a sequence from `first` up to `end` and is not `stored` any more.

        Returns their number.
        """
        marks = ", ".join("?" * len(stored))
        statement = f"DELETE FROM tasks WHERE seq >= ? AND seq < ? AND seq NOT IN ({marks})"
        removed = self._db.execute(statement, (first, end, *stored)).rowcount
        self.count -= removed
        return removed

    def trim(self, most: int) -> tuple[int, int]:
        """Remove the tasks above `most` whose records were stored first.

        Returns the sequence of the first record that is left, and when the newest task that was removed was created,
        in microseconds.
        """
        first = "SELECT seq FROM tasks ORDER BY seq LIMIT 1 OFFSET ?"
        (seq,) = self._db.execute(first, (max(self.count - most, 0),)).fetchone() or (0,)
        (newest,) = self._db.execute("SELECT max(created) FROM tasks WHERE seq < ?", (seq,)).fetchone()
        self.count -= self._db.execute("DELETE FROM tasks WHERE seq < ?", (seq,)).rowcount
        return seq, newest or 0

    def _rows(self, rest: str, values: list[Any]) -> list[Row]:
        statement = f"SELECT json_group_array(json_array({_COLUMNS})) FROM (SELECT {_COLUMNS} FROM tasks {rest})"
        (text,) = self._db.execute(statement, values).fetchone()
        return _ROWS.decode(text)


def _values(seq: int, record: TaskRecord) -> tuple[Any, ...]:
    tags = ",".join(("", *record.tags, "")) if record.tags else ""
    words = f"{record.task}\n{record.kind}\n{tags}\n{record.title}".casefold()
    state = ("", 0, 0, 0)
    about = (record.kind, record.owner, record.tenant, record.title, tags, record.retry_of, record.parent)
    run_at = None if record.run_at is None else micros(record.run_at)
    return micros(record.created), record.task, seq, *about, int(record.reported), run_at, *state, words


def _equalities(wanted: Filter) -> Iterable[tuple[str, str]]:
    if wanted.scope is not None:
        yield "tenant = ?", wanted.scope.tenant
        if wanted.scope.owner is not None:
            yield "owner = ?", wanted.scope.owner
    if wanted.owner:
        yield "owner = ?", wanted.owner
    if wanted.parent:
        yield "parent = ? AND parent <> ''", wanted.parent  # the index holds no others


def _conditions(wanted: Filter, after: Place | None, down_to: int) -> tuple[str, list[Any]]:
    conditions = ["created BETWEEN ? AND ?"]
    values: list[Any] = [max(down_to, micros(wanted.since)), micros(wanted.before)]

    def add(condition: str, *more: Any) -> None:
        conditions.append(condition)
        values.extend(more)

    if after is not None:
        add("(created, task) < (?, ?)", after.created, after.task)
    for condition, value in _equalities(wanted):
        add(condition, value)
    if wanted.kinds:
        add(f"kind IN ({', '.join('?' * len(wanted.kinds))})", *wanted.kinds)
    for tag in wanted.tags:
        add("instr(tags, ?)", f",{tag},")
    if wanted.text:
        add("instr(words, ?)", wanted.text.casefold())
    if wanted.statuses:
        add(f"(settled = 0 OR status IN ({', '.join('?' * len(wanted.statuses))}))", *wanted.statuses)
    return " AND ".join(conditions), values


def _parts(values: list[Any], fields: int) -> Iterable[list[Any]]:
    size = _PER_STATEMENT * fields
    return (values[start : start + size] for start in range(0, len(values), size))


def _marks(values: list[Any], fields: int) -> str:
    one = f"({', '.join('?' * fields)})"
    return ", ".join([one] * (len(values) // fields))
