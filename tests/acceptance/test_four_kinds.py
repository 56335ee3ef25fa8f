"""The four kinds of long work of the first document, each from the page, the command, and the document's hook."""

import asyncio
import re
import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.fixtures import seed_documents
from tests.fixtures.condition import until
from tests.fixtures.model_server import ANSWER, MODEL, REASONING, Answer, run_model_server, say, story
from tests.fixtures.services import run_services
from tests.fixtures.web import axe_violations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.needs("HEADWAY_SEED_DOCUMENTS", "node", "npm ci --prefix web"),
]

HEADWAY = str(Path(sys.executable).with_name("headway"))
SUBJECTS = ("rain snow storm cloud wind", "oven recipe flour butter bake", "harbour anchor sail captain deck")
KINDS = ("crawl", "bulk", "cluster", "generate")


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and logs nothing."""

    def log_message(self, format, *args):
        pass


@contextmanager
def run_site(folder):
    """A site of four pages, one of whose links is broken."""
    for name, links in {"index": "abc", "a": "b", "b": "c", "c": "x"}.items():
        body = "".join(f'<a href="{link}.html">{link}</a>' for link in links)
        (folder / f"{name}.html").write_text(f"<!doctype html><title>Page {name}</title><p>words</p>{body}")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def write_tables(folder):
    rows = [f"{number},{SUBJECTS[number % 3]} {number}" for number in range(300)]
    (folder / "notes.csv").write_text("\n".join(["id,note", *rows]) + "\n")


class Setting:
    """The services, and what their tasks work on."""

    def __init__(self, url, site, models):
        self.url = url
        self.models = models
        self.params = {
            "crawl": {"url": f"http://{site}/"},
            "bulk": {"source": "notes.csv"},
            "cluster": {"source": "notes.csv", "column": "note", "max_k": "4"},
            "generate": {"prompt": "Which river is longer?"},
        }
        self.found = {
            "crawl": "x.html",  # the broken link
            "bulk": "300",
            "cluster": "anchor",
            "generate": ANSWER.partition("\n")[0],
        }
        """What is shown of each result."""


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "site").mkdir()
    write_tables(folder)
    with run_model_server() as models, run_site(folder / "site") as site, run_services(folder) as services:
        models.default = story(0.01)
        processor = services.processor(
            "p1",
            BUILTIN_KINDS=",".join(KINDS),
            DATA_DIR=str(folder),
            CRAWL_ALLOW=site,
            GENERATE_BASE_URL=models.url,
            GENERATE_MODELS=MODEL,
            GENERATE_API_KEY="sk-of-the-test-0123456789",
        )
        streamer = services.streamer("s1")
        for service in (processor, streamer):
            service.wait_ready()
        yield Setting(streamer.url, site, models)


@pytest.fixture(scope="module")
def first_client(tmp_path_factory):
    return seed_documents.first_client(tmp_path_factory.mktemp("client"))


@pytest.fixture
def expect(page):
    """The assertions of playwright, which wait."""
    from playwright.async_api import expect

    expect.set_options(timeout=60_000)
    return expect


async def start_from_page(page, setting, kind):
    await page.goto(f"{setting.url}/#new")
    await page.get_by_role("radio", name=kind).check()
    for name, value in setting.params[kind].items():
        await page.locator(f"#field-{name}").fill(value)
    await page.get_by_role("button", name=f"Start {kind}").click()
    return page.locator("#main")


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_runs_from_the_page(setting, page, expect, kind):
    main = await start_from_page(page, setting, kind)
    await expect(main.get_by_text("Completed").first).to_be_visible()
    await expect(main.get_by_text(setting.found[kind]).locator("visible=true").first).to_be_visible()
    if kind == "cluster":
        await expect(main.get_by_role("img", name="Clusters of texts").locator("g path")).to_have_count(300)


async def test_the_parts_of_an_answer_are_shown_apart(setting, page, expect):
    main = await start_from_page(page, setting, "generate")
    await expect(main.get_by_text("Completed").first).to_be_visible()
    await expect(main.get_by_role("log", name="Output")).to_have_text(re.sub(r"\s+", " ", ANSWER).strip())
    reasoning = main.get_by_role("log", name="Reasoning")
    await expect(reasoning).to_be_hidden()
    await main.get_by_role("heading", name="Reasoning").click()
    await expect(reasoning).to_have_text(REASONING.strip())
    await expect(main.get_by_role("log", name="Tool length_of_river")).to_have_text('{"river": "Danube"}')
    assert await axe_violations(page) == {}


async def test_an_answer_that_is_cancelled_on_the_page_is_not_written_further(setting, page, expect):
    setting.models.answers.append(Answer(say("Once "), end="hang"))
    main = await start_from_page(page, setting, "generate")
    await expect(main.get_by_role("log", name="Output")).to_have_text("Once")
    assert not setting.models.closed_at
    await main.get_by_role("button", name="Cancel").click()
    await expect(main.get_by_text("Cancelled", exact=True).first).to_be_visible()
    await until(lambda: len(setting.models.closed_at) == 1)


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_runs_from_the_command(setting, kind):
    words = [f"{name}={value}" for name, value in setting.params[kind].items()]
    command = await asyncio.create_subprocess_exec(
        *(HEADWAY, "submit", kind, *words, "--watch", "--server", setting.url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await command.communicate()
    assert command.returncode == 0, output.decode()
    assert setting.found[kind] in output.decode()
    if kind == "generate":
        assert f"reasoning │ {REASONING.strip()}" in re.sub(r"\s+", " ", output.decode())


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_runs_from_the_hook_of_the_first_document(setting, page, expect, first_client, kind):
    """Behind a gateway that knows the parameters, as the document has one: its hook sends none."""
    target = f"{setting.url}/api/v1/process/{kind}/stream?{urlencode(setting.params[kind])}"
    asked = []

    async def forward(route):
        asked.append(route.request.url)
        await route.continue_(url=target)

    await page.route(re.compile("/gateway/"), forward)
    await page.route("**/client.js", lambda route: route.fulfill(body=first_client, content_type="text/javascript"))
    body = '<!doctype html><div id="root"></div><script src="/client.js"></script>'
    await page.route(re.compile("/shown"), lambda route: route.fulfill(body=body, content_type="text/html"))
    await page.goto(f"{setting.url}/shown?endpoint=/gateway/{kind}")
    button = page.get_by_role("button", name="Start Processing")
    await button.click()
    await page.wait_for_function("document.querySelector('[style]')?.style.width === '100%'")
    await expect(button).to_be_enabled()
    assert asked == [f"{setting.url}/gateway/{kind}?token=gateway-token"]
