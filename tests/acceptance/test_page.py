"""The page at / in a real Chromium, on real services."""

import json
import re

import pytest

from headway_streamer.console.assets import FOLDER
from tests.fixtures.web import axe_violations

pytestmark = pytest.mark.browser

LONG = {
    "steps": [
        {"name": "Reading", "seconds": 1, "ticks": 10},
        {"name": "Writing", "seconds": 3, "ticks": 30, "chunks": ["Hello, ", "world.\n"]},
    ],
    "result": {"answer": 42},
}


@pytest.fixture(autouse=True)
def needs_playwright(page):
    """The assertions of playwright, which wait."""
    from playwright.async_api import expect

    return expect


async def submit(http, url, params):
    reply = await http.post(f"{url}/api/v1/tasks", json={"kind": "script", "params": params})
    return reply.json()["task"]


async def test_a_task_is_started_from_its_form_and_watched_to_its_result(shared, page, needs_playwright):
    expect = needs_playwright
    await page.goto(shared.s1.url)
    await page.get_by_role("link", name="New task").click()
    await page.get_by_role("radio", name="script").check()
    await page.locator("#field-steps").fill('[{"name":"Baking","seconds":0.5,"ticks":5}]')
    await page.locator("#field-result").fill('{"answer": 42, "warnings": ["3 rows are left out", "and one column"]}')
    await page.get_by_role("button", name="Start script").click()
    main = page.locator("#main")
    await expect(main.get_by_role("heading", name="script")).to_be_visible()
    await expect(main.get_by_text("Completed").first).to_be_visible(timeout=20_000)
    await expect(main.get_by_role("progressbar").first).to_have_attribute("aria-valuenow", "100")
    await expect(main.get_by_text("Baking").first).to_be_visible()
    await expect(main.get_by_text("42").first).to_be_visible()
    warnings = main.get_by_role("list", name="Warnings").get_by_role("listitem")
    await expect(warnings).to_have_text(["3 rows are left out", "and one column"])
    assert await page.title() != "Headway"


@pytest.mark.security
@pytest.mark.needs("npm ci --prefix web")
async def test_a_plot_in_a_result_is_drawn_and_its_groups_are_shown_alone(
    shared, http, page, printed, needs_playwright
):
    expect = needs_playwright
    plot = json.loads(printed[0].text)["plot"]
    hostile = "<img src=x onerror=alert(1)>"
    plot["groups"].append({"group": 3, "label": f"snow {hostile}", "size": 58})
    plot["points"] += [{"x": at % 7, "y": at % 5, "group": 3, "text": f"text {at} {hostile}"} for at in range(58)]
    result = {"k": 3, "warnings": ["few texts"], "plot": plot}
    task = await submit(http, shared.s1.url, {"steps": [{"name": "Reading", "seconds": 0}], "result": result})
    await page.goto(f"{shared.s1.url}/#{task}")
    picture = page.get_by_role("img", name="Weather")
    await expect(picture.locator("g path")).to_have_count(60)
    await expect(picture.locator("desc")).to_contain_text("3 groups: 1: rain, wind (20)")
    await page.get_by_role("button", name="Show 3: snow").focus()
    await page.keyboard.press("Enter")
    await expect(picture.locator("g.faint path")).to_have_count(2)
    await page.get_by_text("The points as a table").click()
    await expect(page.get_by_role("group", name="Points").get_by_role("row").nth(3)).to_have_text(f"3text 0 {hostile}")
    assert await page.locator("#main img").count() == 0
    assert await axe_violations(page) == {}
    await page.get_by_role("button", name="JSON").click()
    await expect(page.get_by_label("Result as JSON")).to_contain_text('"type": "scatter"')


DROP = """([form, name, type, text]) => {
  const dropped = new DataTransfer();
  dropped.items.add(new File([text], name, { type }));
  for (const event of ['dragover', 'drop'])
    form.dispatchEvent(new DragEvent(event, { dataTransfer: dropped, bubbles: true, cancelable: true }));
}"""


async def test_a_file_that_is_dropped_on_the_form_is_uploaded_for_its_task(shared, page, needs_playwright):
    expect = needs_playwright
    await page.goto(f"{shared.s1.url}/#new")
    await page.get_by_role("radio", name="bulk").check()
    field = page.get_by_label("File", exact=False).and_(page.locator("input[type=file]"))
    await expect(field).to_have_attribute("aria-describedby", "field-file-about field-file-error")
    form = await page.locator("form", has=field).element_handle()
    await page.evaluate(DROP, [form, "binary.csv", "text/csv", "a;b\n1;\0\n"])
    start = page.get_by_role("button", name="Start bulk")
    await start.click()
    await expect(page.locator("#field-file-error")).to_contain_text("holds binary data")
    assert page.url.endswith("#new")
    await page.evaluate(DROP, [form, "ä cities.csv", "text/csv", "city;people\n" + "Bonn;330000\n" * 2000])
    await start.click()
    main = page.locator("#main")
    await expect(main.get_by_text("Completed").first).to_be_visible(timeout=30_000)
    await expect(main.get_by_text("2,000 rows").first).to_be_visible()
    await expect(main.get_by_text("ä cities.csv").first).to_be_visible()
    first = page.url
    kept = page.get_by_role("checkbox", name="The earlier file")
    for sends_file in (True, False):
        await page.get_by_role("button", name="Edit and run again").click()
        await kept.set_checked(sends_file)
        async with page.expect_request(re.compile("/retry$")) as asked:
            await page.get_by_role("button", name="Start with these").click()
        assert ("file" in (await asked.value).post_data_json["params"]) is sends_file
        await expect(page).not_to_have_url(first)
        await page.goto(first)


