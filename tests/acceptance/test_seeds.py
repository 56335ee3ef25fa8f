"""The clients of the two documents that the product is made from, verbatim, in a real Chromium."""

import re
import time

import pytest
import pytest_asyncio

from tests.fixtures import seed_documents, tokens
from tests.fixtures.services import run_services

pytestmark = pytest.mark.browser
verbatim = pytest.mark.needs("HEADWAY_SEED_DOCUMENTS")
component = pytest.mark.needs("HEADWAY_SEED_DOCUMENTS", "node", "npm ci --prefix web")

KINDS = """
import asyncio

from headway import TaskError, task


async def work(job):
    for name in ("Fetching", "Analysing"):
        job.step(name, total=4)
        for _ in range(4):
            await asyncio.sleep(0.08)
            job.advance()


@task("steady")
async def steady(job):
    await work(job)
    return {"answer": 42}


@task("wavering", retries=1)
async def wavering(job):
    await work(job)
    if job.attempt == 1:
        raise TaskError("once more", retryable=True)


@task("doomed")
async def doomed(job):
    job.step("Fetching")
    raise TaskError("no luck", retryable=False)


@task("endless")
async def endless(job):
    job.step("Waiting", total=1000)
    while True:
        await asyncio.sleep(0.05)
        job.advance()
"""

RECORD = """
window.seen = [];
new MutationObserver(() => {
  const fill = document.querySelector("[style]");
  const words = document.querySelector("p")?.textContent;
  const last = seen.at(-1);
  if (fill && (last?.width !== fill.style.width || last.words !== words)) seen.push({ width: fill.style.width, words });
}).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
"""


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """Two streamers, one that asks for tokens, and a processor whose kinds take no parameters: the hook sends none."""
    folder = tmp_path_factory.mktemp("seeds")
    (folder / "seed_kinds.py").write_text(KINDS)
    with run_services(folder) as running:
        processor = running.processor("p1", tasks="seed_kinds", RETRY_DELAY_SECONDS="0.3")
        asks = {"ACCESS": "jwt", "JWT_SECRET": tokens.SECRET, "JWT_ISSUER": tokens.ISSUER}
        streamers = (
            running.streamer("s1", PROCESS_KIND="steady"),
            running.streamer("s2"),
            running.streamer("s3", PROCESS_KIND="steady", **asks),
        )
        for service in (processor, *streamers):
            service.wait_ready()
        yield streamers


@pytest.fixture(scope="module")
def first_client(tmp_path_factory):
    """The first document's component and hook as one script."""
    return seed_documents.first_client(tmp_path_factory.mktemp("client"))


@pytest.fixture
def expect(page):
    """The assertions of playwright, which wait."""
    from playwright.async_api import expect

    expect.set_options(timeout=20_000)
    return expect


@pytest_asyncio.fixture(loop_scope="session")
async def show(page, services, first_client):
    """Shows the first document's component for an endpoint, and presses its button."""
    await page.route("**/client.js", lambda route: route.fulfill(body=first_client, content_type="text/javascript"))
    body = f'<!doctype html><script>{RECORD}</script><div id="root"></div><script src="/client.js"></script>'
    await page.route(re.compile("/shown"), lambda route: route.fulfill(body=body, content_type="text/html"))

    async def start(endpoint, streamer=0):
        await page.goto(f"{services[streamer].url}/shown?endpoint={endpoint}")
        await page.get_by_role("button", name="Start Processing").click()
        return page.get_by_role("button")

    return start


GATEWAY_TOKEN = """
globalThis.getGatewayToken = async () => {
  const headers = { "Content-Type": "application/json" };
  const kind = new URLSearchParams(location.search).get("endpoint").match(/process[/](\\w+)[/]stream/)?.[1] ?? "steady";
  const answer = await fetch(`/api/v1/kinds/${kind}/token`, { method: "POST", headers });
  return (await answer.json()).start_token;
};
"""
SIGN_IN = """(token) => fetch("/session", {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token }),
}).then((answer) => answer.ok)"""


