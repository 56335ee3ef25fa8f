"""Each act is one line of the audit log, which holds no token, parameter or query string."""

import json
import logging

import pytest

from headway import codec
from headway.records import TaskRecord
from headway.service.logging_setup import JsonFormatter
from headway_streamer import audit
from headway_streamer.access.settings import AccessSettings
from tests.fixtures import tokens
from tests.fixtures.access import memory_access
from tests.unit.streamer.http.conftest import streamer
from tests.unit.streamer.http.test_authentication import add_kind, add_task, headers
from tests.unit.streamer.limits.test_limits import ADA, Made

pytestmark = [pytest.mark.security, pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")]
SETTINGS = AccessSettings(access="jwt", jwt_secret=tokens.SECRET, jwt_issuer=tokens.ISSUER, claim_tenant="org")
SCOPES = (
    "tasks:submit tasks:read tasks:cancel tasks:delete tasks:report tokens:revoke files:read files:write dead:write"
)
PLANTED = "planted-2b7e1516"
KEY = {"Idempotency-Key": f"key-{PLANTED}"}
BODY = {"kind": "k", "params": {"secret": PLANTED}}
NAMED = {"Content-Disposition": f'attachment; filename="{PLANTED}"'}
REPORT = {"kind": "k", "id": "reported", "title": PLANTED, "message": PLANTED}
BATCH = {"epoch": 1, "sequence": 1, "events": [{"type": "chunk", "text": PLANTED}]}
END = {"epoch": 1, "sequence": 2, "status": "completed", "result": PLANTED}


class Lines:
    """What an act has written, as it stands in the log."""

    def __init__(self, caplog):
        self._caplog = caplog
        self.texts = []

    async def of(self, act):
        self._caplog.clear()
        await act
        records = [record for record in self._caplog.records if record.name == audit.LOGGER]
        mine = [record for record in self._caplog.records if not record.name.startswith("httpx")]  # the test's client
        self.texts += [JsonFormatter().format(record) for record in mine]
        return [json.loads(JsonFormatter().format(record)) for record in records]


def who(**claims):
    return headers(scope=SCOPES, **claims)


async def test_each_act_writes_its_lines_once_and_none_holds_a_secret(log, caplog, security_figures):
    caplog.set_level(logging.DEBUG)
    lines, secrets = Lines(caplog), [PLANTED]
    access = memory_access(SETTINGS)
    async with streamer(log, access=access, max_watchers=0) as (parts, client):
        add_kind(parts, "k")
        await add_task(parts, log, "ended", "ann", "acme")
        running = TaskRecord(task="running", kind="k", created=1.0, owner="ann", tenant="acme")
        parts.records.set("running", codec.encode_json(running))
        parts.files.add(PLANTED.encode(), file="f", owner="ann", tenant="acme", name=PLANTED)
        dead = parts.bury("ended", reason=PLANTED, owner="ann", tenant="acme")
        start = (await client.post("/api/v1/kinds/k/token", json={}, headers=who())).json()["start_token"]
        stream = (await client.post("/api/v1/tasks/ended/token", json={}, headers=who())).json()["stream_token"]
        cookie = tokens.live_token(org="acme", jti="cookie")
        by_start = client.get(f"/api/v1/process/k/stream?token={start}&x=1", headers={"Accept": "text/event-stream"})
        again = client.get(f"/api/v1/process/k/stream?token={start}&x=1", headers={"Accept": "text/event-stream"})
        expected = (
            (client.post("/api/v1/tasks", json=BODY, headers=who() | KEY), ["task_submitted", "stream_token_minted"]),
            (client.post("/api/v1/tasks", json=BODY, headers=who() | KEY), ["task_joined", "stream_token_minted"]),
            (by_start, ["task_submitted"]),
            (again, ["task_joined"]),
            (client.post("/api/v1/tasks/ended/retry", json={}, headers=who()), ["task_retried", "stream_token_minted"]),
            (client.post("/api/v1/reports", json=REPORT, headers=who()), ["report_opened", "stream_token_minted"]),
            (client.post("/api/v1/reports/reported/events", json=BATCH, headers=who()), []),
            (client.post("/api/v1/reports/reported/end", json=END, headers=who()), ["report_ended"]),
            (client.post("/api/v1/reports/reported/end", json=END, headers=who()), []),
            (client.post("/api/v1/tasks/running/cancel", json={"reason": PLANTED}, headers=who()), ["task_cancelled"]),
            (client.delete("/api/v1/tasks/ended", headers=who()), ["task_deleted"]),
            (client.post("/api/v1/files", content=PLANTED, headers=who() | NAMED), ["file_uploaded"]),
            (client.get("/api/v1/files/f/content", headers=who()), ["file_read"]),
            (client.delete("/api/v1/files/f", headers=who()), ["file_deleted"]),
            (client.delete(f"/api/v1/dead-letters/{dead}", headers=who()), ["dead_letter_dropped"]),
            (client.post("/api/v1/tasks/running/token", json={}, headers=who()), ["stream_token_minted"]),
            (client.post("/api/v1/kinds/k/token", json={}, headers=who()), ["start_token_minted"]),
            (client.post("/session", json={"token": cookie}), ["signed_in"]),
            (client.post("/session", json={"token": cookie[:-9]}), ["sign_in_failed"]),
            (client.get(f"/api/v1/tasks?{PLANTED}", headers=headers(exp=1)), ["unauthenticated"]),
            (client.get(f"/api/v1/tasks?token={cookie}"), ["unauthenticated"]),
            (client.get("/api/v1/tasks", headers=headers(scope="tasks:submit")), ["forbidden"]),
            (
                client.request("DELETE", "/session", json={}, headers={"Cookie": f"__Host-headway={cookie}"}),
                ["signed_out"],
            ),
            (client.post("/api/v1/revocations", json={"token": stream}, headers=who()), ["token_revoked"]),
            (client.post("/api/v1/revocations", json={"owner": "bob"}, headers=who()), ["owner_revoked"]),
            (client.get("/api/v1/tasks", headers=who()), []),
        )
        seen = set()
        for act, actions in expected:
            found = await lines.of(act)
            assert [line["action"] for line in found] == actions
            seen |= set(actions)
        secrets += [part for text in (start, stream, cookie) for part in (text, text.rpartition(".")[2])]
    (limited,) = await lines.of(_limited())
    assert (limited["action"], limited["owner"], limited["peer"]) == ("limited", "ada", "192.0.2.1")
    assert seen | {"limited"} == set(audit.ACTIONS)
    found = sum(secret in text for secret in secrets for text in lines.texts)
    security_figures(13, "lines of the audit log", acts=len(expected) + 1, keys=len(audit.ACTIONS), secrets=found)
    assert found == 0


async def _limited():
    made = Made(max_watchers_per_user=1)
    made.limits.enter(ADA)
    made.limits.full(ADA)


async def test_a_line_names_who_where_and_what(log, caplog):
    async with streamer(log, access=memory_access(SETTINGS)) as (parts, client):
        add_kind(parts, "k")
        request = {"X-Request-Id": "0a1b-77"}
        (line, _) = await Lines(caplog).of(client.post("/api/v1/tasks", json={"kind": "k"}, headers=who() | request))
    assert {name: line[name] for name in ("action", "logger", "level", "owner", "tenant", "kind", "request_id")} == {
        "action": "task_submitted",
        "logger": "headway.audit",
        "level": "info",
        "owner": "ann",
        "tenant": "acme",
        "kind": "k",
        "request_id": "0a1b-77",
    }
    assert line["peer"] == "127.0.0.1"
    assert line["task"] in parts.jobs.jobs
    assert "retry_of" not in line


@pytest.mark.parametrize("id", ["", tokens.live_token(), "a b", "x" * 129, "a\x7f", "ä"])
async def test_an_odd_id_of_a_request_is_left_out(log, caplog, id):
    async with streamer(log, access=memory_access(SETTINGS)) as (_, client):
        (line,) = await Lines(caplog).of(client.get("/api/v1/tasks", headers={"X-Request-Id": id.encode("latin-1")}))
    assert (line["action"], "request_id" in line) == ("unauthenticated", False)


async def test_lines_are_written_whatever_level_other_logs_have(log, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "level", logging.ERROR)
    async with streamer(log, access=memory_access(SETTINGS)) as (_, client):
        await client.get("/api/v1/tasks")
    assert [record.action for record in caplog.records if record.name == audit.LOGGER] == ["unauthenticated"]


async def test_without_access_control_submissions_are_noted_too(log, caplog):
    async with streamer(log) as (parts, client):
        add_kind(parts, "k")
        (line,) = await Lines(caplog).of(client.post("/api/v1/tasks", json={"kind": "k"}))
    assert (line["action"], "owner" in line, line["peer"]) == ("task_submitted", False, "127.0.0.1")


def test_an_action_that_is_not_listed_is_an_error():
    with pytest.raises(KeyError):
        audit.write("something_else")
