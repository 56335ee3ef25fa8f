"""Parses the output of the child processes: JSON records of the services, lines of nats-server, other text. No I/O."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from headway.cli.render.text import one_line, plain
from headway.values.redaction import redact

_NATS = re.compile(r"\[\d+\] [\d/]+ [\d:.]+ \[(?P<level>[A-Z]{3})\] ?(?P<message>.*)")
_NATS_LEVELS = {"INF": "quiet", "DBG": "quiet", "TRC": "quiet", "WRN": "warning", "ERR": "error", "FTL": "error"}
_STANDARD_FIELDS = frozenset(
    ("time", "level", "logger", "message", "action", "exception", "stack", "color_message"),
)


class PrintedLine(NamedTuple):
    """A log line for display."""

    level: str
    """quiet, debug, info, warning or error."""
    text: str


def parse_log_line(raw: str) -> PrintedLine:
    """Parse a line of output into a level and a text without control characters."""
    if raw.startswith("{"):
        try:
            record = json.loads(raw)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict) and "message" in record:
            return _from_record(record)
    if found := _NATS.match(raw):
        return PrintedLine(_NATS_LEVELS.get(found["level"], "info"), plain(redact(found["message"])))
    return PrintedLine("info", plain(redact(raw)))  # such as a traceback of a service that could not start


def _from_record(record: dict[str, object]) -> PrintedLine:
    parts = [one_line(record["message"])]
    if action := record.get("action"):
        parts.append(f"({one_line(action)})")
    parts += [f"{one_line(name)}={_format(value)}" for name, value in record.items() if name not in _STANDARD_FIELDS]
    text = " ".join(parts)
    for name in ("exception", "stack"):
        if record.get(name):
            text += "\n" + plain(record[name])
    level = str(record.get("level", "info")).lower()
    return PrintedLine({"critical": "error"}.get(level, level), text)


def _format(value: object) -> str:
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
