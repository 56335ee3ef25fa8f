"""Every route asks who the caller is, and shows nobody's tasks to others."""

import json
from itertools import product
from urllib.parse import unquote

import pytest

from headway import codec
from headway.records import KindRecord, TaskRecord
from headway.testing import progress
from headway_streamer.access.revocations import Revocation
from headway_streamer.access.settings import AccessSettings
from tests.fixtures import tokens
from tests.fixtures.access import memory_access
from tests.unit.streamer.http.conftest import streamer

pytestmark = [pytest.mark.security, pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")]
SETTINGS = AccessSettings(
    access="jwt",
    jwt_secret=tokens.SECRET,
    jwt_issuer=tokens.ISSUER,
    claim_tenant="org",
)
OPEN = {
    "/",
    "/session",
    "/session/login",
    "/session/callback",
    "/page/{name}",
    "/schema",
    *(f"/schema/{name}" for name in ("openapi.json", "openapi.yaml", "asyncapi.json")),
}
"""Paths that need no token."""
SCOPES = (
    "tasks:submit tasks:read tasks:cancel tasks:delete tasks:report processors:read dead:read dead:write "
    "files:read files:write"
)
LETTERS = {"acme-ann": "1", "acme-bob": "2", "bolt-ann": "3", "bolt-bob": "4", "-ann": "5", "-bob": "6"}
"""Ids of the dead letters, by their tasks."""
BODIES = {
    "/api/v1/tasks": {"kind": "k"},
    "/api/v1/reports": {"kind": "k"},
    "/api/v1/reports/{task}/events": {"epoch": 1, "sequence": 1},
    "/api/v1/reports/{task}/end": {"epoch": 1, "sequence": 1, "status": "completed"},
}
"""What a request must have, by path."""


def headers(owner="ann", org="acme", scope=SCOPES, **claims):
    token = tokens.live_token(sub=owner, org=org, scope=scope, **claims)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def made(log):
    """Parts and a client, with tasks of three tenants that have ended with a secret result."""
    access = memory_access(SETTINGS)
    async with streamer(log, access=access) as (parts, client):
        parts.access = access
        add_kind(parts, "k")
        for org in ("acme", "bolt", ""):
            for owner in ("ann", "bob"):
                await add_task(parts, log, f"{org}-{owner}", owner, org)
                parts.bury(f"{org}-{owner}", owner=owner, tenant=org)
                parts.files.add(b"secret", file=f"{org}-{owner}", owner=owner, tenant=org)
        yield parts, client


def add_kind(parts, kind):
    parts.kind_bucket.set(kind, codec.encode_json(KindRecord(kind=kind, params={"type": "object"})))


async def add_task(parts, log, task, owner, tenant):
    record = TaskRecord(task=task, kind="k", created=1.0, owner=owner, tenant=tenant)
    parts.records.set(task, codec.encode_json(record))
    event = progress(task=task, n=1, attempt=1, at=1.0, status="completed", progress=100.0, data={"secret": task})
    await log.put(task, codec.encode(event), expected=0, msg_id=task, ownership=record.ownership)


async def routes(client):
    """Each method and path of the schema that needs a token."""
    paths = (await client.get("/schema/openapi.json")).json()["paths"]
    return [(method.upper(), path) for path, item in paths.items() for method in item if method != "parameters"]


async def ask(client, method, path, task, **options):
    url = path.replace("{task}", task).replace("{file}", task).replace("{kind}", "k").replace("{name}", "page.js")
    url = url.replace("{id}", LETTERS.get(task, "999"))
    if path == "/api/v1/stream":
        url += f"?task={task}"
    if method == "POST":
        options["json"] = BODIES.get(path, {})
    given = {"Accept": "text/event-stream"} if path.endswith("stream") else {}
    return await client.request(method, url, headers=given | options.pop("headers", {}), **options)


async def test_every_route_needs_a_token_but_the_page_and_the_schema(made):
    _, client = made
    walked = [pair for pair in await routes(client) if pair[1] not in OPEN]
    assert len(walked) >= 12
    answers = {(await ask(client, *pair, "acme-ann")).content for pair in walked}
    assert len(answers) == 1
    for method, path in walked:
        answer = await ask(client, method, path, "acme-ann")
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path


async def test_bad_tokens_get_one_answer_on_every_route(made, security_figures):
    _, client = made
    bad = {
        name: token
        for name, token in tokens.bad_tokens().items()
        if token.isascii() and "\n" not in token and len(token) < 8000
    }
    walked = [pair for pair in await routes(client) if pair[1] not in OPEN]
    answers = set()
    for token, (method, path) in product(bad.values(), walked):
        answer = await ask(client, method, path, "acme-ann", headers={"Authorization": f"Bearer {token}"})
        answers.add((answer.status_code, answer.content, tuple(sorted(answer.headers.items()))))
    assert len(answers) == 1
    assert answers.pop()[0] == 401
    security_figures(13, "bad tokens on every route", tokens=len(bad), routes=len(walked), accepted=0, answers=1)


@pytest.mark.parametrize("task", ["acme-bob", "bolt-ann", "-ann", "bolt-bob"])
async def test_a_foreign_task_and_an_absent_one_are_the_same(made, task):
    parts, client = made
    for method, path in await routes(client):
        if ("task" not in path and "{id}" not in path and path != "/api/v1/stream") or path == "/api/v1/tasks":
            continue
        foreign = await ask(client, method, path, task, headers=headers())
        absent = await ask(client, method, path, "x" * len(task), headers=headers())
        assert foreign.status_code == absent.status_code == 404, path
        assert foreign.content == absent.content
        assert foreign.headers == absent.headers
    assert not any(entry.users for entry in parts.tails._entries.values())


async def test_one_s_own_tasks_are_shown_and_those_of_the_tenant_with_the_scope(made):
    _, client = made

    async def listed(**claims):
        answer = await client.get("/api/v1/tasks", headers=headers(**claims))
        return {item["task"] for item in answer.json()["tasks"]}

    assert await listed() == {"acme-ann"}
    assert await listed(scope=f"{SCOPES} tasks:all") == {"acme-ann", "acme-bob"}
    assert await listed(org="bolt", owner="eve") == set()
    own = await client.get("/api/v1/tasks/acme-ann/result", headers=headers())
    assert own.json() == {"secret": "acme-ann"}
    stream = await client.get("/api/v1/tasks/acme-ann/stream", headers=headers())
    assert "acme-ann" in stream.text


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/api/v1/tasks", "tasks:submit"),
        ("POST", "/api/v1/reports", "tasks:report"),
        ("POST", "/api/v1/reports/{task}/events", "tasks:report"),
        ("POST", "/api/v1/reports/{task}/end", "tasks:report"),
        ("GET", "/api/v1/tasks", "tasks:read"),
        ("GET", "/api/v1/tasks/{task}", "tasks:read"),
        ("GET", "/api/v1/tasks/{task}/stream", "tasks:read"),
        ("GET", "/tasks/{task}/stream", "tasks:read"),
        ("GET", "/api/v1/stream", "tasks:read"),
        ("GET", "/api/v1/tasks/{task}/result", "tasks:read"),
        ("POST", "/api/v1/tasks/{task}/cancel", "tasks:cancel"),
        ("POST", "/api/v1/tasks/{task}/retry", "tasks:submit"),
        ("DELETE", "/api/v1/tasks/{task}", "tasks:delete"),
        ("GET", "/api/v1/kinds", "tasks:submit"),
        ("GET", "/api/v1/processors", "processors:read"),
        ("GET", "/api/v1/dead-letters", "dead:read"),
        ("GET", "/api/v1/dead-letters/{id}", "dead:read"),
        ("POST", "/api/v1/dead-letters/{id}/resubmit", "dead:write"),
        ("DELETE", "/api/v1/dead-letters/{id}", "dead:write"),
        ("POST", "/api/v1/files", "files:write"),
        ("GET", "/api/v1/files", "files:read"),
        ("GET", "/api/v1/files/{file}", "files:read"),
        ("GET", "/api/v1/files/{file}/content", "files:read"),
        ("DELETE", "/api/v1/files/{file}", "files:write"),
        ("GET", "/api/v1/process/{kind}/stream", "tasks:submit"),
        ("POST", "/api/v1/tasks/{task}/token", "tasks:read"),
        ("POST", "/api/v1/kinds/{kind}/token", "tasks:submit"),
    ],
)
async def test_each_route_needs_its_scope(made, method, path, scope):
    _, client = made
    others = " ".join(set(SCOPES.split()) - {scope})
    answer = await ask(client, method, path, "acme-ann", headers=headers(scope=others))
    assert answer.status_code == 403
    assert scope in answer.headers["www-authenticate"]
    if "process" in path:
        return  # its stream would not end
    also = " tasks:submit" if path.endswith("resubmit") else ""
    allowed = await ask(client, method, path, "acme-ann", headers=headers(scope=f"{scope} tasks:read{also}"))
    assert allowed.status_code not in (401, 403, 404)


