"""What all tests need."""

import asyncio
import os
import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

from tests.fixtures import figures, needs, pages

# Few examples in everyday runs; `--hypothesis-profile=thorough` tries more. A slow machine fails no test.
for profile, examples in (("quick", 40), ("thorough", 400)):
    settings.register_profile(
        profile, max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile("quick")


def pytest_configure() -> None:
    # In the environment, so that all processes that run tests throw the same dice.
    os.environ.setdefault("FAULTS_SEED", str(random.randrange(1_000_000)))
    # Without this, Python 3.11's get_event_loop() makes a loop for pytest-asyncio that nobody closes,
    # and the warning about it fails whatever test runs when it is collected.
    asyncio.set_event_loop(None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The floor is that of the unit and integration tests; tracing the others costs them a tenth of their time.
    for item in items:
        if item.nodeid.startswith(("tests/acceptance/", "tests/charts/")):
            item.add_marker("no_cover")


@pytest.hookimpl(tryfirst=True)  # before the fixtures of the test
def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        needs.check(*mark.args)


def pytest_sessionfinish(session: pytest.Session) -> None:
    figures.hand_over(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    figures.take_over(node)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the tests of faults, of the charts and of security counted, a line each."""
    for beginning, title in (
        ("faults", f"faults (FAULTS_SEED={os.environ['FAULTS_SEED']} repeats the dice)"),
        ("charts", "charts (the numbers are those of charts/README.md)"),
        ("security", "security (the numbers are those of docs/explanation/security.md)"),
    ):
        if lines := figures.lines(beginning):
            terminalreporter.write_sep("=", title)
            for line in lines:
                terminalreporter.write_line(line)


@pytest.fixture
def security_figures() -> Callable[..., None]:
    """Call it with the number of a threat in docs/explanation/security.md, what was tried, and what was counted."""

    def note(number: int, what: str, **counts: object) -> None:
        values = " · ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())
        figures.note(f"security  {number:>2}  {what:<46}  {values}")

    return note


@pytest.fixture
def chart_figures() -> Callable[..., None]:
    """Call it with the number of a promise in charts/README.md, what was tried, and what was counted."""

    def note(number: int, what: str, **counts: object) -> None:
        values = " · ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())
        figures.note(f"charts  {number:>2}  {what:<52}  {values}")

    return note


@pytest.fixture
def printed(request: pytest.FixtureRequest) -> list[pages.Block]:
    """The code blocks of the documentation that name this test."""
    name = request.node.originalname or request.node.name
    found = pages.printed_for(f"{request.path.relative_to(pages.ROOT)}::{name}")
    assert found, "no block of the documentation names this test"
    return found
