"""Who the caller is, sign-in with a token, and sign-out."""

import time

import pytest

from headway_streamer.access.settings import AccessSettings
from tests.fixtures import tokens
from tests.fixtures.access import memory_access
from tests.unit.streamer.http.conftest import streamer

pytestmark = [pytest.mark.security, pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")]
JWT = AccessSettings(access="jwt", jwt_secret=tokens.SECRET, jwt_issuer=tokens.ISSUER, claim_tenant="org")
FORWARD = AccessSettings(access="forward", forward_peers=("127.0.0.1",), default_scopes=("tasks:read",))


@pytest.fixture
async def client(log):
    async with streamer(log, access=memory_access(JWT)) as (_, made):
        yield made


async def sign_in(client, token, **headers):
    return await client.post("/session", json={"token": token}, headers=headers)


async def who(client, **headers):
    return await client.get("/api/v1/session", headers=headers)


def cookie_of(answer):
    return answer.headers["set-cookie"].partition(";")[0]


async def test_a_token_becomes_a_cookie_that_the_api_accepts(client):
    expires = int(time.time()) + 60
    token = tokens.live_token(org="acme", exp=expires)
    answer = await sign_in(client, token)
    expected = {"mode": "jwt", "owner": "ann", "tenant": "acme", "expires": expires}
    expected["scopes"] = ["tasks:cancel", "tasks:read", "tasks:submit"]
    assert answer.json() == expected
    assert token not in answer.text
    assert cookie_of(answer) == f"__Host-headway={token}"
    found = await who(client, Cookie=cookie_of(answer))
    assert (found.status_code, found.json()) == (200, expected)
    assert found.headers["cache-control"] == "no-store"


async def test_no_bad_token_signs_in_and_each_gets_the_same_answer(client, security_figures):
    bad = {name: token for name, token in tokens.bad_tokens().items() if len(token) < 8000}
    answers = set()
    for token in bad.values():
        answer = await sign_in(client, token)
        assert "set-cookie" not in answer.headers
        answers.add((answer.status_code, answer.content, tuple(sorted(answer.headers.items()))))
    assert {status for status, *_ in answers} == {401}
    security_figures(14, "sign-in with bad tokens", tokens=len(bad), cookies=0, answers=len(answers))
    assert len(answers) == 1


async def test_a_page_of_another_origin_signs_nobody_in_or_out(client):
    token = tokens.live_token(org="acme")
    attacks = [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ]
    for headers in attacks:
        assert (await sign_in(client, token, **headers)).status_code == 403
        answer = await client.request("DELETE", "/session", json={}, headers=headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = await client.post("/session", content=f'{{"token":"{token}"}}', headers={"Content-Type": kind})
        assert (answer.status_code, "set-cookie" in answer.headers) == (415, False)


async def test_a_token_that_no_browser_would_keep_is_refused_with_the_reason(client):
    answer = await sign_in(client, tokens.live_token(org="acme", padding="x" * 4000))
    assert answer.status_code == 422
    assert "4082" in answer.json()["detail"]
    assert "set-cookie" not in answer.headers


async def test_sign_out_removes_the_cookie_whatever_it_holds(client):
    for cookie in ("", "__Host-headway=nonsense"):
        answer = await client.request("DELETE", "/session", json={}, headers={"Cookie": cookie})
        assert answer.status_code == 204
        assert "max-age=0" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("reachable", [True, False])
async def test_sign_out_revokes_the_token_of_the_cookie(log, reachable):
    access = memory_access(JWT)
    async with streamer(log, access=access) as (_, client):
        token = tokens.live_token(org="acme")
        access.revocations._store.away = not reachable
        cookie = {"Cookie": f"__Host-headway={token}"}
        answer = await client.request("DELETE", "/session", json={}, headers=cookie)
        assert (answer.status_code, "max-age=0" in answer.headers["set-cookie"].lower()) == (204, True)
        assert (await who(client, Authorization=f"Bearer {token}")).status_code == (401 if reachable else 200)


async def test_a_body_that_is_not_a_token_is_told_so(client):
    assert (await client.post("/session", json={"token": 7})).status_code == 422
    assert (await client.post("/session", json={"token": "a", "next": "https://evil.example"})).status_code == 422


async def test_a_gateway_s_caller_learns_its_name_and_signs_in_nowhere(log):
    async with streamer(log, access=memory_access(FORWARD)) as (_, client):
        found = (await who(client, **{"X-Forwarded-User": "ann"})).json()
        assert found == {"mode": "forward", "owner": "ann", "tenant": "", "scopes": ["tasks:read"], "expires": None}
        assert (await who(client)).status_code == 401
        assert (await sign_in(client, tokens.live_token())).status_code == 404


async def test_without_access_control_everybody_is_nobody(log):
    async with streamer(log) as (_, client):
        found = (await who(client)).json()
        assert (found["mode"], found["owner"], found["expires"]) == ("none", "", None)
        assert (await sign_in(client, tokens.live_token())).status_code == 404
