"""The page for those who use a keyboard, a screen reader or a phone."""

import json
import re

import pytest

from tests.fixtures.sse import Reader
from tests.fixtures.web import MODULES

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium")]

SIZES = {"desktop": {"width": 1280, "height": 860}, "phone": {"width": 360, "height": 740}}
RICH = {
    "steps": [
        {"name": "Reading", "seconds": 0.1, "ticks": 2, "log": "read"},
        {"name": "Writing", "seconds": 0.1, "ticks": 2, "chunks": ["Hello, ", "world.\n"] * 200},
    ],
    "result": {
        "rows": [{"name": "a", "count": 1}, {"name": "b", "count": 2}],
        "deep": {"inner": {"list": [1, 2, 3]}, "text": "two\nlines"},
        "warnings": ["one thing"],
    },
}
FAILED = {"steps": [{"name": "Reading", "seconds": 0, "fail": {"message": "no luck\n" * 60, "retryable": False}}]}
ENDLESS = {"steps": [{"name": "Waiting", "seconds": 60, "ticks": 600}]}


@pytest.fixture
def expect():
    """The assertions of playwright, which wait."""
    from playwright.async_api import expect

    return expect


async def submit(http, url, params):
    reply = await http.post(f"{url}/api/v1/tasks", json={"kind": "script", "params": params})
    return reply.json()["task"]


@pytest.mark.needs("npm ci --prefix web")
@pytest.mark.parametrize("size", SIZES)
async def test_axe_finds_nothing_on_any_view(shared, http, page, expect, size):
    await page.set_viewport_size(SIZES[size])
    rich, failed, endless = [await submit(http, shared.s1.url, params) for params in (RICH, FAILED, ENDLESS)]
    views = {"": "Tasks", "#new": "New task", f"#{rich}": "Completed", f"#{failed}": "Error", f"#{endless}": "Waiting"}
    await page.goto(shared.s1.url)
    await page.evaluate((MODULES / "axe-core" / "axe.min.js").read_text())
    found = {}
    for view, words in {
        **views,
        "#/processors": "slots busy",
        "#/dead-letters": "given up",
        "#absent": "No such task",
    }.items():
        await page.evaluate("(hash) => { location.hash = hash; }", view)
        await expect(page.locator("#shell :visible").get_by_text(words).first).to_be_visible(timeout=20_000)
        await page.evaluate("() => { for (const fold of document.querySelectorAll('details')) fold.open = true; }")
        for scheme, options in {"light": {}, "dark": {"runOnly": ["color-contrast"]}}.items():
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            report = await page.evaluate("(options) => axe.run(options)", options)
            for rule in report["violations"]:
                found[f"{view or 'list'} {scheme} {rule['id']}"] = [node["html"][:120] for node in rule["nodes"]][:3]
    await http.post(f"{shared.s1.url}/api/v1/tasks/{endless}/cancel", json={})
    assert not found, json.dumps(found, indent=1)


async def test_few_stops_lead_to_the_form_and_one_skips_there(shared, http, page, expect):
    for _ in range(31):
        await submit(http, shared.s1.url, RICH)
    await page.goto(f"{shared.s1.url}/#new")
    await expect(page.locator("#list a.row")).to_have_count(30)
    await expect(page.get_by_role("link", name="Older")).to_be_visible()
    await expect(page.get_by_role("radio").first).to_be_visible()
    stops = 0
    while not await page.evaluate("document.activeElement.closest('form') !== null"):
        await page.keyboard.press("Tab")
        stops += 1
    assert stops <= 10
    await page.reload()
    await expect(page.get_by_role("radio").first).to_be_visible()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="New task")).to_be_focused()
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.closest('form') !== null")
    assert page.url.endswith("#new")


async def test_arrow_keys_move_through_the_list(shared, http, page, expect):
    for _ in range(3):
        await submit(http, shared.s1.url, RICH)
    await page.goto(f"{shared.s1.url}/#new")
    rows = page.locator("#list a.row")
    await expect(rows.nth(2)).to_be_visible()
    await rows.nth(0).focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await expect(rows.nth(2)).to_be_focused()
    await page.keyboard.press("Home")
    await expect(rows.nth(0)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="script")).to_be_visible()


