"""A browser's way to the identity provider and back."""

import json
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from headway_streamer.access.jwks import FetchError
from headway_streamer.access.settings import AccessSettings
from headway_streamer.http.head import HeadAsGet
from tests.fixtures.access import memory_access
from tests.fixtures.oidc_issuer import Issuer, Refused
from tests.unit.streamer.http.conftest import streamer

pytestmark = pytest.mark.security
PAGE = "https://headway.example/tasks/"
REDIRECT = f"{PAGE}session/callback"
NAVIGATION = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


class Browser:
    """Follows the redirects of a sign-in, with cookies."""

    def __init__(self, client, issuer):
        self.client, self.issuer, self.cookies = client, issuer, {}

    async def get(self, path, **headers):
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.client.get(path, headers={"Cookie": cookie} | NAVIGATION | headers)
        for text in answer.headers.get_list("set-cookie"):
            name, _, value = text.partition(";")[0].partition("=")
            self.cookies[name] = value
            if "max-age=0" in text.lower():
                del self.cookies[name]
        return answer

    async def begin(self, owner="ann"):
        """The query of the callback."""
        answer = await self.get("/session/login")
        query = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
        return urlsplit(self.issuer.authorize(query, owner)).query


@pytest.fixture
def issuer():
    return Issuer("https://idp.example", redirect=REDIRECT)


@pytest.fixture
async def browser(log, issuer, tmp_path):
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(issuer.jwks()))
    settings = AccessSettings(
        access="jwt",
        jwt_keys_file=str(keys),
        jwt_issuer=issuer.url,
        oidc_client_id="headway",
        oidc_redirect_uri=REDIRECT,
    )

    async def fetch(_):
        if not issuer.reachable:
            raise FetchError("unreachable")
        return issuer.discovery()

    async def post(_, form, basic):
        try:
            return issuer.exchange(form, "")
        except Refused as refused:
            raise FetchError(refused.error) from refused

    async with streamer(log, access=memory_access(settings, fetch, post)) as (_, client):
        yield Browser(client, issuer)


async def test_a_sign_in_ends_on_the_page_with_a_cookie_and_no_token_elsewhere(browser):
    answer = await browser.get(f"/session/callback?{await browser.begin()}")
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert list(browser.cookies) == ["__Host-headway"]
    assert browser.cookies["__Host-headway"] not in answer.text
    found = await browser.get("/api/v1/session", **{"Sec-Fetch-Site": "same-origin"})
    assert found.json()["owner"] == "ann"


async def test_a_callback_works_once_and_in_its_own_browser(browser):
    query = await browser.begin()
    other = Browser(browser.client, browser.issuer)
    await other.begin("eve")
    for one, cause in ((other, "expired"), (browser, ""), (browser, "expired")):
        answer = await one.get(f"/session/callback?{query}")
        assert answer.headers["location"] == (f"{PAGE}?sign-in={cause}" if cause else PAGE)
    assert "__Host-headway" not in other.cookies


async def test_a_head_of_the_callback_uses_up_nothing(browser):
    query = await browser.begin()
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    app = HeadAsGet(browser.client._transport.app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        answer = await client.head(f"/session/callback?{query}", headers={"Cookie": cookie})
    assert (answer.status_code, "set-cookie" in answer.headers) == (303, False)
    assert (await browser.get(f"/session/callback?{query}")).headers["location"] == PAGE


@pytest.mark.parametrize(
    "words",
    [
        "next=https://evil.example",
        "return_to=//evil.example",
        "redirect_uri=https://evil.example/session/callback",
        "state=https://evil.example",
        "error=https://evil.example",
        "code=https://evil.example&state=x",
        "error_uri=https://evil.example",
    ],
)
async def test_no_request_leads_the_browser_elsewhere(browser, words):
    for headers in ({}, {"X-Forwarded-Host": "evil.example"}, {"Referer": "https://evil.example/"}):
        answer = await browser.get(f"/session/callback?{words}", **headers)
        assert answer.headers["location"].startswith(f"{PAGE}?sign-in=")
        answer = await browser.get(f"/session/login?{words}", **headers)
        assert answer.headers["location"].startswith("https://idp.example/authorize?")
        assert "evil" not in answer.headers["location"]


@pytest.mark.parametrize(
    ("break_it", "cause"),
    [
        (lambda issuer: issuer.claims.update(aud="another"), "unusable"),
        (lambda issuer: issuer.claims.update(padding="x" * 4000), "large"),
        (lambda issuer: issuer.id_claims.update(nonce="another"), "failed"),
        (lambda issuer: setattr(issuer, "secret", "another"), "failed"),
    ],
)
async def test_the_page_learns_the_kind_of_a_failure_alone(browser, break_it, cause):
    query = await browser.begin()
    break_it(browser.issuer)
    answer = await browser.get(f"/session/callback?{query}")
    assert answer.headers["location"] == f"{PAGE}?sign-in={cause}"
    assert browser.cookies == {}


async def test_a_refusal_of_the_provider_and_its_outage_lead_back_to_the_page(browser):
    query = await browser.begin("nobody")
    assert (await browser.get(f"/session/callback?{query}")).headers["location"] == f"{PAGE}?sign-in=denied"


async def test_an_outage_of_the_provider_leads_back_to_the_page(browser):
    browser.issuer.reachable = False
    answer = await browser.get("/session/login")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?sign-in=unreachable")


async def test_without_a_provider_there_is_no_such_sign_in(client):
    for path in ("/session/login", "/session/callback?code=c&state=s"):
        assert (await client.get(path)).status_code == 404


async def test_other_sites_may_lead_to_the_sign_in_but_not_embed_it(browser):
    for destination in ("iframe", "image", "empty"):
        headers = {"Sec-Fetch-Dest": destination, "Sec-Fetch-Mode": "no-cors"}
        assert (await browser.get("/session/login", **headers)).status_code == 403
    assert (await browser.get("/session/login")).status_code == 303
