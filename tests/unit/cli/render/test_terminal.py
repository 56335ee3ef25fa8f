"""No control or invisible character reaches the terminal, from any command and any source."""

from __future__ import annotations

import io
import json
import re
import sys
import traceback
import unicodedata
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table
from rich.text import Text

from headway.cli.local.log_printer import LogPrinter
from headway.cli.local.process import ProcessSpec, SupervisedProcess
from headway.cli.render.bars import Bar
from headway.cli.render.terminal import SafeConsole, make_console, print_json, safe_streams
from headway.cli.render.text import json_text, one_line, plain
from headway.cli.render.views import LiveView
from headway.client.event_stream import Watched
from tests.fixtures.scripted_server import ScriptedServer, event, headway

pytestmark = pytest.mark.security

VISIBLE = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
"""Visible format characters: signs that span the digits after them."""
HIDDEN = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0, *range(0xFFF0, 0xFFF9)}
"""Not format characters, but as invisible."""


def is_unsafe(code: int) -> bool:
    """By the Unicode database, and the tags and selectors of the supplementary plane."""
    kind = unicodedata.category(chr(code))
    odd = kind in ("Cc", "Cf", "Cs", "Zl", "Zp") and code not in VISIBLE and chr(code) not in "\n\t"
    return odd or code in HIDDEN or 0xE0000 <= code <= 0xE0FFF


UNSAFE = [chr(code) for code in range(0x110000) if is_unsafe(code)]
SENT = "".join(c for c in UNSAFE if not "\ud800" <= c <= "\udfff" and (c < "\U000e0080" or ord(c) % 97 == 0))
"""All that can be encoded as UTF-8, with some of four thousand tags and selectors."""
HOSTILE = f"a\x1b]52;c;UUU=\x07b\x1bP+q\x1b\\c\x9b31md\u202ee\r{SENT}z"
OWN_CODES = re.compile(r"\r?\x1b\[[0-9;?]*[A-Za-z]")
"""Rich's own codes: colours and cursor movements."""


def is_safe(output: str) -> bool:
    """Whether `output` has no unsafe character except rich's own codes."""
    return not found(output)


def found(output: str) -> list[str]:
    """The unsafe characters of `output` as numbers, which are safe to print in a failure."""
    return sorted(hex(ord(c)) for c in set(OWN_CODES.sub("", output)).intersection(UNSAFE))


@given(st.text(st.characters(exclude_categories=())))
def test_plain_keeps_all_visible_characters_and_no_others(text: str) -> None:
    """And is idempotent; a lone surrogate becomes U+FFFD, a separator a space."""
    kept = "".join(
        "\ufffd" if "\ud800" <= c <= "\udfff" else " " if c in "\u2028\u2029" else "" if is_unsafe(ord(c)) else c
        for c in text
    )
    assert plain(text) == kept
    assert plain(kept) == kept
    kept.encode()


def test_every_unsafe_character_of_unicode_is_removed() -> None:
    """By this Python's database."""
    assert [hex(ord(c)) for c in UNSAFE if c in plain(c)] == []
    assert one_line(HOSTILE) == "a]52;c;UUU=bP+q\\c31mde z"


@given(st.recursive(st.text() | st.integers(), lambda part: st.lists(part) | st.dictionaries(st.text(), part)))
def test_json_is_lossless_and_safe(value: Any) -> None:
    """In one line; ASCII only, if the terminal has no more."""
    raw = json.dumps(value, ensure_ascii=False, indent=1)
    for ascii_only in (False, True):
        shown = json_text(raw, ascii_only=ascii_only)
        assert json.loads(shown) == value
        assert is_safe(shown)
        assert "\n" not in shown
        assert shown.isascii() or not ascii_only


