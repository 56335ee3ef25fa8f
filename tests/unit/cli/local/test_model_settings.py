"""What is missing before a language model can be asked."""

from __future__ import annotations

import pytest

from headway.cli.local import model_settings as module
from headway.cli.local.model_settings import VARIABLES, missing_for_generate


def test_nothing_is_missing_where_all_is_set() -> None:
    assert missing_for_generate(dict.fromkeys(VARIABLES, "x")) == ""


@pytest.mark.parametrize("given", [(), VARIABLES[:1], VARIABLES[1:]])
def test_what_is_missing_is_named(given: tuple[str, ...]) -> None:
    missing = " and ".join(name for name in VARIABLES if name not in given)
    assert missing_for_generate(dict.fromkeys(given, "x")).endswith(f"Missing: {missing}.")


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    assert "needs the package openai. Run: pip install" in missing_for_generate({})
