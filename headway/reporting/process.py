"""The one background of a process: made by the first report, left behind by a fork, flushed at the end."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from typing import TYPE_CHECKING

from headway.errors import SettingsError
from headway.reporting.settings import ReportSettings

if TYPE_CHECKING:
    from headway.reporting.background import Background

logger = logging.getLogger(__name__)

_current: list[Background] = []
_making = threading.Lock()


def background() -> Background:
    """The background of this process. Wrong settings are logged, and nothing is reported then: the work goes on."""
    if not _current:
        with _making:
            if not _current:
                _current.append(_made())
    return _current[0]


def flush(seconds: float | None = None) -> bool:
    """Wait until the tasks whose blocks have ended are stored, for processes that end without an exit handler.

    At most `seconds` (default `HEADWAY_REPORT_FLUSH_SECONDS`). Returns whether all of them are stored.
    """
    if not _current:
        return True
    process = _current[0]
    left = process.flush(process.settings.flush_seconds if seconds is None else seconds)
    if left:
        logger.warning("reports were not stored in time", extra={"action": "reports_lost", "tasks": left})
    return not left


def _made() -> Background:
    from headway.jetstream.websocket import import_nats

    import_nats()
    from headway.jetstream.connection import NatsSettings
    from headway.reporting.background import Background
    from headway.service.settings import load

    try:
        nats = load(NatsSettings, "HEADWAY_NATS_", os.environ)
        return Background(nats, load(ReportSettings, "HEADWAY_REPORT_", os.environ))
    except SettingsError as error:
        logger.error("nothing is reported", extra={"action": "reports_off", "error": str(error)})  # noqa: TRY400
        return Background(NatsSettings(), ReportSettings(max_tasks=0))


def _forget() -> None:
    """In a child process there is neither the thread nor its connection: the first report makes others."""
    global _making
    _current.clear()
    _making = threading.Lock()


atexit.register(flush)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