async def sign_in(page, url, seconds, **claims):
    """Give the pages of a streamer a session."""
    await blank_page(page, url)
    assert await page.evaluate(SIGN_IN, tokens.live_token(exp=int(time.time() + seconds), **claims))
    await page.add_init_script(GATEWAY_TOKEN)


async def blank_page(page, url):
    """A page of the streamer's origin that has nothing on it."""
    await page.route("**/blank", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    await page.goto(f"{url}/blank")


async def submit(http, url, kind):
    return (await http.post(f"{url}/api/v1/tasks", json={"kind": kind, "params": {}})).json()["task"]


@component
@pytest.mark.parametrize("endpoint", ["/api/v1/process/steady/stream", seed_documents.gateway_path])
async def test_the_first_documents_component_shows_a_task_to_its_end(show, page, expect, endpoint):
    button = await show(endpoint if isinstance(endpoint, str) else endpoint())
    await expect(button).to_be_enabled()
    await expect(button).to_have_text("Start Processing")
    seen = await page.evaluate("seen")
    widths = [float(one["width"].removesuffix("%")) for one in seen]
    assert widths == sorted(widths)
    assert (len(set(widths)) >= 3, widths[-1]) == (True, 100)  # a busy browser merges some
    assert {one["words"].split(":")[0] for one in seen} >= {"Fetching", "Analysing"}


@component
async def test_the_first_documents_component_stays_through_a_retry(show, page, expect):
    button = await show("/api/v1/process/wavering/stream")
    await expect(button).to_be_enabled()
    seen = await page.evaluate("seen")
    assert any("once more" in one["words"] for one in seen)
    assert seen[-1]["width"] == "100%"


@component
async def test_the_first_documents_component_shows_a_failure(show, page, expect):
    button = await show("/api/v1/process/doomed/stream")
    await expect(button).to_be_enabled()
    await expect(page.get_by_text("no luck")).to_be_visible()


@component
async def test_the_first_documents_component_shows_why_its_task_was_cancelled(show, page, http, services, expect):
    button = await show("/api/v1/process/endless/stream")
    await expect(page.get_by_text("Waiting")).to_be_visible()
    task = (await http.get(f"{services[0].url}/api/v1/tasks?kind=endless")).json()["tasks"][0]["task"]
    await http.post(f"{services[0].url}/api/v1/tasks/{task}/cancel", json={"reason": "not wanted"})
    await expect(button).to_be_enabled()
    await expect(page.get_by_text("not wanted")).to_be_visible()


async def statuses(page, task, *ends):
    """What the second document's function passes on of `task`, until its status is one of `ends`."""
    return await page.evaluate(
        """([code, task, ends]) => new Promise((resolve, reject) => {
            const seen = [];
            window.updateProgressBar = (data) => { seen.push(data); if (ends.includes(data.status)) resolve(seen); };
            const stream = (0, eval)(`(${code})`);
            stream(task);
        })""",
        [seed_documents.stream_status(), task, list(ends)],
    )


@verbatim
@pytest.mark.parametrize(("kind", "last"), [("steady", "SUCCESS"), ("doomed", "FAILURE")])
async def test_the_second_documents_function_works_unchanged(services, http, page, kind, last):
    await blank_page(page, services[0].url)
    seen = await statuses(page, await submit(http, services[0].url, kind), "SUCCESS", "FAILURE")
    names = [one["status"] for one in seen]
    assert names[-1] == last
    assert set(names) <= {"PENDING", "STARTED", "PROGRESS", "SUCCESS", "FAILURE"}
    if last == "SUCCESS":
        assert seen[-1]["data"] == {"answer": 42}


async def test_a_native_eventsource_stops_permanently_after_the_end(services, http, page):
    await blank_page(page, services[0].url)
    opened = await page.evaluate(
        """(task) => new Promise((resolve) => {
            let opened = 0;
            const source = new EventSource(`/api/v1/tasks/${task}/stream`);
            source.onopen = () => { opened += 1; };
            source.onerror = () => { if (source.readyState === EventSource.CLOSED) resolve(opened); };
        })""",
        await submit(http, services[0].url, "steady"),
    )
    assert opened == 1  # it was not closed by the page: the 204 on its return ended it


async def test_a_native_eventsource_returns_to_the_other_streamer_by_its_id(services, http, page):
    await blank_page(page, services[0].url)
    task = await submit(http, services[0].url, "steady")
    first = await page.evaluate(
        """(task) => new Promise((resolve) => {
            const source = new EventSource(`/api/v1/tasks/${task}/stream?merge=0`);
            source.onmessage = (event) => {
                const data = JSON.parse(event.data);
                if (data.n >= 3) { source.close(); resolve({ id: event.lastEventId, n: data.n }); }
            };
        })""",
        task,
    )
    await page.goto(f"{services[1].url}/blank")
    rest = await page.evaluate(
        """([task, cursor]) => new Promise((resolve) => {
            const seen = [];
            const source = new EventSource(`/api/v1/tasks/${task}/stream?merge=0&cursor=${cursor}`);
            const take = (event) => {
                const data = JSON.parse(event.data);
                seen.push(data.n);
                if (data.status === "completed") { source.close(); resolve(seen); }
            };
            source.onmessage = take;
            for (const name of ["chunk", "log"]) source.addEventListener(name, take);
        })""",
        [task, first["id"]],
    )
    assert rest == list(range(first["n"] + 1, rest[-1] + 1))


def bearer(**claims):
    return {"Authorization": f"Bearer {tokens.live_token(**claims)}"}


@component
@pytest.mark.security
@pytest.mark.parametrize("endpoint", ["/api/v1/process/steady/stream", seed_documents.gateway_path])
async def test_the_first_documents_component_starts_one_task_with_its_token(
    show, page, http, services, expect, security_figures, endpoint
):
    endpoint = endpoint if isinstance(endpoint, str) else endpoint()
    who = {"sub": f"starts-{endpoint.count('steady')}"}
    await sign_in(page, services[2].url, 600, **who)
    button = await show(endpoint, 2)
    await page.wait_for_function("seen.length > 0")  # the hook asks for its token before the button is off
    await expect(button).to_be_enabled()
    seen = await page.evaluate("seen")
    assert seen[-1]["width"] == "100%"
    assert {one["words"].split(":")[0] for one in seen} >= {"Fetching", "Analysing"}
    listed = (await http.get(f"{services[2].url}/api/v1/tasks", headers=bearer(**who))).json()["tasks"]
    assert [task["kind"] for task in listed] == ["steady"]
    security_figures(14, "the seed's hook with a start token", tasks=len(listed), errors=0)


@component
@pytest.mark.security
async def test_the_first_documents_component_stays_beyond_the_life_of_its_token(show, page, http, services, expect):
    url, who = services[2].url, {"sub": "stays"}
    await sign_in(page, url, 8, **who)
    button = await show("/api/v1/process/endless/stream", 2)
    await expect(page.get_by_text("Waiting")).to_be_visible()
    await page.wait_for_function("fetch('/api/v1/session').then((answer) => answer.status === 401)")
    before = len(await page.evaluate("seen"))
    await page.wait_for_function(f"seen.length > {before}")
    task = (await http.get(f"{url}/api/v1/tasks", headers=bearer(**who))).json()["tasks"][0]["task"]
    reason = {"reason": "not wanted"}
    await http.post(f"{url}/api/v1/tasks/{task}/cancel", json=reason, headers=bearer(**who))
    await expect(button).to_be_enabled()
    await expect(page.get_by_text("not wanted")).to_be_visible()


@verbatim
@pytest.mark.security
async def test_the_second_documents_function_works_with_the_session_of_its_page(services, http, page):
    url = services[2].url
    await sign_in(page, url, 600, sub="second")
    body = {"kind": "steady", "params": {}}
    task = (await http.post(f"{url}/api/v1/tasks", json=body, headers=bearer(sub="second"))).json()["task"]
    assert (await statuses(page, task, "SUCCESS"))[-1]["data"] == {"answer": 42}
