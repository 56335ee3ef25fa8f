"""Tasks that scripts report, on the page: their bars, and what is shown when a script is killed."""

import os
import subprocess
import sys

import httpx
import pytest

from tests.fixtures.celery_workers import run_shop
from tests.fixtures.process import start_process
from tests.fixtures.services import run_services
from tests.fixtures.web import axe_violations

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium")]

IMPORT = """
import headway, time
with headway.report("import", title="Import of the night", tags=["nightly"], task="night") as job:
    job.set_state("CRUNCHING")
    with headway.report("shop", title="Shop 1", parent=job.task):
        pass
    for row in job.track(range(100_000), unit="rows"):
        time.sleep(0.005)
"""


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """A streamer and a processor that soon miss who has vanished."""
    with run_services(tmp_path_factory.mktemp("services")) as running:
        streamer = running.streamer("s1", STALLED_SECONDS="1")
        processor = running.processor("p1", REPORTER_LOST_SECONDS="6")
        cooks = running.processor("cooks", "examples.tasks")
        for service in (streamer, processor, cooks):
            service.wait_ready()
        running.s1 = streamer
        yield running


@pytest.fixture
def script(services):
    """Starts a process that reports the task `night`."""
    environment = os.environ | {"HEADWAY_NATS_URL": services.nats.url, "HEADWAY_REPORT_RENEW_SECONDS": "0.5"}
    started = []

    def start():
        started.append(start_process([sys.executable, "-c", IMPORT], env=environment))
        return started[0]

    yield start
    for process in started:
        process.kill()
        process.wait()


async def test_a_killed_script_is_stalled_and_then_lost(services, script, page):
    from playwright.async_api import expect

    expect.set_options(timeout=30_000)
    await page.goto(f"{services.s1.url}/#night")
    main = page.locator("#main")
    await expect(main.get_by_role("heading", name="No such task")).to_be_visible()
    process = script()
    await expect(main.get_by_role("heading", name="Import of the night")).to_be_visible()
    rows = page.locator("#list a.row")
    await expect(rows.filter(has_text="Import of the night").locator(".facts")).to_have_text("import · reportednightly")
    await expect(main.get_by_text("Processing · CRUNCHING")).to_be_visible()
    done = main.locator(".counts").get_by_text("of 100,000 rows")
    before = await done.text_content()
    await expect(done).not_to_have_text(before)
    await main.get_by_role("link", name="Its parts").click()
    await expect(rows).to_have_count(1)
    await expect(page.get_by_text("Parts of one task.")).to_be_visible()
    await rows.click()
    await expect(main.get_by_role("heading", name="Shop 1")).to_be_visible()
    await main.get_by_role("link", name="another task").click()
    await expect(main.get_by_role("heading", name="Import of the night")).to_be_visible()
    process.kill()
    stalled = main.get_by_text("no signal from the worker. If none follows, the task ends as “Lost”.")
    await expect(stalled).to_be_visible()
    box = page.get_by_role("region", name="Error")
    await expect(box.get_by_text("Lost", exact=True)).to_be_visible()
    await expect(stalled).to_be_hidden()
    await expect(main.get_by_text("start it again where it was started")).to_be_visible()
    await expect(main.get_by_role("button", name="Delete")).to_be_visible()
    await expect(main.get_by_role("button", name="Retry")).to_have_count(0)
    await main.get_by_text("Watch and start it from elsewhere").click()
    await expect(main.get_by_role("heading", name="Watch in a terminal")).to_be_visible()
    await expect(main.get_by_role("heading", name="Start another task like it")).to_have_count(0)