async def test_a_fault_in_the_form_is_shown_at_its_field(shared, page, needs_playwright):
    expect = needs_playwright
    await page.goto(f"{shared.s1.url}/#new")
    await page.get_by_role("radio", name="crawl").check()
    await page.locator("#field-url").fill("http://example.org")
    await page.locator("#field-max_pages").fill("0")
    await page.get_by_role("button", name="Start crawl").click()
    await expect(page.locator("#field-max_pages-error")).to_be_visible()
    await expect(page.locator("#field-max_pages")).to_have_attribute("aria-invalid", "true")
    assert page.url.endswith("#new")


async def test_a_cut_connection_resumes_and_misses_nothing(shared, http, page, needs_playwright):
    expect = needs_playwright
    task = await submit(http, shared.s2.url, LONG)
    await page.goto(f"{shared.s1.url}/#{task}")
    await expect(page.get_by_text("Writing").first).to_be_visible(timeout=20_000)
    await page.get_by_role("button", name="Cut my connection").click()
    await expect(page.get_by_text(re.compile("0 events missed"))).to_be_visible(timeout=20_000)
    await expect(page.locator("#main").get_by_text("Completed").first).to_be_visible(timeout=20_000)
    await expect(page.get_by_text("Hello, world.")).to_be_visible()


async def test_a_reload_shows_the_same_task_where_it_was(shared, http, page, needs_playwright):
    expect = needs_playwright
    task = await submit(http, shared.s1.url, LONG)
    await page.goto(f"{shared.s1.url}/#{task}")
    await expect(page.get_by_text("Reading").first).to_be_visible(timeout=20_000)
    await page.reload()
    await expect(page.locator("#main").get_by_text("Completed").first).to_be_visible(timeout=20_000)
    await expect(page.get_by_text("Hello, world.")).to_be_visible()
    assert task in page.url


async def test_a_task_that_does_not_exist_is_said_to_be_unknown(shared, page, needs_playwright):
    expect = needs_playwright
    await page.goto(f"{shared.s1.url}/#absent")
    await expect(page.locator("body")).to_contain_text(re.compile("no such task|not found", re.IGNORECASE))


async def test_a_running_task_is_cancelled_by_its_button(shared, http, page, needs_playwright):
    expect = needs_playwright
    task = await submit(http, shared.s1.url, {"steps": [{"name": "Waiting", "seconds": 60, "ticks": 60}]})
    await page.goto(f"{shared.s1.url}/#{task}")
    await expect(page.get_by_text("Waiting").first).to_be_visible(timeout=20_000)
    await page.get_by_role("button", name="Cancel task").click()
    await expect(page.locator("#main").get_by_text("Cancelled").first).to_be_visible(timeout=20_000)


METER = """async (events) => {
  const { initial, reduce } = await import('/sources/state.js');
  const { Meter } = await import('/sources/meter.js');
  const meter = new Meter();
  return events.map((event, i) => {
    const state = reduce(initial('t1'), 'progress', { n: 1, at: 1, attempt: 1, ...event }, 1);
    meter.render(state, null, 1);
    return meter.sub.hidden ? null : meter.sub.textContent;
  });
}"""


async def test_a_count_within_the_count_has_a_line_whose_place_is_kept(shared, page, needs_playwright):
    running = {"status": "processing", "progress": 10, "done": 1, "total": 5}
    sub = {"done": 4, "total": 10, "unit": "pages", "label": "a.pdf"}
    # The page is served as one bundle; the modules that it is made of come from where they lie.
    await page.route(
        re.compile("/sources/"), lambda route: route.fulfill(path=FOLDER / route.request.url.split("/")[-1])
    )
    await page.goto(shared.s1.url)
    events = [running, {**running, "sub": sub}, running, {**running, "sub": {"done": 7}}, {"status": "completed"}]
    assert await page.evaluate(METER, events) == [None, "a.pdf · 4 of 10 pages", "\u00a0", "7", None]


FAILING = {"steps": [{"name": "Reading", "seconds": 0, "fail": {"message": "no such file", "retryable": False}}]}