STATE = {
    "status": HOSTILE,
    "step": HOSTILE,
    "message": HOSTILE,
    "unit": HOSTILE,
    "done": 1,
    "error": {"type": HOSTILE, "message": HOSTILE, "traceback": f'  File "{HOSTILE}", line 1, in f\n{HOSTILE}'},
    "sub": {"label": HOSTILE, "unit": HOSTILE, "done": 1},
}
RESULT = {HOSTILE: HOSTILE, "rows": [{HOSTILE: HOSTILE, "list": [HOSTILE], "map": {HOSTILE: HOSTILE}}]}
PARAMS = {
    "properties": {
        HOSTILE: {"type": HOSTILE, "description": HOSTILE, "default": HOSTILE},
        "n": {"type": "integer", "enum": [HOSTILE, None]},
        "r": {"$ref": HOSTILE},
    }
}
PROBLEM = {"title": HOSTILE, "detail": HOSTILE, "errors": [{"pointer": HOSTILE, "detail": HOSTILE}]}
KIND = {"kind": HOSTILE, "description": HOSTILE, "params": PARAMS}
TASK = {"task": HOSTILE, "kind": HOSTILE, "created": 0, "state": STATE}
STREAM = "GET /api/v1/tasks/t1/stream"


def hostile(server: ScriptedServer) -> None:
    """Make `server` respond with hostile text in every field."""
    server.json("GET /api/v1/kinds", {"kinds": [KIND, {"kind": "crawl", "params": PARAMS}]})
    server.json("GET /api/v1/tasks", {"tasks": [TASK]})
    server.json("GET /api/v1/tasks/t1", {"task": "t1", "kind": HOSTILE, "state": STATE, "cursor": "c9"})
    server.json("GET /api/v1/tasks/t1/result", RESULT)
    server.json("POST /api/v1/tasks", {"task": "t1", "kind": HOSTILE, "links": {"stream": HOSTILE}}, 202)
    server.json("POST /api/v1/tasks/t1/cancel", {"task": HOSTILE, "status": HOSTILE}, 202)
    server.json("POST /api/v1/tasks/t1/retry", {"task": "t1", "kind": HOSTILE, "links": {"stream": HOSTILE}}, 202)
    server.stream(STREAM, *events())


def events() -> list[str]:
    """The events of a task, with hostile text."""
    named = [
        ("chunk", {"type": "chunk", "text": HOSTILE + "\n" + HOSTILE}),
        ("log", {"type": "log", "level": HOSTILE, "message": HOSTILE}),
        ("log", {"type": "log", "level": "info", "logger": HOSTILE, "message": HOSTILE, "at": 1.5}),
        ("reset", {"reason": HOSTILE}),
        ("cancel", {"type": "cancel", "reason": HOSTILE}),
        ("stalled", {"seconds": 20}),
    ]
    texts = [
        f"event: {name}\nid: c{n}\ndata: {json.dumps({'task': 't1', 'n': n} | data, ensure_ascii=n % 2 == 0)}\n\n"
        for n, (name, data) in enumerate(named)
    ]
    return [event(8, **STATE | {"status": "processing"}), *texts, event(9, **STATE | {"status": "completed"})]


COMMANDS = [
    ("ls",),
    ("ls", "--json"),
    ("kinds",),
    ("kinds", "--json"),
    ("kinds", HOSTILE),
    ("watch", "t1"),
    ("watch", "t1", "--json"),
    ("watch", "t1", "--traceback"),
    ("watch", HOSTILE),
    ("submit", "crawl", "--watch"),
    ("submit", "crawl"),
    ("submit", "crawl", "--json"),
    ("submit", HOSTILE + "x"),
    ("submit", "crawl", f"{HOSTILE}x=1"),
    ("submit", "crawl", f"n={HOSTILE}x"),
    ("result", "t1"),
    ("logs", "t1"),
    ("logs", "t1", "--json"),
    ("logs", "t1", "-f"),
    ("cancel", "t1", "--reason", HOSTILE),
    ("cancel", "t1", "--json"),
    ("retry", "t1"),
    ("retry", "t1", "--watch"),
    (HOSTILE,),
    ("ls", "--" + HOSTILE),
    ("ls", "--status", HOSTILE),
    ("ls", "--server", "http://" + HOSTILE),
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: plain(" ".join(words)))
@pytest.mark.parametrize("terminal", [False, True], ids=["file", "terminal"])
def test_no_command_prints_unsafe_characters(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], terminal: bool
) -> None:
    """Ids, kinds, steps, messages, keys of results, problems, and the words of the command line itself."""
    hostile(server)
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TTY_INTERACTIVE", "0")
    result = headway(*words)
    assert result.output
    assert found(result.output) == []