async def test_a_task_that_is_split_shows_the_tree_of_its_parts(services, page):
    from playwright.async_api import expect

    expect.set_options(timeout=30_000)
    async with httpx.AsyncClient() as http:
        body = {"kind": "breakfast", "params": {"guests": ["Ann", "Ben"], "eggs": 2}, "title": "Breakfast for two"}
        task = (await http.post(f"{services.s1.url}/api/v1/tasks", json=body)).json()["task"]
    await page.goto(f"{services.s1.url}/#{task}")
    tree = page.get_by_role("region", name="Parts")
    parts = tree.locator("ul").first.locator(":scope > li")
    await expect(parts).to_have_count(2)
    await expect(parts.first.get_by_role("link").first).to_contain_text("For Ann")
    await expect(page.locator("#list a.row").filter(has_text="Breakfast for two")).to_contain_text("of 2 parts")
    opener = parts.first.get_by_role("button", name="Parts of For Ann")
    await opener.click()
    await expect(opener).to_have_attribute("aria-expanded", "true")
    await expect(parts.first.locator("li")).to_have_count(2)
    await expect(parts.first.get_by_role("link", name="Egg 2")).to_be_visible()
    assert await axe_violations(page) == {}
    await expect(page.locator("#main .counts").get_by_text("2 of 2 parts")).to_be_visible()
    await expect(parts.first.locator("li").first).to_contain_text("Completed")
    await opener.click()
    await expect(parts.first.locator("li")).to_have_count(0)
    await parts.last.get_by_role("link").first.click()
    await expect(page.locator("#main").get_by_role("heading", name="For Ben")).to_be_visible()
    await expect(page.get_by_role("region", name="Parts").get_by_role("link", name="Egg 1")).to_be_visible()


BAR = """
import headway.tqdm, time
from tqdm import tqdm
headway.tqdm.connect(report="import")
for row in tqdm(range(2000), desc="Import of the orders", unit="rows"):
    time.sleep(0.005)
"""


@pytest.mark.feature("tqdm", "progress")
async def test_a_bar_of_tqdm_moves_and_ends(services, page):
    from playwright.async_api import expect

    expect.set_options(timeout=30_000)
    environment = os.environ | {"HEADWAY_NATS_URL": services.nats.url, "HEADWAY_REPORT_RENEW_SECONDS": "0.5"}
    process = start_process([sys.executable, "-c", BAR], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        await page.goto(services.s1.url)
        await page.locator("#list a.row").filter(has_text="Import of the orders").click()
        main = page.locator("#main")
        await expect(main.get_by_role("heading", name="Import of the orders")).to_be_visible()
        bar = main.get_by_role("progressbar").first
        before = await bar.get_attribute("aria-valuenow")
        await expect(bar).not_to_have_attribute("aria-valuenow", before)
        await expect(main.get_by_text("Completed").first).to_be_visible()
        await expect(bar).to_have_attribute("aria-valuenow", "100")
        await expect(main.get_by_text("2,000 of 2,000 rows")).to_be_visible()
    finally:
        process.kill()
        _, errors = process.communicate()
    assert "2000/2000" in errors


async def test_a_task_of_celery_is_queued_moves_and_is_lost_with_its_worker(services, page, tmp_path):
    from playwright.async_api import expect

    expect.set_options(timeout=30_000)
    reports = {"HEADWAY_NATS_URL": services.nats.url, "HEADWAY_REPORT_RENEW_SECONDS": "0.5"}
    with run_shop(tmp_path, **reports) as shop:
        task = shop.caller()("load.delay('a.csv', 'door').id")
        await page.goto(f"{services.s1.url}/#{task}")
        main = page.locator("#main")
        await expect(main.get_by_text("waiting for a worker for")).to_be_visible()
        worker = shop.worker("-P", "solo")
        bar = main.get_by_role("progressbar")
        await expect(bar).to_have_attribute("aria-valuenow", "25")
        (tmp_path / "door").touch()
        await expect(bar).to_have_attribute("aria-valuenow", "80")
        await expect(main.get_by_text("Processing · CRUNCHING")).to_be_visible()
        worker.kill()
        await expect(page.get_by_role("region", name="Error").get_by_text("Lost", exact=True)).to_be_visible()
