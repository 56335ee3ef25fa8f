"""Parsing of the output of child processes."""

from __future__ import annotations

import logging

import pytest

from headway.cli.local.log_line import parse_log_line
from headway.service.logging_setup import JsonFormatter


@pytest.mark.parametrize(
    ("raw", "level", "text"),
    [
        ('{"level":"info","message":"ready"}', "info", "ready"),
        (
            '{"level":"warning","message":"away","action":"nats_away","seconds":2}',
            "warning",
            "away (nats_away) seconds=2",
        ),
        ('{"level":"error","message":"x","exception":"Traceback\\n  File"}', "error", "x\nTraceback\n  File"),
        ('{"message":"x","kinds":["a",null,true]}', "info", 'x kinds=["a", null, true]'),
        ('{"level":"critical","message":"x"}', "error", "x"),
        ('{"message":"a\\u001b[2Jb\\nc"}', "info", "a[2Jb c"),
        ('{"no":"record"}', "info", '{"no":"record"}'),
        ("{broken", "info", "{broken"),
        ("plain \x1b[1mtext", "info", "plain [1mtext"),
        ("[1] 2026/11/21 03:23:48.847624 [INF] Server is ready", "quiet", "Server is ready"),
        ("[1] 2026/11/21 03:23:48.847624 [INF]", "quiet", ""),
        ("[1] 2026/11/21 03:23:48.847624 [ERR] no space", "error", "no space"),
        ("", "info", ""),
    ],
)
def test_line_becomes_level_and_text(raw: str, level: str, text: str) -> None:
    """JSON records, lines of nats-server, other text."""
    assert parse_log_line(raw) == (level, text)


def test_record_of_the_services_is_parsed() -> None:
    """The formatter and the parser agree."""
    record = logging.makeLogRecord(
        {"msg": "job %s", "args": ("t1",), "levelno": 30, "levelname": "WARNING", "action": "x"}
    )
    assert parse_log_line(JsonFormatter().format(record)) == ("warning", "job t1 (x)")
