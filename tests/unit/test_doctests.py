"""The examples in docstrings work."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (ROOT, ROOT / "services" / "processor", ROOT / "services" / "streamer")
ONLY_SHOWN = {
    "headway.client.client",
    "headway.client.report",
    "headway.client.sync_client",
}  # their examples need a streamer
NOT_RUN = {"headway.testing.__init__"}  # its example stands inside a running event loop


def with_examples() -> list[str]:
    """Names of all modules that show an example."""
    names = []
    for source in SOURCES:
        for path in sorted(source.glob("headway*/**/*.py")):
            if ">>> " in path.read_text():
                names.append(".".join(path.relative_to(source).with_suffix("").parts))
    return [name for name in names if name not in NOT_RUN]


@pytest.mark.parametrize("name", with_examples())
def test_the_examples_of_a_module_work(name):
    result = doctest.testmod(importlib.import_module(name), raise_on_error=False)
    assert result.failed == 0
    assert result.attempted > 0 or name in ONLY_SHOWN


def test_examples_are_found():
    assert {"headway.subjects", "headway.task", "headway.track", "headway_streamer.problems"} <= set(with_examples())
