"""The services' own command lines: help, version, and no start by mistake."""

from __future__ import annotations

import io
import re
import sys

import msgspec
import pytest

import headway_processor.__main__ as processor
import headway_streamer.__main__ as streamer
from headway import __version__
from headway.service.usage import SettingsGroup, explanations, parse

SERVICES = pytest.mark.parametrize("service", [streamer, processor], ids=["streamer", "processor"])


@SERVICES
@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_names_every_variable_with_default_and_text(service, word, capsys) -> None:
    """From the Structs that the service reads."""
    with pytest.raises(SystemExit) as ended:
        service.start([word], {})
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: {service.PROG} [--help | --version]\n")
    for group in service.GROUPS:
        for field in msgspec.structs.fields(group.type):
            text = re.escape(explanations(group.type)[field.name].split()[0])
            assert re.search(rf"  {group.prefix}{field.name.upper()}\b.*\n      {text}", shown)
    assert "HEADWAY_NATS_URL (default nats://127.0.0.1:4222)" in shown
    assert max(map(len, shown.splitlines())) <= 100


@SERVICES
def test_version_is_that_of_the_package(service, capsys) -> None:
    """In one line."""
    with pytest.raises(SystemExit) as ended:
        service.start(["--version"], {})
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"{service.PROG} {__version__}\n"


@SERVICES
@pytest.mark.parametrize("words", [["--verison"], ["start"], ["--vers"], ["--help=1"]])
def test_unknown_argument_is_an_error_and_starts_nothing(service, words, capsys) -> None:
    """Exit code 2, with the usage; the settings are not even read."""
    with pytest.raises(SystemExit) as ended:
        service.start(words, {"HEADWAY_STREAMER_TYPO": "1", "HEADWAY_PROCESSOR_TYPO": "1"})
    assert ended.value.code == 2
    shown = capsys.readouterr().err
    assert shown.startswith("usage: ")
    assert service.PROG in shown


def test_no_argument_starts(monkeypatch) -> None:
    """`parse` returns."""
    parse("headway-x", "About.", [], [])


def test_help_on_a_narrow_encoding_is_no_traceback(monkeypatch) -> None:
    """The texts have signs beyond ASCII."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    with pytest.raises(SystemExit):
        parse("headway-x", "±", streamer.GROUPS, ["--help"])
    assert b"HEADWAY_STREAMER_PORT" in raw.getvalue()


def test_settings_without_a_source_have_no_text() -> None:
    """A package of byte code alone still shows its variables."""
    type = msgspec.defstruct("Settings", [("port", int, 1)])
    assert explanations(type) == {}
    with pytest.raises(SystemExit):
        parse("headway-x", "About.", [SettingsGroup("X", "X_", type)], ["--help"])