async def test_kinds_are_limited_by_scopes(made):
    parts, client = made
    add_kind(parts, "other")
    limited = headers(scope=f"{SCOPES} kinds:k")
    assert [kind["kind"] for kind in (await client.get("/api/v1/kinds", headers=limited)).json()["kinds"]] == ["k"]
    for kind, status in (("k", 202), ("other", 403), ("unknown", 403)):
        assert (await client.post("/api/v1/tasks", json={"kind": kind}, headers=limited)).status_code == status


async def test_a_submitted_task_belongs_to_its_owner_and_tenant(made):
    parts, client = made
    tasks = []
    for who in (headers(), headers(owner="bob"), headers(org="bolt")):
        answer = await client.post("/api/v1/tasks", json={"kind": "k"}, headers=who | {"Idempotency-Key": "same"})
        tasks.append(answer.json()["task"])
        assert (await client.get(f"/api/v1/tasks/{tasks[-1]}", headers=who)).status_code == 200
    assert len(set(tasks)) == 3
    assert (await client.get(f"/api/v1/tasks/{tasks[0]}", headers=headers(owner="bob"))).status_code == 404
    record = await parts.task_store.record(tasks[2])
    assert (record.owner, record.tenant) == ("ann", "bolt")


async def test_a_stream_token_reads_the_streams_of_its_tasks_alone(made):
    parts, client = made
    minter = parts.access.stream_tokens
    from headway_streamer.access.principal import READ, Principal

    token = minter.mint(Principal("ann", "acme", frozenset((READ,))), ["acme-ann"])
    for path in ("/api/v1/tasks/acme-ann/stream", "/api/v1/stream?task=acme-ann", "/tasks/acme-ann/stream"):
        glue = "&" if "?" in path else "?"
        assert "acme-ann" in (await client.get(f"{path}{glue}token={token}")).text
    for path in ("acme-ann", "acme-ann/result", ""):
        assert (await client.get(f"/api/v1/tasks/{path}?token={token}")).status_code == 401
    assert (await client.post(f"/api/v1/tasks/acme-ann/cancel?token={token}", json={})).status_code == 401
    assert (await client.get(f"/api/v1/tasks/acme-bob/stream?token={token}")).status_code == 404
    assert (await client.get(f"/api/v1/process/k/stream?token={token}")).status_code == 401
    access = tokens.live_token(org="acme")
    assert (await client.get(f"/api/v1/tasks/acme-ann/stream?token={access}")).status_code == 401
    assert (await client.get("/api/v1/tasks", headers={"Authorization": f"Bearer {token}"})).status_code == 401


