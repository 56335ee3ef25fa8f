"""The list on the page: titles and tags, filters in the address, pages; and the processors, in a real Chromium."""

import asyncio
import re
import time

import httpx
import nats
import pytest
import pytest_asyncio

from headway import __version__, codec
from headway.records import ProcessorRecord
from tests.fixtures import tokens
from tests.fixtures.services import run_services
from tests.fixtures.web import axe_violations

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium")]

SECONDS = 20_000
PAGE = 30
"""Tasks that the page lists at once."""
NIGHTLY = [{"title": f"Invoice run {number}", "tags": ["nightly", "eu"]} for number in range(3)]
FAILING = {"steps": [{"name": "Reading", "seconds": 0, "fail": {"message": "no such file", "retryable": False}}]}
SIZES = {"desktop": {"width": 1280, "height": 860}, "phone": {"width": 360, "height": 740}}


async def submit(http, url, params=None, **more):
    body = {"kind": "script", "params": params or {"steps": [{"name": "Reading", "seconds": 0}]}, **more}
    answer = await http.post(f"{url}/api/v1/tasks", json=body)
    answer.raise_for_status()
    return answer.json()["task"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def services(tmp_path_factory):
    """A streamer with tasks: more than a page of them without a title, and a few with titles and tags."""
    with run_services(tmp_path_factory.mktemp("services")) as running:
        running.p1 = running.processor("p1")
        running.s1 = running.streamer("s1")
        running.secret = running.streamer("secret", ACCESS="jwt", JWT_SECRET=tokens.SECRET, JWT_ISSUER=tokens.ISSUER)
        for service in (running.p1, running.s1, running.secret):
            service.wait_ready()
        async with httpx.AsyncClient(timeout=60) as http:
            for labels in NIGHTLY:
                await submit(http, running.s1.url, **labels)
            running.failed = await submit(http, running.s1.url, FAILING, title="Invoice run 3", tags=["nightly"])
            await asyncio.gather(*(submit(http, running.s1.url) for _ in range(PAGE)))
        yield running


@pytest.fixture
def page(page):
    """A page whose requests and clicks wait for a busy machine."""
    page.context.set_default_timeout(SECONDS)
    return page


@pytest.fixture
def expect():
    """The assertions of playwright, which wait."""
    from playwright.async_api import expect

    expect.set_options(timeout=SECONDS)
    return expect


def rows(page):
    return page.locator("#list a.row")


async def test_a_link_shows_the_tasks_that_it_names_and_one_step_clears_the_filters(services, page, expect):
    await page.goto(f"{services.s1.url}/?tag=nightly&tag=eu&status=completed")
    await expect(rows(page)).to_have_count(len(NIGHTLY))
    await expect(rows(page).first).to_contain_text("Invoice run 2")
    await expect(rows(page).first.locator(".facts")).to_have_text("scriptnightlyeu")
    await expect(page.get_by_label("Tags, with commas")).to_have_value("nightly, eu")
    await expect(page.get_by_role("checkbox", name="Completed")).to_be_checked()
    await page.get_by_role("link", name="Clear the filters").click()
    await expect(rows(page)).to_have_count(PAGE)
    assert "?" not in page.url
    await expect(page.get_by_role("checkbox", name="Completed")).not_to_be_checked()
    await page.go_back()
    await expect(rows(page)).to_have_count(len(NIGHTLY))
    await expect(page.get_by_label("Tags, with commas")).to_have_value("nightly, eu")
    await page.go_forward()
    await expect(rows(page)).to_have_count(PAGE)


async def test_the_filters_are_used_by_keyboard_alone(services, page, expect):
    await page.goto(f"{services.s1.url}/#new")
    await expect(rows(page)).to_have_count(PAGE)
    before = await page.evaluate("history.length")
    await page.get_by_role("button", name="Filter").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Text in title, kind, id or tags")).to_be_focused()
    await page.keyboard.type("INVOICE run")
    await expect(rows(page)).to_have_count(len(NIGHTLY) + 1)
    await expect(page.locator("#live")).to_have_text("4 tasks")
    await page.keyboard.type(" 7, nobody has it")
    await expect(page.get_by_text("No task matches.")).to_be_visible()
    assert await page.evaluate("history.length") == before + 1  # what is typed is one step
    assert page.url.endswith("/?text=INVOICE+run+7%2C+nobody+has+it#new")
    clear = page.get_by_role("link", name="Clear the filters")
    while not await clear.evaluate("(link) => link === document.activeElement"):
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement !== document.body")
    await page.keyboard.press("Enter")
    await expect(rows(page)).to_have_count(PAGE)
    assert page.url.endswith("/#new")


async def test_pages_of_the_list_have_addresses_and_the_first_one_is_live(services, page, expect):
    async with httpx.AsyncClient(timeout=60) as http:
        await page.goto(f"{services.s1.url}/?kind=script#new")
        newest = await rows(page).first.get_attribute("href")
        await page.get_by_role("link", name="Older").click()
        await expect(rows(page)).to_have_count(len(NIGHTLY) + 1)
        await expect(rows(page).last).to_contain_text("Invoice run 0")
        await expect(page.get_by_role("link", name="Older")).to_be_hidden()
        await page.reload()
        await expect(rows(page)).to_have_count(len(NIGHTLY) + 1)
        await page.get_by_role("link", name="Newest").click()
        await expect(rows(page).first).to_have_attribute("href", newest)
        assert page.url.endswith("/?kind=script#new")
        await page.get_by_label("Created").select_option("The last hour")
        await page.wait_for_url("**/?kind=script&within=3600#new")
        await page.get_by_label("Tags, with commas").fill("live")
        await expect(page.get_by_text("No task matches.")).to_be_visible()
        await submit(http, services.s1.url)
        task = await submit(http, services.s1.url, tags=["live"])
        await expect(rows(page)).to_have_attribute("href", f"#{task}")


async def test_a_title_and_tags_of_the_form_name_the_task_and_lead_to_those_like_it(services, page, expect):
    await page.goto(f"{services.s1.url}/#new")
    await page.get_by_label("Title").fill("  Two pages  ")
    await page.get_by_label("Tags").fill(f"pages, eu, {'x' * 65}")
    await page.get_by_role("button", name="Start script").click()
    await expect(page.locator("#task-tags-error")).to_be_visible()
    await expect(page.get_by_label("Tags")).to_be_focused()
    await page.get_by_label("Tags").fill("pages, eu,")
    await page.get_by_role("button", name="Start script").click()
    main = page.locator("#main")
    await expect(main.get_by_role("heading", name="Two pages")).to_be_visible()
    await expect(page).to_have_title(re.compile("Two pages"))
    await main.get_by_role("link", name="eu").click()
    await expect(rows(page)).to_have_count(len(NIGHTLY) + 1)
    await expect(rows(page).first).to_contain_text("Two pages")
    await expect(main.get_by_role("heading", name="Two pages")).to_be_visible()  # the task stays beside the list
    assert "/?tag=eu#" in page.url


async def test_on_a_phone_a_tag_leads_from_the_task_to_the_list(services, page, expect):
    await page.set_viewport_size(SIZES["phone"])
    await page.goto(f"{services.s1.url}/#{services.failed}")
    await page.locator("#main").get_by_role("link", name="nightly").click()
    await expect(rows(page)).to_have_count(len(NIGHTLY) + 1)
    await expect(rows(page).first).to_be_visible()
    await page.go_back()
    await expect(page.locator("#main").get_by_role("heading", name="Invoice run 3")).to_be_visible()


async def test_a_filter_that_the_streamer_refuses_is_explained_and_can_be_cleared(services, page, expect):
    await page.goto(f"{services.s1.url}/?since=yesterday#new")
    await expect(page.locator("#notice")).to_be_visible()
    await page.get_by_role("link", name="Clear the filters").click()
    await expect(rows(page)).to_have_count(PAGE)
    await expect(page.locator("#notice")).to_be_hidden()


@pytest.mark.parametrize("scopes", ["tasks:read", "tasks:read tasks:all"])
async def test_owners_are_a_filter_for_those_who_see_others(services, page, expect, scopes):
    await page.goto(f"{services.secret.url}/#new")
    await page.get_by_label("Access token").fill(tokens.live_token(scope=scopes))
    await page.get_by_role("button", name="Sign in with this token").click()
    await page.get_by_role("button", name="Filter").click()
    await expect(page.get_by_label("Text in title, kind, id or tags")).to_be_visible()
    owner = page.get_by_label("Owner")
    await expect(owner).to_be_visible(visible="all" in scopes)


async def lease_of_another_version(services):
    """The lease of a processor that was upgraded or not, as it would renew it."""
    record = ProcessorRecord(
        kinds=["old"], name="old-pod", version="0.0.9", since=1.0, slots=4, running=3, renewed=time.time()
    )
    client = await nats.connect(services.nats.url)
    bucket = await client.jetstream().key_value("hw_processors")
    await bucket.put("old", codec.encode_json(record))
    return client, bucket


async def test_the_processors_are_shown_with_their_load_and_other_versions_are_marked(services, page, expect):
    await page.goto(f"{services.s1.url}/#new")
    await page.get_by_role("link", name="Processors", exact=True).click()
    cards = page.locator("#main li")
    await expect(page).to_have_title("Processors")
    await expect(cards).to_have_count(1)
    await expect(cards.first).to_contain_text("script")
    await expect(cards.first).to_contain_text(f"version {__version__}")
    await expect(page.get_by_text("differs")).to_be_hidden()
    client, bucket = await lease_of_another_version(services)
    old = cards.filter(has_text="old-pod")
    await expect(old).to_contain_text("differs from the streamer’s")
    await expect(old.get_by_role("meter", name="Load of old-pod")).to_have_attribute("aria-valuenow", "3")
    await expect(page.get_by_text("1 of another version")).to_be_visible()
    await bucket.delete("old")
    await client.close()
    await expect(cards).to_have_count(1)  # without a reload
    await page.get_by_role("link", name="New task").click()
    await expect(page.get_by_role("heading", name="New task")).to_be_visible()


async def test_a_job_that_was_given_up_is_resubmitted_with_other_parameters_and_dropped(services, http, page, expect):
    body = {"kind": "script", "params": {"steps": [{"name": "x", "seconds": 0, "fail": {"message": "planted"}}]}}
    await http.post(f"{services.s1.url}/api/v1/tasks", json=body)
    await page.goto(f"{services.s1.url}/#new")
    await page.get_by_role("link", name="Dead letters", exact=True).click()
    letter = page.locator("#main li").filter(has_text="planted")
    await expect(letter).to_have_count(1)
    await letter.get_by_role("button", name="Look at it").click()
    await expect(letter.get_by_label("Parameters")).to_have_value(re.compile("planted"))
    await letter.get_by_label("Parameters").fill("{")
    await letter.get_by_role("button", name="Resubmit", exact=True).click()
    await expect(page.get_by_text("The parameters are not JSON")).to_be_visible()
    await letter.get_by_label("Parameters").fill('{"steps": [{"name": "mended", "seconds": 0}]}')
    await letter.get_by_role("button", name="Resubmit", exact=True).click()
    await expect(page.locator("#main").get_by_text("Completed").first).to_be_visible()
    await page.get_by_role("link", name="Dead letters", exact=True).click()
    page.once("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await letter.get_by_role("button", name="Drop").click()
    await expect(letter).to_have_count(0)


async def test_who_may_not_see_the_processors_is_not_led_there_and_reads_why(services, page, expect):
    await page.goto(f"{services.secret.url}/#/processors")
    await page.get_by_label("Access token").fill(tokens.live_token(scope="tasks:read"))
    await page.get_by_role("button", name="Sign in with this token").click()
    await expect(page.get_by_text("needs the scope processors:read")).to_be_visible()
    await expect(page.get_by_role("link", name="Processors", exact=True)).to_be_hidden()


@pytest.mark.needs("npm ci --prefix web")
@pytest.mark.parametrize("size", SIZES)
async def test_axe_finds_nothing_in_the_filters(services, page, expect, size):
    await page.set_viewport_size(SIZES[size])
    await page.goto(f"{services.s1.url}/?text=invoice&since=1&status=completed")
    await expect(rows(page).first).to_be_visible()
    if size == "phone":
        await page.get_by_role("button", name="Filter").click()
    await expect(page.get_by_label("From")).to_have_value(re.compile("^19"))
    assert await axe_violations(page) == {}
