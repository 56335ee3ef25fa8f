"""The page on the connections that a browser has: six per origin over HTTP/1.1, and slow ones."""

import re

import pytest
import pytest_asyncio

from tests.fixtures.condition import until
from tests.fixtures.gauge import gauge

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium")]

ENDLESS = {"steps": [{"name": "Waiting", "seconds": 60, "ticks": 600}]}
HIDDEN = """(hidden) => {
  Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""
TABS = 7


@pytest.fixture
def expect():
    """The assertions of playwright, which wait."""
    from playwright.async_api import expect

    return expect


@pytest_asyncio.fixture(loop_scope="session")
async def task(shared, http):
    """A task that runs until the test ends."""
    reply = await http.post(f"{shared.s1.url}/api/v1/tasks", json={"kind": "script", "params": ENDLESS})
    task = reply.json()["task"]
    yield task
    await http.post(f"{shared.s1.url}/api/v1/tasks/{task}/cancel", json={})


async def until_open(shared, http, count):
    """Return when the streamer has `count` streams open."""

    async def is_open():
        return await gauge(http, shared.s1, "headway_watchers") == count

    await until(is_open, 20)


async def test_seven_visible_windows_show_a_running_task_and_cancel_it(shared, http, page, expect, task):
    context = await page.context.browser.new_context()
    windows = [await context.new_page() for _ in range(TABS)]
    for window in windows:
        await window.goto(f"{shared.s1.url}/#{task}")
        await expect(window.get_by_text("Waiting").first).to_be_visible(timeout=20_000)
    await windows[-1].get_by_role("button", name="Cancel task").click()
    for window in windows:
        await expect(window.locator("#main").get_by_text("Cancelled").first).to_be_visible(timeout=20_000)
        assert "missed" not in await window.locator("#main").inner_text()


async def test_a_hidden_window_lets_go_of_its_stream_and_goes_on_from_its_cursor(shared, http, page, expect, task):
    await page.clock.install()
    await page.goto(f"{shared.s1.url}/#{task}")
    await expect(page.get_by_text("Connection open")).to_be_visible(timeout=20_000)
    await page.evaluate(HIDDEN, True)
    await page.clock.fast_forward(29_000)
    await until_open(shared, http, 1)
    await page.clock.fast_forward(2_000)
    await until_open(shared, http, 0)
    async with page.expect_request(re.compile("cursor=")):
        await page.evaluate(HIDDEN, False)
    await expect(page.get_by_text("Connection open")).to_be_visible()
    await until_open(shared, http, 1)


async def test_the_first_paint_on_a_slow_network_takes_less_than_a_second(shared, page, expect, task):
    network = await page.context.new_cdp_session(page)
    await network.send("Network.enable")
    speed = 1.6e6 / 8
    slow = {"offline": False, "latency": 150, "downloadThroughput": speed, "uploadThroughput": speed}
    await network.send("Network.emulateNetworkConditions", slow)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    await page.goto(shared.s1.url)
    await expect(page.get_by_role("progressbar")).to_be_visible(timeout=20_000)
    painted = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    fetched = await page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".filter((one) => !one.name.includes('/api/')).map((one) => one.transferSize)"
    )
    print(f"first paint {painted:.0f} ms, {sum(fetched)} bytes in {len(fetched)} requests")
    assert painted < 1000
    assert len({url for url in requests if "/api/" not in url}) <= 3
    assert sum(fetched) < 30_000


async def test_a_request_gets_the_connection_of_the_stream_where_no_other_is_left(shared, http, page, expect, task):
    await page.goto(f"{shared.s1.url}/#{task}")
    await expect(page.get_by_text("Connection open")).to_be_visible(timeout=20_000)
    five = "(url) => { for (let n = 0; n < 5; n += 1) new EventSource(url); }"
    await page.evaluate(five, f"/api/v1/tasks/{task}/stream")
    await until_open(shared, http, 6)
    await page.get_by_role("button", name="Cancel task").click()
    await expect(page.locator("#main").get_by_text("Cancelled").first).to_be_visible(timeout=20_000)