async def test_failed_task_shows_its_traceback_folded_and_suggests_no_retry(shared, http, page, needs_playwright):
    expect = needs_playwright
    task = await submit(http, shared.s1.url, FAILING)
    await page.goto(f"{shared.s1.url}/#{task}")
    box = page.get_by_role("region", name="Error")
    await expect(box.get_by_text("no such file")).to_be_visible(timeout=20_000)
    await expect(box.get_by_text("A retry without a change is unlikely to succeed")).to_be_visible()
    trace = box.get_by_label("Traceback", exact=True)
    await expect(trace).to_be_hidden()
    await box.get_by_text("Traceback", exact=True).first.click()
    await expect(trace).to_be_visible()
    await expect(trace).to_contain_text('File "headway_kinds/script.py", line')


@pytest.mark.needs("npm ci --prefix web")
async def test_a_failed_task_is_retried_with_a_parameter_that_was_edited(shared, http, page, needs_playwright):
    expect = needs_playwright
    task = await submit(http, shared.s1.url, FAILING | {"result": {"answer": 42}})
    await page.goto(f"{shared.s1.url}/#{task}")
    edit = page.get_by_role("button", name="Edit and retry")
    await expect(edit).to_be_visible(timeout=20_000)
    await expect(page.get_by_role("button", name="Continue")).to_be_hidden()
    await edit.focus()
    await page.keyboard.press("Enter")
    form = page.get_by_role("form", name="Other parameters for script")
    await expect(form.get_by_role("heading")).to_be_focused()
    await form.get_by_role("button", name="Cancel").press("Enter")
    await expect(form).to_have_count(0)
    await expect(edit).to_be_focused()
    await page.keyboard.press("Enter")
    steps, size = form.get_by_label("Steps"), form.get_by_label("Result size")
    assert json.loads(await steps.input_value()) == FAILING["steps"]
    assert await axe_violations(page) == {}
    await steps.fill('[{"name": "Reading", "seconds": 0}]')
    await size.fill("-1")
    await form.get_by_role("button", name="Start with these").press("Enter")
    await expect(size).to_be_focused()
    await expect(size).to_have_attribute("aria-invalid", "true")
    await size.fill("0")
    await size.press("Enter")
    await expect(page).not_to_have_url(re.compile(task))
    main = page.locator("#main")
    await expect(main.get_by_text("Completed").first).to_be_visible(timeout=20_000)
    again = (await http.get(f"{shared.s1.url}/api/v1/tasks/{page.url.partition('#')[2]}")).json()
    assert again["retry_of"] == task
    assert again["params"] == {
        "steps": [{"name": "Reading", "seconds": 0}],
        "result": {"answer": 42},
        "result_bytes": 0,
    }
    await expect(main.get_by_role("button", name="Edit and run again")).to_be_visible()


async def test_a_failed_task_with_a_checkpoint_is_continued_at_first_choice(shared, http, page, needs_playwright):
    expect = needs_playwright
    task = await submit(http, shared.s1.url, FAILING)

    async def with_checkpoint(route):
        reply = await route.fetch()
        body = (await reply.text()).replace('"status":"error"', '"checkpoint":7,"status":"error"')
        await route.fulfill(response=reply, body=body)

    await page.route(f"**/api/v1/tasks/{task}/stream*", with_checkpoint)
    await page.goto(f"{shared.s1.url}/#{task}")
    buttons = page.locator(".actions").get_by_role("button")
    await expect(buttons).to_have_text(["Continue", "Retry", "Edit and retry", "Delete"], timeout=20_000)
    async with page.expect_request(re.compile(rf"{task}/retry$")) as asked:
        await buttons.first.click()
    assert (await asked.value).post_data_json == {"resume": True}
    await expect(page).not_to_have_url(re.compile(task))


async def test_parameters_of_a_kind_that_nobody_offers_are_not_edited_but_explained(
    shared, http, page, needs_playwright
):
    expect = needs_playwright
    task = await submit(http, shared.s1.url, FAILING)
    await page.route("**/api/v1/kinds", lambda route: route.fulfill(json={"kinds": []}))
    await page.goto(f"{shared.s1.url}/#{task}")
    edit = page.get_by_role("button", name="Edit and retry")
    await edit.click(timeout=20_000)
    await expect(page.locator(".actions").get_by_role("alert")).to_contain_text(
        "No processor has offered the kind script"
    )
    await expect(edit).to_have_attribute("aria-expanded", "false")
    await expect(edit).to_be_focused()


async def test_a_task_that_has_ended_is_deleted_by_its_button(shared, http, page, needs_playwright):
    expect = needs_playwright
    task = await submit(http, shared.s1.url, FAILING)
    await page.goto(f"{shared.s1.url}/#{task}")
    await expect(page.get_by_role("button", name="Retry", exact=True)).to_be_visible(timeout=20_000)
    row = page.locator(f'#list a[href="#{task}"]')
    await expect(row).to_be_visible(timeout=20_000)
    delete = page.get_by_role("button", name="Delete")
    page.once("dialog", lambda dialog: dialog.dismiss())
    await delete.click()
    await expect(row).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    await delete.click()
    await expect(row).to_have_count(0, timeout=20_000)
    await expect(page).not_to_have_url(re.compile(task))
    assert (await http.get(f"{shared.s1.url}/api/v1/tasks/{task}")).status_code == 404
