"""The unit tests mirror the modules: a reader finds the test of a module by its name."""

from pathlib import Path

import pytest

from tests.fixtures.pages import ROOT

MIRRORS = {
    "headway": "tests/unit",
    "services/processor/headway_processor": "tests/unit/processor",
    "services/processor/headway_kinds": "tests/unit/kinds",
    "services/streamer/headway_streamer": "tests/unit/streamer",
    "release": "tests/unit/release",
}
WITHOUT_RULES = {
    "headway/presence.py": "constants",
    "services/streamer/headway_streamer/api/models.py": "types; the fixture `documented` holds answers against them",
    "services/streamer/headway_streamer/api/parameters.py": "constants; the operations are tested",
    "headway/jetstream/stored.py": "a named tuple, and a function with a doctest",
    "headway/reporting/settings.py": "values with defaults",
    "headway/eventlog/log.py": "a protocol; MemoryLog and JetStreamLog are tested by the same rules",
    "services/processor/headway_processor/context.py": "protocols",
    "services/processor/headway_processor/attempts/errors.py": "two exceptions",
    "services/processor/headway_processor/processes/errors.py": "three exceptions",
    "services/processor/headway_processor/outcome.py": "named tuples",
    "services/processor/headway_kinds/crawl/stopwords.py": "a list of words",
    "services/processor/headway_kinds/cluster/stop_words.py": "a list of words",
}
"""Modules that need no test of their own, and why."""


def modules():
    """Every module, and where its unit test is expected."""
    for package, mirror in MIRRORS.items():
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.name != "__init__.py":
                place = path.relative_to(ROOT / package)
                test = Path(mirror) / place.with_name(f"test_{path.stem.strip('_')}.py")
                yield path.relative_to(ROOT).as_posix(), test


@pytest.mark.parametrize(("module", "test"), list(modules()))
def test_each_module_has_a_unit_test_of_its_name(module, test):
    assert (ROOT / test).is_file() != (module in WITHOUT_RULES), f"expected {test}"
