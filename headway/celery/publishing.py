"""Tasks of Celery are reported as they are published, and with them those that wait for them."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import celery

from headway.celery.canvas import Place, Planned, body_of, place_of
from headway.celery.naming import short, title_of
from headway.celery.options import Options
from headway.celery.running import Runs
from headway.celery.sheet import HEADER, Sheet
from headway.reporting.adapter import Waiting, adapter
from headway.reporting.foreign_ids import task_id
from headway.reporting.roll_up import MAX_TASKS

MAX_NOTED = 10_000
"""Ids of tasks and groups that are remembered, since they come up again within moments."""
MAX_WAITING = 200
"""Members of a group that are stored at the same time: more of them than `HEADWAY_REPORT_MAX_TASKS` are left out."""

V = TypeVar("V")

logger = logging.getLogger(__name__)


class Noted(OrderedDict[str, V]):
    """A dict of bounded size, without what came first."""

    def __setitem__(self, key: str, value: V) -> None:
        super().__setitem__(key, value)
        if len(self) > MAX_NOTED:
            self.popitem(last=False)


class Group(NamedTuple):
    """A group whose members are being published."""

    sheet: Sheet
    """Of a member."""
    body: str
    names: set[str]
    waiting: list[Waiting]
    """Members that are being stored: the caller waits for them together."""


class Publishing:
    """Receives Celery's signals in processes that publish tasks; workers do as well.

    Args:
        app: whose tasks are reported.
        options: of `connect`.
        runs: the tasks that run in this process.
    """

    def __init__(self, app: celery.Celery[Any], options: Options, runs: Runs) -> None:
        self._app = app
        self._options = options
        self._runs = runs
        self._planned: Noted[None] = Noted()
        self._groups: Noted[Group] = Noted()

    # Signals

    def before(self, sender: str, headers: dict[str, Any] | None = None, body: object = None, **_: object) -> None:
        """Add the sheet to the message."""
        if (embedded := self._embedded(sender, headers, body)) is None or headers is None:
            return
        headers[HEADER] = self._sheet(sender, headers, embedded, body).header()
        if headers.get("retries") and (run := self._runs.get(headers["id"])):
            run.retried(*run.retry)
            run.attempt.stored.wait()  # or the next attempt, in another process, may begin before this one has ended

    def after(self, sender: str, headers: dict[str, Any] | None = None, body: object = None, **_: object) -> None:
        """Report the task of the message, and the ones that are planned with it."""
        if (embedded := self._embedded(sender, headers, body)) is None or headers is None:
            return
        sheet, place = Sheet.of(headers.get(HEADER)), place_of(headers, embedded)
        waiting = self._submit_planned(place, sheet)
        if self._is_new(headers) and self._options.reports(sender):
            waiting.append(self._submit(headers["id"], short(sender), sheet))
        if not place.parent or headers.get("group") != place.parent:
            _wait(waiting)
            return
        group = self._groups.setdefault(place.parent, Group(sheet, body_of(embedded), set(), []))
        group.names.add(sender)
        group.waiting.extend(waiting)
        if len(group.waiting) >= MAX_WAITING:
            _wait(group.waiting)
            group.waiting.clear()

    def group(self, group: str, members: Iterable[str]) -> None:
        """All members of a group are published: report the group itself."""
        noted, ids = self._groups.pop(group, None), list(members)
        if noted is None or not 0 < len(ids) <= MAX_TASKS:
            return
        names = [short(name) for name in noted.names]
        sheet = noted.sheet._replace(title=_group_title(names, len(ids)), parent=noted.body)
        _wait([*noted.waiting, self._submit(group, "group", sheet, children=ids)])

    # What a message says

    def _embedded(self, name: str, headers: Mapping[str, Any] | None, body: object) -> Mapping[str, Any] | None:
        """The third part of the body of a message of this app; None for other messages."""
        if not headers or "id" not in headers or not isinstance(body, tuple | list) or len(body) < 3:
            return None  # the first protocol of Celery, whose tasks are reported when they begin
        if name not in self._app.tasks and len(active_apps()) > 1:
            return None
        return body[2] if isinstance(body[2], Mapping) else {}

    def _sheet(self, name: str, headers: dict[str, Any], embedded: Mapping[str, Any], body: Any) -> Sheet:
        sheet, run = Sheet.of(headers.get(HEADER)), self._runs.current(self._app)
        if run is not None and headers["id"] == run.task:
            return run.sheet  # it is retried, or replaced
        if sheet.owner is None:
            sheet = self._with_owner(sheet, None if run is None else run.sheet)
        if not sheet.title:
            function = getattr(self._app.tasks.get(name), "run", None)
            title = title_of(headers.get("shadow") or name, body[0], body[1], self._options.title, function)
            sheet = sheet._replace(title=title)
        if sheet.parent is None:
            spawned_by = run.task if run is not None and not run.returned else ""
            sheet = sheet._replace(parent=place_of(headers, embedded).parent or spawned_by)
        return sheet

    def _with_owner(self, sheet: Sheet, spawning: Sheet | None) -> Sheet:
        if spawning is not None:
            return sheet._replace(owner=spawning.owner, tenant=spawning.tenant)
        ownership = self._options.ownership()
        return sheet._replace(owner=ownership.owner, tenant=ownership.tenant) if ownership.owner else sheet

    def _is_new(self, headers: Mapping[str, Any]) -> bool:
        """Whether the task has not been reported: it is neither retried nor replaced."""
        if run := self._runs.get(headers["id"]):
            run.handed_on = True
        return run is None and not headers.get("retries")

    # What is reported

    def _submit_planned(self, place: Place, sheet: Sheet) -> list[Waiting]:
        """Report what waits for the task of a message. Return what the caller may ask for next."""
        waiting = []
        for planned in place.planned:
            if run := self._runs.get(planned.task):
                run.handed_on = True
            elif planned.task not in self._planned and self._is_reported(planned):
                self._planned[planned.task] = None
                waiting.append(self._submit_one(planned, sheet))
        return waiting[:1]

    def _is_reported(self, planned: Planned) -> bool:
        if not planned.name:
            return 0 < len(planned.children) + len(planned.after) <= MAX_TASKS
        return self._options.reports(planned.name)

    def _submit_one(self, planned: Planned, sheet: Sheet) -> Waiting:
        if not planned.name:
            sheet = sheet._replace(title=_group_title([], len(planned.children)), parent=planned.parent)
            return self._submit(planned.task, "group", sheet, planned.after, planned.children)
        function = getattr(self._app.tasks.get(planned.name), "run", None)
        title = title_of(planned.name, planned.args, planned.kwargs, self._options.title, function)
        return self._submit(
            planned.task, short(planned.name), sheet._replace(title=title, parent=planned.parent), planned.after
        )

    def _submit(
        self, task: str, kind: str, sheet: Sheet, after: Sequence[str] = (), children: Sequence[str] = ()
    ) -> Waiting:
        return adapter().submitting(
            task_id(task),
            kind=kind,
            title=sheet.title,
            parent=task_id(sheet.parent) if sheet.parent else "",
            owner=sheet.owner,
            tenant=sheet.tenant,
            after=map(task_id, after),
            children=map(task_id, children),
        )


def active_apps() -> list[Any]:
    """The apps of this process: Celery's signal does not name the one that publishes."""
    return list(celery._state._get_active_apps())  # type: ignore[attr-defined]


def _group_title(names: list[str], size: int) -> str:
    return f"{names[0]} × {size}" if len(names) == 1 else f"group of {size}"


def _wait(waiting: list[Waiting]) -> None:
    """Wait until all is stored; where one takes too long, no longer."""
    for one in waiting:
        if not one.wait():
            return
