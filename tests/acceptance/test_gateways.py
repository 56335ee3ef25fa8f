"""The gateways of docs/how-to/gateways.md, as it prints them, in front of a streamer that believes them."""

import json
import re
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.fixtures import proxies
from tests.fixtures.auth_service import User, run_auth_service
from tests.fixtures.gateways import SILENCE_SECONDS, printed, run_envoy, run_nginx
from tests.fixtures.oidc_issuer import run_issuer
from tests.fixtures.services import run_services
from tests.fixtures.sse import ACCEPT

pytestmark = pytest.mark.security
SCOPES = "tasks:submit tasks:read tasks:cancel"
SPOOFED = [
    ("X-Forwarded-User", "root"),
    ("x-forwarded-user", "root"),
    ("X-Forwarded-Scopes", "tasks:all"),
    ("X_Forwarded_User", "root"),
]
ELSEWHERE = "127.0.0.2"
"""An address of this machine that is none of the gateway's."""


@pytest.fixture(scope="module")
def streamer(tmp_path_factory):
    """A streamer with the settings that the page prints, and a processor."""
    given = dict(re.findall(r"^export (\w+)=(.+)$", printed("sh"), re.MULTILINE))
    assert given["HEADWAY_STREAMER_FORWARD_PEERS"] == "10.0.0.0/24"
    given |= {"HEADWAY_STREAMER_FORWARD_PEERS": "127.0.0.1", "HEADWAY_STREAMER_PROCESS_KIND": "script"}
    settings = {name.removeprefix("HEADWAY_STREAMER_"): value for name, value in given.items()}
    with run_services(tmp_path_factory.mktemp("services")) as running:
        running.processor("p1")
        one = running.streamer("s1", HEARTBEAT_SECONDS="0.25", **settings)
        one.wait_ready()
        yield one


class Gateway(NamedTuple):
    """A gateway, and the credentials that it takes."""

    proxy: proxies.Proxy
    headers: dict
    """Of requests of ann."""
    token: str
    """For the query, of ann."""
    limited: str
    """For the query, of somebody who may only read."""
    stranger: dict
    """Headers of requests of bob."""
    logs: list[Path]

    @property
    def url(self) -> str:
        return self.proxy.url


@pytest.fixture
def nginx(streamer, tmp_path):
    with run_auth_service() as auth, run_nginx(streamer.port, auth.port, tmp_path) as proxy:
        auth.users = {
            "c-ann": User("ann", SCOPES),
            "t-ann": User("ann", SCOPES),
            "t-reader": User("ann", "tasks:read"),
            "c-bob": User("bob", SCOPES),
        }
        logs = [tmp_path / "access.log", proxy.log]
        yield Gateway(proxy, {"Cookie": "session=c-ann"}, "t-ann", "t-reader", {"Cookie": "session=c-bob"}, logs)


@pytest.fixture
def envoy(streamer, tmp_path):
    with run_issuer() as issuer, run_envoy(streamer.port, issuer.url, tmp_path) as proxy:
        yield Gateway(
            proxy,
            {"Authorization": f"Bearer {issuer.access_token()}"},
            issuer.access_token(),
            issuer.access_token(scope="tasks:read"),
            {"Authorization": f"Bearer {issuer.access_token('bob')}"},
            [proxy.log],
        )


@pytest.fixture(
    params=[
        pytest.param("nginx", marks=pytest.mark.needs("nginx")),
        pytest.param("envoy", marks=pytest.mark.needs("make envoy")),
    ]
)
def gateway(request):
    return request.getfixturevalue(request.param)


def start_url(gateway, token, steps):
    query = httpx.QueryParams({"steps": json.dumps(steps), "token": token, "merge": "0"})
    return f"{gateway.url}/api/v1/process/stream?{query}"


async def test_a_route_with_a_token_in_its_query_streams_a_task_through_pauses_and_to_its_end(gateway, streamer, http):
    """Longer than the timeouts, and each event at once: the second step begins when the first event has arrived."""
    steps = [{"name": "one", "seconds": 2.5 * SILENCE_SECONDS, "ticks": 1}, {"name": "two", "seconds": 60}]
    seen, task = [], ""
    async with http.stream("GET", start_url(gateway, gateway.token, steps), headers=ACCEPT) as stream:
        assert stream.status_code == 200
        async for line in stream.aiter_lines():
            if not line.startswith("data:"):
                continue
            event = json.loads(line[5:])
            task = task or event.get("tasks", [""])[0]
            seen.append(event)
            if event.get("step") == "two" and event["status"] == "processing":
                url = f"{gateway.url}/api/v1/tasks/{task}/cancel"
                assert (await http.post(url, json={}, headers=gateway.headers)).status_code < 300
    assert seen[-1]["status"] == "error"  # cancelled, in the three words of this route
    assert not any(gateway.token in log.read_text() for log in (streamer.log, *gateway.logs))


async def test_nobody_passes_without_credentials_and_is_told_so_once(gateway, http):
    answers = [
        await http.get(start_url(gateway, "", []), headers=ACCEPT),
        await http.get(f"{gateway.url}/api/v1/process/stream", headers=ACCEPT),
        await http.get(f"{gateway.url}/api/v1/tasks", headers=dict(SPOOFED)),
        await http.get(f"{gateway.url}/", headers={"Authorization": "Bearer a.b.c"}),
        await http.post(f"{gateway.url}/api/v1/tasks", json={"kind": "script"}),
    ]
    assert [answer.status_code for answer in answers] == [401] * len(answers)
    assert not any(
        answer.history or "text/event-stream" in answer.headers.get("content-type", "") for answer in answers
    )


async def test_headers_that_a_client_sends_itself_change_nothing(gateway, streamer, http, security_figures):
    """Neither through the gateway nor past it: the tasks are ann's, bob sees none, and a reader may not submit."""
    tasks = f"{gateway.url}/api/v1/tasks"
    body = {"kind": "script", "params": {"steps": []}}
    submitted = await http.post(tasks, json=body, headers=[*gateway.headers.items(), *SPOOFED])
    assert submitted.status_code == 202, submitted.text
    url = f"{tasks}/{submitted.json()['task']}"
    assert (await http.get(url, headers=gateway.headers)).status_code == 200
    foreign = await http.get(url, headers=[*gateway.stranger.items(), *SPOOFED])
    absent = await http.get(f"{tasks}/none", headers=gateway.stranger)
    assert foreign.status_code == absent.status_code == 404
    assert foreign.content == absent.content
    refused = await http.get(start_url(gateway, gateway.limited, []), headers=[*ACCEPT.items(), *SPOOFED])
    assert refused.status_code == 403
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(local_address=ELSEWHERE)) as past:
        answers = [
            await past.get(f"{streamer.url}/api/v1/tasks", headers=headers)
            for headers in (SPOOFED[:1], [*SPOOFED[:1], SPOOFED[2]], gateway.headers)
        ]
    assert [answer.status_code for answer in answers] == [401] * len(answers)
    security_figures(13, f"spoofed headers at {gateway.proxy.log.stem}", through=3, past_the_gateway=3, effects=0)


async def test_a_route_for_get_takes_no_other_method(gateway, http):
    answer = await http.post(f"{gateway.url}/api/v1/process/stream?token={gateway.token}", json={})
    assert answer.status_code in (403, 405)
