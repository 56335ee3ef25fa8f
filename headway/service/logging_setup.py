"""JSON logs: one line per record, on stderr, without secrets."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial

from headway.errors import SettingsError
from headway.values.redaction import redact, redact_value

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""Attributes of every record; anything else was passed by `extra`."""


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON: time, level, logger, message, then the fields of `extra`.

    `secrets`, and what looks like one, are hidden in all texts.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._hide = partial(redact, secrets=tuple(secrets))

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return json.dumps(redact_value(line, self._hide))


def setup(level: str = "INFO", *, secrets: Iterable[str] = ()) -> None:
    """Send all log records of `level` (debug, info, warning, error) and above to stderr, without `secrets`.

    Raises SettingsError.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise SettingsError(f"log level {level!r} is unknown: use debug, info, warning or error")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(secrets))
    logging.basicConfig(level=number, handlers=[handler], force=True)
    logging.captureWarnings(True)