async def test_the_address_alone_shows_the_task_that_runs(shared, http, page, expect):
    task = await submit(http, shared.s1.url, ENDLESS)
    newest = await submit(http, shared.s1.url, RICH)
    await Reader(http).read(f"{shared.s1.url}/api/v1/tasks/{newest}/stream")  # to its end
    await page.goto(shared.s1.url)
    await expect(page.get_by_role("progressbar")).to_be_visible(timeout=20_000)
    await page.wait_for_url(f"**/#{task}")
    await http.post(f"{shared.s1.url}/api/v1/tasks/{task}/cancel", json={})


async def test_age_and_run_time_agree_whatever_the_clock_of_the_machine_says(shared, http, page, expect):
    task = await submit(http, shared.s1.url, ENDLESS)
    await page.clock.install(time="2020-01-01T00:00:00Z")
    await page.goto(f"{shared.s1.url}/#{task}")
    runs = page.locator("#main .time")
    await expect(runs).to_have_text(re.compile("runs for [1-9]"), timeout=20_000)
    words = await page.locator("#main").inner_text()
    await http.post(f"{shared.s1.url}/api/v1/tasks/{task}/cancel", json={})
    created, running = (int(re.search(rf"{word}.(\d+)", words)[1]) for word in ("Created", "runs for"))
    assert 0 <= created - running <= 2
    assert created < 60


async def test_the_terminal_command_watches_the_task(shared, http, page, expect):
    task = await submit(http, shared.s1.url, RICH)
    await page.goto(f"{shared.s1.url}/#{task}")
    await page.get_by_text("Watch and start it from elsewhere").click()
    command = page.get_by_label("Watch in a terminal", exact=True)
    await expect(command).to_have_text(f"headway watch {task} --server {shared.s1.url}")


async def test_whole_numbers_keep_their_digits_everywhere(shared, http, page, expect):
    big, huge = 2**53 + 1, 2**64 + 1
    result = {"one": big, "rows": [{"id": huge}, {"id": -big}], "float": 0.1, "text": str(big)}
    task = await submit(http, shared.s1.url, {"steps": [], "result": result})
    await page.goto(f"{shared.s1.url}/#{task}")
    shown = page.locator("section", has=page.get_by_role("heading", name="Result"))
    await expect(shown.get_by_text(str(big)).first).to_be_visible(timeout=20_000)
    await expect(shown.get_by_role("cell", name=str(huge))).to_be_visible()
    await expect(shown.get_by_role("cell", name=str(-big))).to_have_class("numeric")
    async with page.expect_download() as saving:
        await shown.get_by_role("button", name="Download").click()
    saved = await (await saving.value).path()
    await shown.get_by_role("button", name="JSON").click()
    for text in (saved.read_text(), await shown.get_by_label("Result as JSON").inner_text()):
        assert [int(n) for n in re.findall(r"-?\d{16,}", text)] == [big, huge, -big, big]
        assert f'"one": {big}' in text
    await page.get_by_text("Parameters", exact=True).click()
    await page.get_by_text("Watch and start it from elsewhere").click()
    assert str(huge) in await page.get_by_label("Start another task like it", exact=True).inner_text()


async def test_whole_numbers_that_are_typed_keep_their_digits(shared, http, page, expect):
    await page.goto(f"{shared.s1.url}/#new")
    await page.get_by_role("radio", name="script").check()
    await page.locator("#field-steps").fill("[]")
    await page.locator("#field-result").fill(f'{{"id": {2**64 + 1}}}')
    await page.get_by_role("button", name="Start script").click()
    await page.wait_for_url(lambda url: not url.endswith("#new"))
    task = page.url.partition("#")[2]
    assert (await http.get(f"{shared.s1.url}/api/v1/tasks/{task}")).json()["params"]["result"] == {"id": 2**64 + 1}
