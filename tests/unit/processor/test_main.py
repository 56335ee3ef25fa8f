"""The command line of the processor: the settings of kinds are listed beside its own."""

import sys

import msgspec
import pytest

import headway_processor.__main__ as module
from headway.errors import SettingsError
from headway.service.usage import SettingsGroup


def test_help_lists_the_settings_that_packages_declare(monkeypatch, capsys):
    settings = msgspec.defstruct("Settings", [("currency", str, "EUR")])
    monkeypatch.setattr(module, "declared_settings", lambda: [SettingsGroup("Shop", "SHOP_", settings)])
    with pytest.raises(SystemExit):
        module.start(["--help"], {})
    shown = capsys.readouterr().out
    assert "Shop:\n  SHOP_CURRENCY (default EUR)" in shown
    assert shown.index("Processor:") < shown.index("Shop:") < shown.index("NATS:")


def test_settings_that_cannot_be_loaded_end_it_with_2_and_one_line(monkeypatch, capsys):
    def declared_settings():
        raise SettingsError("settings 'shop' cannot be loaded")

    monkeypatch.setattr(module, "declared_settings", declared_settings)
    assert module.start([], {}) == 2
    assert capsys.readouterr().err == "headway-processor: settings 'shop' cannot be loaded\n"


def test_a_missing_extra_ends_it_with_2_and_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(module, "declared_settings", list)
    monkeypatch.setitem(sys.modules, "headway_processor.run", None)
    assert module.start([], {}) == 2
    assert "pip install" in capsys.readouterr().err
