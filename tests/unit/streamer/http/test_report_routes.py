"""The routes of reports."""

import pytest

from headway.ownership import Ownership
from headway_streamer.access.settings import AccessSettings
from tests.fixtures import tokens
from tests.fixtures.access import memory_access
from tests.unit.streamer.http.conftest import client_of, streamer

REPORTS = "/api/v1/reports"
SCOPES = "tasks:report tasks:read"
pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")


async def opened(client, **fields):
    reply = await client.post(REPORTS, json={"kind": "k", "id": "t1"} | fields)
    assert reply.status_code in (200, 201), reply.text
    return reply.json()


async def test_a_report_is_opened_continued_and_ended(parts, client):
    body = await opened(client, title=" Import\nof the night ", tags=["eu"], parent="p1", lease_seconds=30)
    assert (body["task"], body["epoch"], body["sequence"], body["lease_seconds"]) == ("t1", 1, 0, 30)
    record = await parts.task_store.record("t1")
    assert (record.title, record.tags, record.parent, record.reported) == ("Import of the night", ["eu"], "p1", True)
    batch = {"epoch": 1, "sequence": 1, "events": [{"type": "progress", "progress": 5}]}
    reply = await client.post(f"{REPORTS}/t1/events", json=batch)
    assert (reply.status_code, reply.json()) == (200, {"sequence": 1, "cancel": None})
    for _ in range(2):
        reply = await client.post(f"{REPORTS}/t1/end", json={"epoch": 1, "sequence": 2, "status": "completed"})
        assert (reply.status_code, reply.json()) == (200, {"task": "t1", "status": "completed"})
    assert (await client.get("/api/v1/tasks/t1")).json()["state"]["status"] == "completed"


async def test_a_key_is_the_same_task_of_reports_and_another_one_of_submissions(parts, client):
    parts.offer()
    headers = {"Idempotency-Key": "night"}
    tasks = [(await client.post(REPORTS, json={"kind": "k"}, headers=headers)).json()["task"] for _ in range(2)]
    submitted = (await client.post("/api/v1/tasks", json={"kind": "k"}, headers=headers)).json()["task"]
    assert tasks[0] == tasks[1] != submitted
    assert (await client.post(REPORTS, json={"kind": "k"}, headers={"Idempotency-Key": "x" * 256})).status_code == 400


async def test_a_request_to_cancel_is_in_the_next_answer(client):
    await opened(client)
    await client.post("/api/v1/tasks/t1/cancel", json={"reason": "enough"})
    reply = await client.post(f"{REPORTS}/t1/events", json={"epoch": 1, "sequence": 1})
    assert reply.json() == {"sequence": 0, "cancel": {"reason": "enough"}}


async def test_a_reported_task_is_not_retried(client):
    await opened(client)
    await client.post(f"{REPORTS}/t1/end", json={"epoch": 1, "sequence": 1, "status": "error"})
    assert (await client.post("/api/v1/tasks/t1/retry", json={})).status_code == 409


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("", {"kind": "k", "id": "a.b"}, "/id"),
        ("", {"kind": "k", "tags": ["ok", "a,b"]}, "/tags/1"),
        ("/t1/events", {"epoch": 1, "sequence": 1, "events": [{"type": "log", "message": 5}]}, "/events/0/message"),
        ("/t1/events", {"epoch": 1, "sequence": 1, "events": [{"type": "x"}]}, "/events/0/type"),
        ("/t1/end", {"epoch": 1, "sequence": 1, "status": "lost"}, "/status"),
        ("/t1/end", {"epoch": 1, "sequence": 1, "status": "error", "result": 1}, "/result"),
        ("/t1/end", {"epoch": 1, "sequence": 1, "status": "completed", "error": {"message": "m"}}, "/error"),
    ],
)
async def test_what_does_not_fit_is_named(client, path, body, pointer):
    reply = await client.post(f"{REPORTS}{path}", json=body)
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_bodies_that_are_nested_too_deeply_or_no_json_are_refused(client):
    for path in ("", "/t1/events", "/t1/end"):
        deep = b'{"kind":"k","result":' + b"[" * 200 + b"]" * 200 + b"}"
        for body in (deep, b"{", b'"\xff"'):
            reply = await client.post(f"{REPORTS}{path}", content=body, headers={"Content-Type": "application/json"})
            assert reply.status_code in (400, 422)
        assert (await client.post(f"{REPORTS}{path}", content=b"{}")).status_code == 415


async def test_a_result_over_the_limit_is_too_large(client):
    await opened(client)
    end = {"epoch": 1, "sequence": 1, "status": "completed", "result": "x" * 140_000}
    assert (await client.post(f"{REPORTS}/t1/end", json=end)).status_code == 413


