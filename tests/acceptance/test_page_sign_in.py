"""Sign-in on the page, in a real Chromium: with a token, and at an OpenID Connect provider."""

import json
import re
import time

import httpx
import pytest

from headway.ids import nonce
from tests.fixtures import pages, tokens
from tests.fixtures.oidc_issuer import run_issuer
from tests.fixtures.services import run_services
from tests.fixtures.web import MODULES

pytestmark = [pytest.mark.browser, pytest.mark.security, pytest.mark.needs("chromium")]

SIZES = {"desktop": {"width": 1280, "height": 860}, "phone": {"width": 360, "height": 740}}
CLIENT_SECRET = "the-secret-of-that-client"
TWO_STEPS = {
    "steps": [
        {"name": "Reading", "seconds": 1, "ticks": 10, "chunks": ["Hello, "] * 4},
        {"name": "Writing", "seconds": 60, "ticks": 600, "chunks": ["world. "] * 60},
    ]
}


def documented_settings():
    """The settings of a sign-in that the documentation prints, for a page on this machine."""
    name = "test_the_provider_signs_in_and_leads_back_to_the_same_task"
    (block,) = pages.printed_for(f"tests/acceptance/test_page_sign_in.py::{name}")
    found = dict(re.findall(r"export HEADWAY_STREAMER_(\w+)=(\S+)", block.text))
    at = found["OIDC_REDIRECT_URI"].replace("https://headway.example.org", "http://127.0.0.1:{port}")
    return found | {"OIDC_REDIRECT_URI": at}


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """A streamer with a secret, one with a provider, one behind a gateway; and a processor."""
    folder = tmp_path_factory.mktemp("services")
    with run_services(folder) as running, run_issuer(host="localhost") as issuer:
        started = {
            "p1": running.processor("p1"),
            "secret": running.streamer(
                "secret",
                ACCESS="jwt",
                JWT_SECRET=tokens.SECRET,
                JWT_ISSUER=tokens.ISSUER,
                CLAIM_TENANT="org",
            ),
            "provider": running.streamer(
                "provider",
                ACCESS="jwt",
                JWT_ISSUER=issuer.url,
                JWT_DISCOVERY="true",
                **documented_settings(),
            ),
            "gateway": running.streamer(
                "gateway", ACCESS="forward", FORWARD_PEERS="127.0.0.1", DEFAULT_SCOPES="tasks:read,tasks:submit"
            ),
        }
        for service in started.values():
            service.wait_ready()
        issuer.client, issuer.secret = "headway-page", CLIENT_SECRET
        issuer.redirect = f"{started['provider'].url}/session/callback"
        yield started | {"issuer": issuer}


@pytest.fixture
def expect(page):
    """The assertions of playwright, which wait."""
    from playwright.async_api import expect

    expect.set_options(timeout=20_000)
    return expect


def token(seconds=600, **claims):
    """A token of its own, which a sign-out revokes alone."""
    return tokens.live_token(org="acme", exp=int(time.time() + seconds), jti=nonce(), **claims)


async def submit(http, url, bearer, params=TWO_STEPS):
    headers = {"Authorization": f"Bearer {bearer}"}
    answer = await http.post(f"{url}/api/v1/tasks", json={"kind": "script", "params": params}, headers=headers)
    return answer.json()["task"]


async def cancel(http, url, bearer, task):
    await http.post(f"{url}/api/v1/tasks/{task}/cancel", json={}, headers={"Authorization": f"Bearer {bearer}"})