async def test_a_gateway_names_the_owner_from_its_address_alone(log):
    settings = AccessSettings(access="forward", forward_peers=("127.0.0.1",), default_scopes=("tasks:read",))
    async with streamer(log, access=memory_access(settings)) as (parts, client):
        await add_task(parts, log, "t", "ann", "")
        assert (await client.get("/api/v1/tasks/t", headers={"X-Forwarded-User": "ann"})).status_code == 200
        assert (await client.get("/api/v1/tasks/t", headers={"X-Forwarded-User": "bob"})).status_code == 404
        assert (await client.get("/api/v1/tasks/t")).status_code == 401
    far = AccessSettings(access="forward", forward_peers=("10.0.0.0/8",), default_scopes=("tasks:read",))
    async with streamer(log, access=memory_access(far)) as (_, client):
        assert (await client.get("/api/v1/tasks/t", headers={"X-Forwarded-User": "ann"})).status_code == 401


@pytest.mark.parametrize("what", ["revocations", "keys"])
async def test_before_it_knows_what_was_revoked_no_token_is_judged(made, what):
    parts, client = made
    if what == "keys":
        parts.access.signing_keys._known = {}
    else:
        parts.access.revocations.known = False
    for who in (headers(), headers(exp=1), {}):
        answer = await client.get("/api/v1/tasks/acme-ann", headers=who)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        for path in ("/api/v1/tasks/acme-ann/stream", "/api/v1/stream?task=acme-ann&token=x"):
            stream = await client.get(path, headers=who)
            assert (stream.status_code, stream.headers["content-type"]) == (200, "text/event-stream")
            assert "event: goodbye" in stream.text
            assert "acme-ann" not in stream.text
    assert (await client.get("/")).status_code == 200


@pytest.mark.parametrize(
    "revocation",
    [{"token": "t1"}, {"owner": "ann", "before": 1e10}, {"tenant": "bolt", "token": "t1"}, {"token": "t2"}],
    ids=str,
)
async def test_a_revoked_token_gets_the_answer_of_a_bad_one(made, revocation):
    parts, client = made
    refused = await client.get("/api/v1/tasks/acme-ann", headers=headers(exp=1))
    token = (await client.post("/api/v1/tasks/acme-ann/token", json={}, headers=headers())).json()["stream_token"]
    await parts.access.revocations.add(Revocation(**{"tenant": "acme", "until": 2e10} | revocation))
    status = 401 if revocation.get("tenant", "acme") == "acme" and revocation.get("token") != "t2" else 200
    for answer in (
        await client.get("/api/v1/tasks/acme-ann", headers=headers()),
        await client.get(f"/api/v1/tasks/acme-ann/stream?token={token}"),
    ):
        assert answer.status_code == status
        assert (answer.content == refused.content) is (status == 401)


