"""What a child prints, made readable: JSON records of the services, lines of nats-server, anything else. No I/O."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from headway.cli.render.text import one_line, plain

_NATS = re.compile(r"\[\d+\] [\d/]+ [\d:.]+ \[(?P<level>[A-Z]{3})\] ?(?P<message>.*)")
_NATS_LEVELS = {"INF": "quiet", "DBG": "quiet", "TRC": "quiet", "WRN": "warning", "ERR": "error", "FTL": "error"}
_KNOWN = frozenset(("time", "level", "logger", "message", "action", "exception", "stack", "color_message"))


class LogLine(NamedTuple):
    """A line for people."""

    level: str
    """quiet, debug, info, warning, error."""
    text: str


def read(raw: str) -> LogLine:
    """`raw` as a level and a text, control characters removed."""
    if raw.startswith("{"):
        try:
            record = json.loads(raw)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict) and "message" in record:
            return _record(record)
    if found := _NATS.match(raw):
        return LogLine(_NATS_LEVELS.get(found["level"], "info"), plain(found["message"]))
    return LogLine("info", plain(raw))


def _record(record: dict[str, object]) -> LogLine:
    parts = [one_line(record["message"])]
    if action := record.get("action"):
        parts.append(f"({one_line(action)})")
    parts += [f"{one_line(name)}={_written(value)}" for name, value in record.items() if name not in _KNOWN]
    text = " ".join(parts)
    for name in ("exception", "stack"):
        if record.get(name):
            text += "\n" + plain(record[name])
    level = str(record.get("level", "info")).lower()
    return LogLine({"critical": "error"}.get(level, level), text)


def _written(value: object) -> str:
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
