"""What all tests need."""

import asyncio


def pytest_configure() -> None:
    # Without this, Python 3.11's get_event_loop() makes a loop for pytest-asyncio that nobody closes,
    # and the warning about it fails whatever test runs when it is collected.
    asyncio.set_event_loop(None)
