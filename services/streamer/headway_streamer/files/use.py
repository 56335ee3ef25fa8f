"""Files as parameters of a task: whether its owner may use them, and until when they are kept."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from headway.ownership import Ownership
from headway.records import FileRecord
from headway_streamer.files.ports import Files
from headway_streamer.problems import Problem, pointer

MAX_FILES = 32
"""Files of one task: each is looked up before the task is stored."""


class FileUse:
    """Checks the files that the parameters of a task name. Raises UnavailableError when NATS does not answer."""

    def __init__(self, files: Files, *, file_seconds: float, retention_seconds: float) -> None:
        self._files = files
        self._file_seconds = file_seconds
        self._retention_seconds = retention_seconds

    async def check(self, found: Iterable[str], params: Any, ownership: Ownership, run_at: float | None = None) -> None:
        """Raise a Problem unless all files are whole and belong to the owner, and keep them for this task.

        `run_at` is when the task begins, if that is later. A file of somebody else is the same as one that does not
        exist.
        """
        files = list(dict.fromkeys(found))
        if len(files) > MAX_FILES:
            raise _misfit(params, files[MAX_FILES], f"a task takes {MAX_FILES} files at most")
        for file in files:
            record = await self._files.get(file)
            if record is None or not record.whole or record.ownership != ownership:
                raise _misfit(params, file, "there is no such file; upload it first (POST /api/v1/files)")
            if record.expires <= time.time():
                raise _misfit(params, file, "the file has expired; upload it again")
            begins = run_at or time.time()
            if begins >= record.created + self._retention_seconds:
                raise _misfit(params, file, "the file is removed before the task begins; upload it again")
            await self._keep(record, begins)

    async def _keep(self, record: FileRecord, begins: float) -> None:
        """Let the file expire later, if half of its time is over: the stream itself removes it after the retention."""
        if record.expires - begins < self._file_seconds / 2:
            latest = record.created + self._retention_seconds
            expires = min(begins + self._file_seconds, latest)
            if expires > record.expires:
                await self._files.change(record.file, expires=round(expires, 3))


def _misfit(params: Any, file: str, detail: str) -> Problem:
    place = pointer(*(_path(params, file) or ["params"]))
    return Problem(422, "Parameters do not fit", detail, errors=[{"pointer": place, "detail": detail}])


def _path(value: Any, wanted: str, path: tuple[str | int, ...] = ("params",)) -> tuple[str | int, ...] | None:
    """Where the value first is; None if it is nowhere."""
    if value == wanted:
        return path
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return next((found for step, each in items if (found := _path(each, wanted, (*path, step)))), None)
