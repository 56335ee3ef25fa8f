"""Headway: live progress of long-running work, over NATS and Server-Sent Events.

The names below are loaded when they are first used: a library that imports Headway costs its users nothing by it.
"""

from __future__ import annotations

import sys
from types import ModuleType

TYPE_CHECKING = False  # as in `typing`, which takes long to load
if TYPE_CHECKING:
    from headway.errors import TaskCancelledError, TaskError
    from headway.job import Job
    from headway.reporting.process import flush as flush_reports
    from headway.reporting.report import report
    from headway.reporting.reported_task import ReportedJob
    from headway.task import task
    from headway.track import current_job, track
    from headway.values.file_param import File

__version__ = "0.1.0"

__all__ = [
    "File",
    "Job",
    "ReportedJob",
    "TaskCancelledError",
    "TaskError",
    "__version__",
    "current_job",
    "flush_reports",
    "report",
    "task",
    "track",
]

_PLACES = {
    "File": "headway.values.file_param.File",
    "Job": "headway.job.Job",
    "ReportedJob": "headway.reporting.reported_task.ReportedJob",
    "TaskCancelledError": "headway.errors.TaskCancelledError",
    "TaskError": "headway.errors.TaskError",
    "current_job": "headway.track.current_job",
    "flush_reports": "headway.reporting.process.flush",
    "report": "headway.reporting.report.report",
    "task": "headway.task.task",
    "track": "headway.track.track",
}


class _Package(ModuleType):
    """This package. It has a `_Name` for each name that was not used yet."""

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *__all__})


class _Name:
    """A name that is loaded when it is used. Unlike `__getattr__`, it also hides the module `headway.task`."""

    def __init__(self, name: str, place: str) -> None:
        self._name = name
        self._module, _, self._thing = place.rpartition(".")

    def __get__(self, package: ModuleType | None, kind: type) -> object:
        from importlib import import_module

        thing = getattr(import_module(self._module), self._thing)
        if package is not None:
            self._replace(package, thing)
        return thing

    def __set__(self, package: ModuleType, thing: object) -> None:
        if not isinstance(thing, ModuleType):  # which the import of a submodule sets
            self._replace(package, thing)

    def _replace(self, package: ModuleType, thing: object) -> None:
        package.__dict__[self._name] = thing
        if vars(_Package).get(self._name) is self:
            delattr(_Package, self._name)


for _name, _place in _PLACES.items():
    setattr(_Package, _name, _Name(_name, _place))
sys.modules[__name__].__class__ = _Package
