"""Fixtures of the acceptance tests: the services as they are installed."""

import asyncio
import os
import random
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.fixtures import figures as noted
from tests.fixtures import needs
from tests.fixtures.services import Service, run_services

FOLDER = Path(__file__).parent
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def figures():
    """Call it with what a fault test has counted."""

    def note(title, **counts):
        values = " · ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items())
        noted.note(f"faults  {title:<42}  {values}")

    return note


@pytest.fixture
def rng():
    """Dice of the fault tests. FAULTS_SEED repeats what they throw, though not when."""
    return random.Random(int(os.environ["FAULTS_SEED"]))


@pytest.fixture
def services(tmp_path):
    """A NATS of the test's own, and nothing else yet."""
    with run_services(tmp_path) as running:
        yield running


@pytest.fixture
def streamers(services):
    """Starts streamers with environments of their own; each is ready when it is returned."""
    with ExitStack() as stack:

        async def start(name, settings, nats_url=""):
            options = {"HOST": "127.0.0.1", "PORT": "{port}", "NAME": name, "PROBE_SECONDS": "3", "DRAIN_SECONDS": "1"}
            environment = {"HEADWAY_NATS_URL": nats_url or services.nats.url}
            environment |= {f"HEADWAY_STREAMER_{key}": value for key, value in options.items()}
            service = Service(name, "headway_streamer", environment | settings, services.directory)
            stack.callback(service.kill)
            service.start()
            await asyncio.to_thread(service.wait_ready)
            return service

        yield start


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One processor and two streamers for the tests of a module that do them no harm."""
    with run_services(tmp_path_factory.mktemp("services")) as running:
        started = (
            running.processor("p1", BUILTIN_KINDS="check,crawl,bulk"),
            running.streamer("s1"),
            running.streamer("s2"),
        )
        for service in started:
            service.wait_ready()
        running.p1, running.s1, running.s2 = started
        yield running


def pytest_collection_modifyitems(items):
    """Run all asynchronous tests in one event loop: a browser belongs to the loop that started it."""
    for item in items:
        if item.path.is_relative_to(FOLDER) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(loop_scope="session")
async def http():
    """A client that waits patiently."""
    async with httpx.AsyncClient(timeout=60) as client:
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser():
    """A real Chromium; its start takes longer than most tests of a page."""
    needs.check("chromium")
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=needs.THERE["chromium"](), args=CHROMIUM_OPTIONS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser):
    """A page with storage and cookies of its own; the test fails on any script error."""
    context = await browser.new_context(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")
    made = await context.new_page()
    faults = []
    made.on("pageerror", lambda error: faults.append(str(error)))
    yield made
    await context.close()
    assert faults == []