async def blank_page(page, url):
    """A page of the streamer's origin that has nothing on it."""
    await page.route("**/blank", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    await page.goto(f"{url}/blank")


async def sign_in(page, text):
    await page.get_by_label("Access token").fill(text)
    await page.get_by_role("button", name="Sign in with this token").click()


def noted(page):
    """The requests of a page from now on, as method, path and status, and every URL that it visits."""
    answers = []
    page.on("response", lambda answer: answers.append((answer.request.method, answer.url, answer.status)))
    return answers


async def everywhere(page):
    """All that scripts of the page can read."""
    return await page.evaluate(
        "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, location.href, history.state,"
        " document.documentElement.outerHTML, performance.getEntries().map((entry) => entry.name)])"
    )


async def test_a_token_signs_in_and_is_then_out_of_reach(services, page, http, expect, security_figures):
    url, bearer = services["secret"].url, token()
    task = await submit(http, url, bearer)
    await page.goto(f"{url}/#{task}")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await expect(page.get_by_role("heading", name="Tasks")).to_be_hidden()
    await sign_in(page, tokens.live_token(exp=int(time.time()) - 10))
    await expect(page.get_by_role("alert")).to_contain_text("not valid here")
    await sign_in(page, bearer)
    await expect(page.locator("#main").get_by_text("Reading").first).to_be_visible()
    await expect(page.locator("#access")).to_contain_text("signed in as ann (acme) until")
    (cookie,) = await page.context.cookies()
    kept = {name: cookie[name] for name in ("name", "value", "path", "httpOnly", "secure", "sameSite")}
    assert kept == {
        "name": "__Host-headway",
        "value": bearer,
        "path": "/",
        "httpOnly": True,
        "secure": True,
        "sameSite": "Strict",
    }
    found = await everywhere(page)
    assert bearer not in found
    assert bearer.rpartition(".")[2] not in services["secret"].log.read_text()
    await cancel(http, url, bearer, task)
    security_figures(14, "sign-in with a token, in Chromium", storage=0, urls=0, logs=0)


async def test_sign_out_leaves_nothing_of_the_owner_on_the_page(services, page, http, expect):
    url, bearer = services["secret"].url, token(sub="signs-out")
    task = await submit(http, url, bearer)
    await page.goto(f"{url}/#{task}")
    await sign_in(page, bearer)
    await expect(page.locator("#main").get_by_text("Reading").first).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await expect(page.get_by_text("Reading")).to_have_count(0)
    assert await page.context.cookies() == []
    await cancel(http, url, bearer, task)


async def test_a_session_that_ends_keeps_the_place_and_continues_without_gap_or_repetition(
    services, page, http, expect, security_figures
):
    url, owner = services["secret"].url, {"sub": "stays"}
    task = await submit(http, url, token(**owner))
    await page.goto(f"{url}/#{task}")
    await sign_in(page, token(4, **owner))
    await expect(page.locator("#main").get_by_text("Reading").first).to_be_visible()
    await expect(page.get_by_role("heading", name="Your session has ended")).to_be_visible()
    await expect(page.get_by_text("Waiting until you have signed in")).to_be_visible()
    await expect(page.locator("#live")).to_have_text("Your session has ended. Sign in again to continue.")
    shown = page.locator("#main .percent")
    before = await shown.inner_text()
    answers = noted(page)
    await sign_in(page, token(**owner))
    await expect(page.get_by_text("Connection open")).to_be_visible()
    await expect(page.get_by_role("heading", name="Your session has ended")).to_be_hidden()
    await expect(shown).not_to_have_text(before)
    assert page.url == f"{url}/#{task}"
    streams = [address for _, address, status in answers if "/stream" in address and status == 200]
    assert streams
    assert all("cursor=" in address for address in streams)
    await cancel(http, url, token(**owner), task)
    await expect(page.locator("#main").get_by_text("Cancelled").first).to_be_visible()
    whole = await http.get(f"{url}/api/v1/tasks/{task}", headers={"Authorization": f"Bearer {token(**owner)}"})
    text = await page.get_by_label("Output", exact=True).inner_text()
    assert re.fullmatch(r"(Hello, ){4}(world\. ?)*", text)
    security_figures(14, "page over the end of its session", gaps=0, repeated=0, last=whole.json()["state"]["n"])


async def test_a_revoked_session_ends_at_once_and_asks_for_another(services, page, http, expect):
    url, bearer = services["secret"].url, token(sub="revoked")
    task = await submit(http, url, bearer)
    await page.goto(f"{url}/#{task}")
    await sign_in(page, bearer)
    await expect(page.get_by_text("Connection open")).to_be_visible()
    await http.post(f"{url}/api/v1/revocations", json={}, headers={"Authorization": f"Bearer {bearer}"})
    await expect(page.get_by_role("heading", name="Your session has ended")).to_be_visible()
    await sign_in(page, bearer)
    await expect(page.get_by_role("alert")).to_contain_text("not valid here")
    await cancel(http, url, token(sub="revoked"), task)


async def test_another_owner_finds_nothing_of_the_one_before(services, page, http, expect):
    url = services["secret"].url
    task = await submit(http, url, token(sub="first"))
    await page.goto(f"{url}/#{task}")
    await sign_in(page, token(8, sub="first"))
    await expect(page.locator("#main").get_by_text("Reading").first).to_be_visible()
    await expect(page.get_by_role("heading", name="Your session has ended")).to_be_visible()
    await sign_in(page, token(sub="second"))
    await expect(page.get_by_role("heading", name="No such task")).to_be_visible()
    await expect(page.get_by_text("Reading")).to_have_count(0)
    await cancel(http, url, token(sub="first"), task)


async def sign_in_at_provider(page, owner="ann"):
    await page.get_by_role("link", name="Sign in at your provider").click()
    await page.get_by_label("Name").fill(owner)
    await page.get_by_role("button", name="Sign in").click()


async def test_the_provider_signs_in_and_leads_back_to_the_same_task(
    services, page, http, expect, printed, security_figures
):
    assert f"CLIENT_SECRET={CLIENT_SECRET}" in printed[0].text  # which the streamer was started with
    url, issuer = services["provider"].url, services["issuer"]
    task = await submit(http, url, issuer.access_token())
    visited = noted(page)
    await page.goto(f"{url}/#{task}")
    await sign_in_at_provider(page)
    await expect(page.locator("#main").get_by_text("Reading").first).to_be_visible()
    assert page.url == f"{url}/#{task}"
    await expect(page.locator("#access")).to_contain_text("signed in as ann until")
    names = {cookie["name"] for cookie in await page.context.cookies(url)}
    assert names - {"issuer-session"} == {"__Host-headway"}
    (session,) = [one for one in await page.context.cookies(url) if one["name"] == "__Host-headway"]
    assert session["httpOnly"]
    assert session["secure"]
    assert session["value"] not in await everywhere(page)
    assert not any(session["value"] in address for _, address, _ in visited)
    log = services["provider"].log.read_text()
    codes = [code for _, address, _ in visited for code in re.findall(r"[?&]code=([^&]+)", address)]
    assert len(codes) == 1
    assert all(secret not in log for secret in (codes[0], session["value"], CLIENT_SECRET))
    await cancel(http, url, issuer.access_token(), task)
    security_figures(14, "sign-in at a provider, in Chromium", storage=0, urls=0, logs=0)


async def test_a_session_of_the_provider_is_renewed_with_one_click(services, page, http, expect):
    url, issuer = services["provider"].url, services["issuer"]
    task = await submit(http, url, issuer.access_token("renews"))
    issuer.life_seconds = 4
    await page.goto(f"{url}/#{task}")
    await sign_in_at_provider(page, "renews")
    await expect(page.get_by_role("heading", name="Your session has ended")).to_be_visible()
    issuer.life_seconds = 300
    await page.get_by_role("link", name="Sign in at your provider").click()
    await expect(page.locator("#main").get_by_text("Writing").first).to_be_visible()
    await expect(page.get_by_text("Connection open")).to_be_visible()
    assert page.url == f"{url}/#{task}"
    await cancel(http, url, issuer.access_token("renews"), task)


async def test_a_refusal_of_the_provider_is_shown_once(services, page, expect):
    await page.goto(services["provider"].url)
    await sign_in_at_provider(page, "nobody")
    await expect(page.get_by_role("alert")).to_have_text("The identity provider has refused the sign-in.")
    assert page.url == f"{services['provider'].url}/"
    await page.context.clear_cookies()


async def test_a_gateway_s_caller_is_named_and_its_absence_explained(services, page, expect):
    await page.set_extra_http_headers({"X-Forwarded-User": "ann"})
    await page.goto(services["gateway"].url)
    await expect(page.locator("#access")).to_contain_text("the gateway signs you in. You are ann")
    await expect(page.get_by_role("heading", name="Tasks")).to_be_visible()
    await page.set_extra_http_headers({})
    await page.reload()
    await expect(page.get_by_text("The gateway in front of this page signs you in, and has not.")).to_be_visible()


SIGN_IN = """(token) => fetch('/session', {
  method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ token }),
})"""
UNCHANGED = """([url]) => new Promise((resolve) => {
  const seen = [];
  const source = new EventSource(url);
  source.onmessage = () => seen.push('message');
  source.addEventListener('reauth', (event) => seen.push(JSON.parse(event.data).reason));
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) resolve(seen); };
})"""


async def test_an_unchanged_eventsource_ends_with_one_401(services, page, http, security_figures):
    url, bearer = services["secret"].url, token(4, sub="native")
    task = await submit(http, url, bearer)
    await blank_page(page, url)
    await page.evaluate(SIGN_IN, bearer)
    answers = noted(page)
    seen = await page.evaluate(UNCHANGED, [f"{url}/api/v1/tasks/{task}/stream"])
    assert seen[0] == "message"
    assert seen.count("expired") == 1
    statuses = [status for _, address, status in answers if address.endswith("/stream")]
    assert statuses == [200, 401]
    await cancel(http, url, token(sub="native"), task)
    security_figures(14, "unchanged EventSource after its token", requests=len(statuses), refused=1)


EACH_EVENT = """() => {
  window.EventSource = class extends EventSource {
    constructor(url) { super(`${url}&merge=0`); }
  };
}"""
PRINTED = """async ([code, task]) => {
  window.numbers = [];
  window.ended = false;
  (0, eval)(`${code}; window.watch = watch;`);
  await watch(task, ({ n, status }) => { numbers.push(n); ended = status === 'completed'; });
}"""


async def test_the_printed_code_continues_over_the_end_of_its_token(services, page, http, printed, security_figures):
    url, owner = services["secret"].url, {"sub": "prints"}
    ticks = {"steps": [{"name": "Working", "seconds": 6, "ticks": 60}]}
    task = await submit(http, url, token(**owner), ticks)
    await blank_page(page, url)
    await page.evaluate(SIGN_IN, token(3, **owner))
    answers = noted(page)
    await page.evaluate(EACH_EVENT)
    await page.evaluate(PRINTED, [printed[0].text, task])
    await page.evaluate(SIGN_IN, token(**owner))  # before the stream ends, as a page that renews its session
    await page.wait_for_function("ended", timeout=30_000)
    numbers = await page.evaluate("numbers")
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    streams = [(address, status) for _, address, status in answers if "/stream?" in address]
    assert [status for _, status in streams] == [200, 200]
    assert "cursor=&" in streams[0][0]
    assert "cursor=&" not in streams[1][0]
    security_figures(14, "printed code over the end of its token", events=len(numbers), gaps=0, repeated=0)


@pytest.mark.needs("npm ci --prefix web")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("streamer", ["secret", "provider", "gateway"])
async def test_axe_finds_nothing_on_the_sign_in(services, page, expect, size, streamer):
    await page.set_viewport_size(SIZES[size])
    await page.goto(services[streamer].url)
    await page.evaluate((MODULES / "axe-core" / "axe.min.js").read_text())
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    if streamer != "gateway":
        await page.evaluate("() => { for (const fold of document.querySelectorAll('details')) fold.open = true; }")
        await sign_in(page, "not a token")
        await expect(page.get_by_role("alert")).to_be_visible()
    await axe(page, f"{streamer} {size}")


@pytest.mark.needs("npm ci --prefix web")
@pytest.mark.parametrize("size", SIZES)
async def test_axe_finds_nothing_where_a_session_has_ended(services, page, http, expect, size):
    url, owner = services["secret"].url, {"sub": f"axe-{size}"}
    task = await submit(http, url, token(**owner))
    await page.set_viewport_size(SIZES[size])
    await page.goto(f"{url}/#{task}")
    await page.evaluate((MODULES / "axe-core" / "axe.min.js").read_text())
    await sign_in(page, token(3, **owner))
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    await axe(page, f"signed in, {size}")
    await expect(page.get_by_role("heading", name="Your session has ended")).to_be_visible()
    await axe(page, f"ended, {size}")
    await cancel(http, url, token(**owner), task)


async def axe(page, view):
    found = {}
    for scheme, options in {"light": {}, "dark": {"runOnly": ["color-contrast"]}}.items():
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        report = await page.evaluate("(options) => axe.run(options)", options)
        for rule in report["violations"]:
            found[f"{view} {scheme} {rule['id']}"] = [node["html"][:120] for node in rule["nodes"]][:3]
    assert not found, json.dumps(found, indent=1)


async def test_the_page_and_its_sign_in_need_no_session(services):
    async with httpx.AsyncClient(base_url=services["secret"].url) as http:
        page = await http.get("/")
        script = re.search(r'data-sign-in="(page/sign-in\.[0-9a-f]{12}\.js)"', page.text)[1]
        assert (await http.get(f"/{script}")).headers["content-type"].startswith("text/javascript")