def test_a_refusal_says_nothing_about_the_token():
    from headway_streamer.http.authentication import unauthenticated

    body = json.loads(unauthenticated().body())
    assert body == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "Send a valid token: `Authorization: Bearer …`.",
    }


def hostile(task):
    """Spellings that a careless route could take for the id of `task`."""
    half = len(task) // 2
    encoded = "".join(f"%{ord(letter):02x}" for letter in task)
    around = "%00 %0a %0d %20 %09 %2e %2f %5c %2a %3e %25 %3f %23 %3b %c0%80 %26".split()  # noqa: SIM905
    parts = (
        ".  *  >  : @ = $ ^ | ~ ! + , ; .. %2a %3e %2e%2e %01 %1b %7f %ff %a0 %c2%a0 %e2%80%8b %ef%bb%bf %u002e".split()  # noqa: SIM905
    )
    found = [task, encoded, encoded.upper(), task.upper(), task.swapcase(), task[:half], task[half:], "*", ">", "%2a"]
    found += [task + piece for piece in around] + [piece + task for piece in around]
    found += [task[:half] + piece + task[half:] for piece in around]
    found += [f"{task}{piece}x" for piece in parts] + [f"x{piece}{task}" for piece in parts]
    found += [f"own/..%2f{task}", f"own/../{task}", f"./{task}", f"%2e/{task}", f"own;{task}", f"{task}/", f"/{task}"]
    found += [f"{task},own", f"own,{task}", f"own&task={task}", f"own%26task={task}", f"{task}#own", f"own%23{task}"]
    found += [piece + task + piece for piece in around]
    found += [f"tasks.{task}", f"hw.ev.{task}", f"KV.{task}", f"$KV.hw_tasks.{task}", f"%24KV.{task}", f"{task}.>"]
    found += [
        f"{{{task}}}",
        f"[{task}]",
        f'"{task}"',
        f"'{task}'",
        f"%22{task}%22",
        f"({task})",
        f"<{task}>",
        f"{task}" * 9,
    ]
    return found


TASK_ROUTES = (
    ("GET", "/api/v1/tasks/{}"),
    ("GET", "/api/v1/tasks/{}/stream"),
    ("GET", "/tasks/{}/stream"),
    ("GET", "/api/v1/stream?task={}"),
    ("GET", "/api/v1/tasks/{}/result"),
    ("POST", "/api/v1/tasks/{}/cancel"),
    ("POST", "/api/v1/tasks/{}/retry"),
    ("POST", "/api/v1/tasks/{}/token"),
    ("DELETE", "/api/v1/tasks/{}"),
    ("POST", "/api/v1/reports/{}/events"),
    ("POST", "/api/v1/reports/{}/end"),
)


async def asked(app, method, target, who):
    """The answer of the application to a request, as a server would pass it on."""
    path, _, query = target.partition("?")
    sent = [(name.lower().encode(), value.encode()) for name, value in who.items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 1),
        "scheme": "http",
        "method": method,
        "root_path": "",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json"), *sent],
    }
    pieces = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        pieces.append(message.get("body", b""))

    await app(scope, receive, send)
    return b"".join(pieces)


async def test_no_route_shows_a_byte_of_another_tenant(log, security_figures):
    everything = f"{SCOPES} tasks:all"
    foreign_bytes = requests = 0
    async with streamer(log, access=memory_access(SETTINGS)) as (parts, client):
        app = client._transport.app
        add_kind(parts, "k")
        tenants = ("acme", "bolt", "core")
        for tenant in tenants:
            await add_task(parts, log, f"the-task-of-{tenant}", "ann", tenant)
        for tenant, other in zip(tenants, ("bolt", "core", "acme"), strict=True):
            who, own, foreign = headers(org=tenant, scope=everything), f"the-task-of-{tenant}", f"the-task-of-{other}"
            for spelling in hostile(foreign):
                for method, path in TASK_ROUTES:
                    answer = await asked(app, method, path.format(spelling.replace("own", own)), who)
                    foreign_bytes += f'"secret":"{foreign}"'.encode() in answer
                    requests += 1
            shown = await asked(app, "GET", f"/api/v1/tasks/{own}", who)
            assert f'"secret":"{own}"'.encode() in shown  # what is searched for can be found
    security_figures(13, "three tenants, hostile ids on every route", requests=requests, foreign=foreign_bytes)
    assert foreign_bytes == 0
    assert requests >= 3 * 150 * len(TASK_ROUTES)
