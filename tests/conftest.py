"""What all tests need."""

import asyncio

import pytest

from tests.fixtures import needs, pages


def pytest_configure() -> None:
    # Without this, Python 3.11's get_event_loop() makes a loop for pytest-asyncio that nobody closes,
    # and the warning about it fails whatever test runs when it is collected.
    asyncio.set_event_loop(None)


@pytest.hookimpl(tryfirst=True)  # before the fixtures of the test
def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        needs.check(*mark.args)


@pytest.fixture
def printed(request: pytest.FixtureRequest) -> list[pages.Block]:
    """The code blocks of the documentation that name this test."""
    name = request.node.originalname or request.node.name
    found = pages.printed_for(f"{request.path.relative_to(pages.ROOT)}::{name}")
    assert found, "no block of the documentation names this test"
    return found