@pytest.mark.parametrize("words", [words for words in COMMANDS if HOSTILE not in words], ids=" ".join)
def test_no_error_of_the_server_is_printed_with_unsafe_characters(
    server: ScriptedServer, words: tuple[str, ...]
) -> None:
    """For every route."""
    for route in list(server.responses):
        server.json(route, PROBLEM, 409)
    result = headway(*words)
    assert result.exit_code != 0
    assert is_safe(result.output)


def test_live_bars_print_only_their_own_control_codes() -> None:
    """In a terminal with colours and cursor movements."""
    file = io.StringIO()
    with LiveView([Bar("t1", HOSTILE)], SafeConsole(file=file, width=80, force_terminal=True), lambda: 0.0) as view:
        view.show(Watched("progress", {"task": "t1", **STATE, "status": "processing"}, "c"))
        view.show(Watched("chunk", {"task": "t1", "text": HOSTILE}, "c"))
        view.show(Watched("log", {"task": "t1", "level": "info", "message": HOSTILE}, "c"))
        view.drop(HOSTILE, 3)
    assert "\x1b[" in file.getvalue()
    assert is_safe(file.getvalue())


def test_console_removes_unsafe_characters_from_any_renderable() -> None:
    """Titles, headers, cells and texts."""
    file = io.StringIO()
    table = Table(title=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(Text(HOSTILE, "red"))
    out = SafeConsole(file=file, width=80, force_terminal=True)
    out.print(table, HOSTILE, Text(HOSTILE))
    assert is_safe(file.getvalue())


@pytest.mark.parametrize("raw", [json.dumps({"message": HOSTILE, HOSTILE: HOSTILE, "stack": HOSTILE}), HOSTILE])
def test_log_lines_of_processes_are_safe(raw: str) -> None:
    """Records and any other output."""
    file = io.StringIO()
    printer = LogPrinter(SafeConsole(file=file, width=80, force_terminal=True), verbose=True)
    child = SupervisedProcess(ProcessSpec("nats", (), {}, ""), printer.print_line, printer.print_exit)
    child.last_lines.append(raw)
    printer.print_line(child, raw)
    printer.print_exit(child, 1, 1)
    assert printer.close()
    assert is_safe(file.getvalue())


def test_streams_are_safe_for_print_click_and_tracebacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for bytes; there is no `buffer` that bypasses them."""
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with safe_streams():
        print(HOSTILE)
        click.echo(HOSTILE)
        click.echo(HOSTILE, err=True)
        sys.stdout.writelines([HOSTILE])
        traceback.print_exception(ValueError(HOSTILE))
        click.echo(HOSTILE.encode())
        assert not hasattr(sys.stdout, "buffer")
    assert sys.stdout is out
    assert is_safe(out.getvalue() + err.getvalue())
    assert "ValueError: a]52" in err.getvalue()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_missing_characters_of_an_encoding_are_replaced(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """By others of the same width."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    with safe_streams():
        click.echo("naïve … ☃ 漢 \ud83d")
        out = make_console()
        view = LiveView([Bar("t1", "漢字")], out, lambda: 0.0)
        with view:
            view.show(Watched("progress", {"task": "t1", "status": "processing", "progress": 50, "step": "…☃"}, "c"))
        print_json('{"a": "☃\u202e"}')
    text = raw.getvalue().decode(encoding)
    assert text.endswith('{"a": "☃\\u202e"}\n' if encoding == "utf-8" else '{"a": "\\u2603\\u202e"}\n')
    assert ("##############--------------" in text) == (encoding != "utf-8")
    if encoding == "ascii":
        assert text.startswith("na?ve ~ ? ?? ?\n")


def test_console_of_rich_prints_unsafe_characters() -> None:
    """The checks of this test find them."""
    file = io.StringIO()
    Console(file=file, width=80).print(Text(HOSTILE))
    assert not is_safe(file.getvalue())