async def test_what_cannot_be_stored_now_may_be_sent_again(parts, client):
    await opened(client)
    batch = {"epoch": 1, "sequence": 1, "events": [{"type": "log", "message": "m"}]}
    parts.log.away = True
    for path, body in (("/events", batch), ("/end", {"epoch": 1, "sequence": 2, "status": "completed"})):
        reply = await client.post(f"{REPORTS}/t1{path}", json=body)
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
        assert "Send the same again" in reply.json()["detail"]
    assert (await client.post(REPORTS, json={"kind": "k"})).status_code == 503
    parts.log.away, parts.log.full = False, True
    assert (await client.post(f"{REPORTS}/t1/events", json=batch)).status_code == 507
    assert (await client.post(REPORTS, json={"kind": "k"})).status_code == 507


async def test_opening_counts_as_a_submission_and_events_do_not(log):
    settings = {"max_submit_rate_per_address": 0.01, "max_submit_burst": 1}
    async with streamer(log, **settings) as (_, client):
        await opened(client)
        for number in range(1, 4):
            batch = {"epoch": 1, "sequence": number, "events": [{"type": "log", "message": "m"}]}
            assert (await client.post(f"{REPORTS}/t1/events", json=batch)).status_code == 200
        assert (await client.post(REPORTS, json={"kind": "k"})).status_code == 429


async def test_a_streamer_that_shuts_down_opens_nothing_and_takes_events(parts, client):
    await opened(client)
    parts.drain.begin()
    assert (await client.post(REPORTS, json={"kind": "k"})).status_code == 503
    assert (await client.post(f"{REPORTS}/t1/events", json={"epoch": 1, "sequence": 1})).status_code == 200


def headers(owner="ann", org="acme", scope=SCOPES):
    return {"Authorization": f"Bearer {tokens.live_token(sub=owner, org=org, scope=scope)}"}


@pytest.fixture
async def guarded(parts):
    """A client of a streamer that controls access."""
    access = memory_access(
        AccessSettings(access="jwt", jwt_secret=tokens.SECRET, jwt_issuer=tokens.ISSUER, claim_tenant="org")
    )
    async with client_of(parts, access) as client:
        yield client


async def calls(client, headers, task="t1", **fields):
    """The answers to all calls about a task: status and title of each."""
    bodies = (
        ("", {"kind": "k", "id": task} | fields),
        (f"/{task}/events", {"epoch": 1, "sequence": 1, "events": [{"type": "chunk", "text": "foreign"}]}),
        (f"/{task}/end", {"epoch": 1, "sequence": 1, "status": "completed"}),
    )
    replies = [await client.post(REPORTS + path, json=body, headers=headers) for path, body in bodies]
    return [(reply.status_code, reply.json().get("title")) for reply in replies]


@pytest.mark.security
async def test_nobody_reports_a_task_of_somebody_else(parts, guarded):
    body = (await guarded.post(REPORTS, json={"kind": "k", "id": "t1"}, headers=headers())).json()
    assert body["stream_token"]
    assert (await parts.task_store.record("t1")).ownership == Ownership("ann", "acme")
    taken = [(409, "Id is taken"), (404, "Not Found"), (404, "Not Found")]
    for foreign in (headers("bob"), headers(org="other"), headers("bob", scope=f"{SCOPES} tasks:all")):
        for changed in ({}, {"kind": "other"}):
            assert await calls(guarded, foreign, **changed) == taken
    await guarded.post(f"{REPORTS}/t1/end", json={"epoch": 1, "sequence": 1, "status": "completed"}, headers=headers())
    assert await calls(guarded, headers("bob")) == taken
    assert len(parts.log.events("t1")) == 2


@pytest.mark.security
async def test_reporting_needs_its_scope_and_the_kind(parts, guarded):
    for scope in ("tasks:submit tasks:read tasks:cancel tasks:delete tasks:all", f"kinds:other {SCOPES}"):
        reply = await guarded.post(REPORTS, json={"kind": "k", "id": "t1"}, headers=headers(scope=scope))
        assert reply.status_code == 403
    for path in ("/t1/events", "/t1/end"):
        body = {"epoch": 1, "sequence": 1} | ({"status": "completed"} if path == "/t1/end" else {})
        assert (await guarded.post(REPORTS + path, json=body, headers=headers(scope="tasks:read"))).status_code == 403
    assert (await calls(guarded, headers(scope=f"kinds:k {SCOPES}")))[0][0] == 201
    parts.limits.stored.most = 1
    body = {"kind": "k", "id": "t2"}
    assert (await guarded.post(REPORTS, json=body, headers=headers())).status_code == 507
    assert await parts.task_store.record("t2") is None
