"""The authorization code flow against an issuer without sockets."""

import base64
import time
from urllib.parse import parse_qsl, urlsplit

import pytest

from headway_streamer.access.code_flow import Attempt, Client, CodeFlow, SignInError
from headway_streamer.access.jwks import FetchError
from headway_streamer.access.keys import StaticKeys, parse_keys
from headway_streamer.access.provider import Provider
from headway_streamer.access.verifier import Requirements, Verifier
from tests.fixtures.oidc_issuer import Issuer, Refused

pytestmark = pytest.mark.security
REDIRECT = "https://headway.example/session/callback"


class Made:
    """A flow, and the issuer that it leads to."""

    def __init__(self, secret=""):
        self.issuer = Issuer("https://idp.example", redirect=REDIRECT, secret=secret)
        self.forms = []
        client = Client("headway", REDIRECT, secret, ("openid", "tasks:read"))
        keys = StaticKeys(parse_keys(self.issuer.jwks()))
        verifier = Verifier(keys, Requirements(issuer=self.issuer.url, audience="headway"))
        self.flow = CodeFlow(client, Provider(self.issuer.url, self.fetch), verifier, self.post)

    async def fetch(self, _):
        if not self.issuer.reachable:
            raise FetchError("unreachable")
        return self.issuer.discovery()

    async def post(self, url, form, basic):
        assert url == f"{self.issuer.url}/token"
        self.forms.append((form, basic))
        try:
            return self.issuer.exchange(form, _header(basic))
        except Refused as refused:
            raise FetchError(refused.error) from refused

    async def answer(self, attempt, owner="ann"):
        """The query with which the provider sends the browser back."""
        url = await self.flow.begin(attempt)
        return query_of(self.issuer.authorize(query_of(url), owner))


def _header(basic):
    return "Basic " + base64.b64encode(":".join(basic).encode()).decode() if basic else ""


def query_of(url):
    return dict(parse_qsl(urlsplit(url).query))


@pytest.mark.parametrize("secret", ["", "s:e/cret"])
async def test_a_code_becomes_an_access_token_once(secret):
    made, attempt = Made(secret), Attempt.new()
    answer = await made.answer(attempt)
    token = await made.flow.finish(attempt, answer)
    assert (
        Verifier(
            StaticKeys(parse_keys(made.issuer.jwks())), Requirements(issuer=made.issuer.url, audience="headway")
        ).claims(token)["sub"]
        == "ann"
    )
    assert secret not in (made.forms[0][0]).values() or not secret
    with pytest.raises(SignInError):
        await made.flow.finish(attempt, answer)


async def test_the_provider_learns_neither_the_verifier_nor_the_secret_by_the_browser():
    made, attempt = Made("a-secret"), Attempt.new()
    url = await made.flow.begin(attempt)
    assert query_of(url) | {"code_challenge": ""} == {
        "response_type": "code",
        "client_id": "headway",
        "redirect_uri": REDIRECT,
        "scope": "openid tasks:read",
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": "",
        "code_challenge_method": "S256",
    }
    assert attempt.verifier not in url


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"state": "another"}, "expired"),
        ({"state": ""}, "expired"),
        ({"state": "é"}, "expired"),
        ({"iss": "https://evil.example"}, "failed"),
        ({"error": "access_denied"}, "denied"),
        ({"error": "server_error"}, "failed"),
        ({"code": "another"}, "failed"),
        ({"code": ""}, "failed"),
    ],
)
async def test_a_callback_that_does_not_belong_to_the_attempt_fails(changes, cause):
    made, attempt = Made(), Attempt.new()
    with pytest.raises(SignInError) as caught:
        await made.flow.finish(attempt, await made.answer(attempt) | changes)
    assert caught.value.cause == cause
    for value in changes.values():
        assert not value or value in ("access_denied", "server_error") or value not in caught.value.reason


async def test_a_code_of_another_browser_is_refused_by_the_verifier_and_the_nonce():
    made, victim, attacker = Made(), Attempt.new(), Attempt.new()
    stolen = await made.answer(attacker)
    with pytest.raises(SignInError):
        await made.flow.finish(victim, stolen | {"state": victim.state})
    with pytest.raises(SignInError):
        await made.flow.finish(None, await made.answer(victim))


@pytest.mark.parametrize(
    "changed",
    [{"nonce": "another"}, {"aud": "another"}, {"iss": "https://evil.example"}, {"exp": int(time.time()) - 60}],
)
async def test_an_id_token_that_is_not_for_this_sign_in_is_refused(changed):
    made, attempt = Made(), Attempt.new()
    made.issuer.id_claims = changed
    with pytest.raises(SignInError) as caught:
        await made.flow.finish(attempt, await made.answer(attempt))
    assert caught.value.cause == "failed"


@pytest.mark.parametrize("body", [[], {}, {"access_token": "a.b.c"}, {"id_token": 7, "access_token": "a.b.c"}])
async def test_an_answer_without_tokens_fails(body):
    made, attempt = Made(), Attempt.new()
    answer = await made.answer(attempt)

    async def post(*_):
        return body

    made.flow._post = post
    with pytest.raises(SignInError):
        await made.flow.finish(attempt, answer)


async def test_an_unreachable_provider_is_told_apart():
    made = Made()
    made.issuer.reachable = False
    with pytest.raises(SignInError) as caught:
        await made.flow.begin(Attempt.new())
    assert caught.value.cause == "unreachable"


def test_an_attempt_survives_its_cookie_and_nothing_else_is_one():
    attempt = Attempt.new()
    assert Attempt.parse(attempt.text) == attempt
    assert len({Attempt.new().state for _ in range(20)}) == 20
    for text in ("", "a", "a.b", "a.b.c.d", "..", "a..c"):
        assert Attempt.parse(text) is None
