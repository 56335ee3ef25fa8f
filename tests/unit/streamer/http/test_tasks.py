"""The routes of tasks."""

import time

import pytest

from headway import codec
from headway.records import KindRecord
from headway.testing import progress
from tests.unit.streamer.conftest import completed, ticks

TASKS = "/api/v1/tasks"


async def test_a_submitted_task_is_accepted_with_its_links(parts, client):
    parts.offer()
    reply = await client.post(TASKS, json={"kind": "k", "params": {"a": 1}})
    body = reply.json()
    assert (reply.status_code, body["processors"], "warning" in body) == (202, 1, False)
    assert reply.headers["location"] == body["links"]["self"] == f"{TASKS}/{body['task']}"
    assert codec.decode_json(bytes(parts.jobs.jobs[body["task"]].params)) == {"a": 1}
    assert parts.counted("tasks_submitted_total", kind="k") == 1


async def test_a_task_without_a_processor_is_accepted_with_a_warning(parts, client):
    parts.offer(processors=0)
    body = (await client.post(TASKS, json={"kind": "k"})).json()
    assert (
        body["warning"]
        == parts.log.events(body["task"])[0].message
        == ("no processor offers k now; it runs as soon as one does")
    )


async def test_an_idempotency_key_finds_the_same_task(parts, client):
    parts.offer()
    headers = {"Idempotency-Key": "one"}
    replies = [await client.post(TASKS, json={"kind": "k"}, headers=headers) for _ in range(2)]
    assert len({reply.json()["task"] for reply in replies}) == 1
    assert parts.counted("tasks_submitted_total", kind="k") == 1


async def test_recent_tasks_are_listed(parts, client):
    await parts.add_task("t1")
    await parts.write("t1", *ticks(1, 1))
    assert [task["task"] for task in (await client.get(TASKS)).json()["tasks"]] == ["t1"]
    assert (await client.get(TASKS, params={"kind": "other"})).json()["tasks"] == []
    assert (await client.get(TASKS, params={"limit": 0})).status_code == 400


async def test_older_tasks_are_listed_by_how_far_the_search_went(parts, client):
    for task in ("t1", "t2"):
        record = await parts.add_task(task, owner="ann")
        record.created = float(task[1])
        parts.records.set(task, codec.encode_json(record))
        await parts.write(task, *ticks(1, 1))
    first = (await client.get(TASKS, params={"limit": 1, "owner": "ann"})).json()
    assert ([item["task"] for item in first["tasks"]], first["searched_until"]) == (["t2"], 1.0)
    rest = (await client.get(TASKS, params={"before": first["searched_until"]})).json()
    assert ([item["task"] for item in rest["tasks"]], rest["searched_until"]) == (["t1"], None)
    assert (await client.get(TASKS, params={"owner": "bob"})).json()["tasks"] == []
    for odd in ("nan", "inf", "1e300", "-1"):
        assert (await client.get(TASKS, params={"before": odd})).status_code == 200


async def test_a_submission_has_title_and_tags(parts, client):
    parts.offer()
    reply = await client.post(TASKS, json={"kind": "k", "title": "Nightly import", "tags": ["eu", "night"]})
    shown = (await client.get(f"{TASKS}/{reply.json()['task']}")).json()
    assert (shown["title"], shown["tags"]) == ("Nightly import", ["eu", "night"])


async def test_a_title_is_made_of_the_parameters(parts, client):
    record = KindRecord(kind="k", params={"type": "object"}, title="Crawl {url} as {password}", tags=["web"])
    parts.kind_bucket.set("k", codec.encode_json(record))
    reply = await client.post(TASKS, json={"kind": "k", "params": {"url": "example.org", "password": "hidden"}})
    shown = (await client.get(f"{TASKS}/{reply.json()['task']}")).json()
    assert (shown["title"], shown["tags"]) == ("Crawl example.org as …", ["web"])


@pytest.mark.parametrize("labels", [{"title": "x" * 201}, {"title": "a\nb"}, {"tags": ["a,b"]}, {"tags": [1]}])
async def test_labels_that_do_not_fit_are_refused(parts, client, labels):
    parts.offer()
    assert (await client.post(TASKS, json={"kind": "k"} | labels)).status_code == 422
    assert parts.jobs.jobs == {}


async def test_a_retry_keeps_title_and_tags(parts, client):
    parts.offer()
    await parts.add_task("t1", title="Mine", tags=["eu"])
    await parts.write("t1", completed())
    again = (await client.post(f"{TASKS}/t1/retry", json={})).json()["task"]
    shown = (await client.get(f"{TASKS}/{again}")).json()
    assert (shown["title"], shown["tags"], shown["retry_of"]) == ("Mine", ["eu"], "t1")


async def ended_task(parts, **about):
    parts.offer(title="Crawl {a}", params={"type": "object", "properties": {"a": {"type": "integer"}}})
    await parts.add_task("t1", params=codec.raw(b'{"a":1}'), **about)
    await parts.write("t1", progress("error", 1.0))


@pytest.mark.parametrize(("title", "expected"), [("Crawl 1", "Crawl 2"), ("Mine", "Mine")])
async def test_a_retry_takes_other_parameters_and_a_title_that_is_made_of_them(parts, client, title, expected):
    await ended_task(parts, title=title)
    reply = await client.post(f"{TASKS}/t1/retry", json={"params": {"a": 2}})
    record = await parts.task_store.record(reply.json()["task"])
    assert (record.retry_of, bytes(record.params), record.title, record.resume) == ("t1", b'{"a":2}', expected, False)


async def test_parameters_of_a_retry_are_checked(parts, client):
    await ended_task(parts)
    reply = await client.post(f"{TASKS}/t1/retry", json={"params": {"a": "x"}})
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, "/params/a")
    assert (await client.post(f"{TASKS}/t1/retry", json={"params": 3})).status_code == 422
    assert (await client.post(f"{TASKS}/t1/retry", json={"parameters": {}})).status_code == 422


async def test_a_retry_continues_from_a_checkpoint_only_with_the_same_parameters(parts, client):
    await ended_task(parts)
    assert (await client.post(f"{TASKS}/t1/retry", json={"resume": True, "params": {}})).status_code == 422
    task = (await client.post(f"{TASKS}/t1/retry", json={"resume": True})).json()["task"]
    assert parts.jobs.jobs[task].resume_of == "t1"
    assert (await parts.task_store.record(task)).resume is True


async def test_second_task_of_a_key_is_refused_or_joined(parts, client):
    parts.offer(unique="{a}", params={"type": "object", "properties": {"a": {"type": "integer"}}})
    first = (await client.post(TASKS, json={"kind": "k", "params": {"a": 1}})).json()["task"]
    refused = await client.post(TASKS, json={"kind": "k", "params": {"a": 1}})
    assert (refused.status_code, refused.json()["task"]) == (409, first)
    joined = await client.post(TASKS, json={"kind": "k", "params": {"a": 1}, "on_conflict": "join"})
    assert (joined.status_code, joined.json()["task"]) == (202, first)
    for other in ({"params": {"a": 2}}, {"params": {"a": 1}, "unique": "mine"}):
        assert (await client.post(TASKS, json={"kind": "k"} | other)).status_code == 202
    assert len(parts.jobs.jobs) == 3
    assert (await client.post(TASKS, json={"kind": "k", "on_conflict": "wait"})).status_code == 422


async def test_a_retry_has_the_key_of_its_task_or_that_of_its_parameters(parts, client):
    parts.offer(unique="{a}", params={"type": "object", "properties": {"a": {"type": "integer"}}})
    first = (await client.post(TASKS, json={"kind": "k", "params": {"a": 1}})).json()["task"]
    await parts.write(first, completed())
    again = (await client.post(f"{TASKS}/{first}/retry", json={})).json()["task"]
    assert (await client.post(f"{TASKS}/{first}/retry", json={})).json()["task"] == again  # that holds the key
    assert (await client.post(f"{TASKS}/{first}/retry", json={"params": {"a": 2}})).status_code == 202


async def add_listed(parts, count=5):
    """Tasks t1, t2, …, the newest last."""
    for n in range(1, count + 1):
        await parts.add_task(f"t{n}", "odd" if n % 2 else "even", created=float(n), title=f"Number {n}", tags=["all"])
        await parts.write(f"t{n}", completed() if n % 2 else ticks(1, 1)[0])


@pytest.mark.parametrize(
    ("query", "tasks"),
    [
        ({}, ["t5", "t4", "t3", "t2", "t1"]),
        ({"kind": ["odd", "even"], "status": ["processing", "queued"]}, ["t4", "t2"]),
        ({"tag": "all", "text": "NUMBER 3"}, ["t3"]),
        ({"tag": ["all", "none"]}, []),
        ({"since": 2, "before": 3}, ["t3", "t2"]),
        ({"kind": "", "status": ""}, ["t5", "t4", "t3", "t2", "t1"]),
    ],
)
async def test_tasks_are_filtered(parts, client, query, tasks):
    await add_listed(parts)
    assert [task["task"] for task in (await client.get(TASKS, params=query)).json()["tasks"]] == tasks


async def test_pages_follow_each_other_by_their_cursor(parts, client):
    await add_listed(parts)
    found, cursor, pages = [], "", 0
    while cursor is not None:
        page = (await client.get(TASKS, params={"limit": 2, "cursor": cursor})).json()
        found += [task["task"] for task in page["tasks"]]
        cursor, pages = page["cursor"], pages + 1
        await parts.add_task(f"new{pages}", created=100.0)  # moves no page
    assert (found, pages) == (["t5", "t4", "t3", "t2", "t1"], 3)


@pytest.mark.parametrize(
    ("query", "status"), [({"cursor": "x"}, 422), ({"text": "x" * 201}, 400), ({"tag": ["x"] * 33}, 400)]
)
async def test_a_list_that_cannot_be_made_is_refused(client, query, status):
    assert (await client.get(TASKS, params=query)).status_code == status


async def test_a_task_is_polled_by_its_etag(parts, client):
    await parts.add_task("t1")
    await parts.write("t1", *ticks(1, 1))
    reply = await client.get(f"{TASKS}/t1")
    assert (reply.status_code, reply.json()["state"]["progress"]) == (200, 1.0)
    headers = {"If-None-Match": reply.headers["etag"]}
    assert (await client.get(f"{TASKS}/t1", headers=headers)).status_code == 304
    await parts.write("t1", *ticks(2, 2))
    assert (await client.get(f"{TASKS}/t1", headers=headers)).json()["state"]["progress"] == 2.0


@pytest.mark.parametrize("path", ["", "/result", "/stream"])
@pytest.mark.parametrize("task", ["absent", "not.a.name"])
async def test_an_unknown_task_is_not_found(client, task, path):
    reply = await client.get(f"{TASKS}/{task}{path}")
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")


async def test_a_task_is_cancelled_with_a_reason_until_it_has_ended(parts, client):
    await parts.add_task("t1")
    await parts.write("t1", *ticks(1, 1))
    reply = await client.post(f"{TASKS}/t1/cancel", json={"reason": "typo"})
    assert (reply.status_code, reply.json()) == (202, {"task": "t1", "status": "cancelling"})
    assert parts.log.events("t1")[-1].reason == "typo"
    await parts.write("t1", completed())
    reply = await client.post(f"{TASKS}/t1/cancel", json={})
    assert (reply.status_code, reply.json()["detail"]) == (409, "The task is already completed.")


async def test_a_task_is_retried_with_its_parameters_once_it_has_ended(parts, client):
    parts.offer()
    await parts.add_task("t1", params=codec.raw(b'{"a":1}'))
    await parts.write("t1", *ticks(1, 1))
    assert (await client.post(f"{TASKS}/t1/retry", json={})).status_code == 409
    await parts.write("t1", progress("error", 1.0))
    reply = await client.post(f"{TASKS}/t1/retry", json={})
    assert reply.status_code == 202
    record = await parts.task_store.record(reply.json()["task"])
    assert (record.retry_of, bytes(record.params)) == ("t1", b'{"a":1}')


async def test_a_result_comes_from_the_event_or_from_the_store_of_results(parts, client):
    for task, last in (("t1", completed({"a": 1})), ("t2", completed()), ("t3", progress("error", 1.0))):
        await parts.add_task(task)
        await parts.write(task, last)
    parts.results.results["t2"] = b'{"large":true}'
    assert (await client.get(f"{TASKS}/t1/result")).json() == {"a": 1}
    assert (await client.get(f"{TASKS}/t2/result")).json() == {"large": True}
    assert (await client.get(f"{TASKS}/t3/result")).json()["detail"] == "The task ended as error."
    await parts.add_task("t4")
    assert (await client.get(f"{TASKS}/t4/result")).status_code == 409


@pytest.fixture
async def ended(parts):
    """The id of a task that has ended with a result."""
    await parts.add_task("t1")
    await parts.write("t1", *ticks(1, 1), completed({"secret": 1}))
    return "t1"


async def test_a_deleted_task_is_absent_on_every_route_at_once(parts, client, ended):
    etag = (await client.get(f"{TASKS}/t1")).headers["etag"]
    deleted = await client.delete(f"{TASKS}/t1")
    assert (deleted.status_code, deleted.json()) == (202, {"task": "t1", "status": "deleted"})
    assert parts.deletions.tasks == ["t1"]
    assert (await client.get(TASKS)).json()["tasks"] == []
    for method, path in (
        ("GET", ""),
        ("GET", "/result"),
        ("GET", "/stream"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
        ("POST", "/token"),
        ("DELETE", ""),
    ):
        options = {"json": {}} if method == "POST" else {}
        headers = {"If-None-Match": etag, "Accept": "text/event-stream" if "stream" in path else "*/*"}
        answer = await client.request(method, f"{TASKS}/t1{path}", headers=headers, **options)
        absent = await client.request(method, f"{TASKS}/t2{path}", headers=headers, **options)
        assert (answer.status_code, answer.content) == (404, absent.content), path
    assert (await client.get("/api/v1/stream?task=t1")).status_code == 404
    assert (await client.get("/tasks/t1/stream")).status_code == 404


async def test_a_task_that_has_not_ended_is_not_deleted(parts, client):
    await parts.add_task("t1")
    for _ in range(2):
        refused = await client.delete(f"{TASKS}/t1")
        assert (refused.status_code, refused.json()["detail"]) == (409, "Cancel it first, or wait for its end.")
        await parts.write("t1", *ticks(1, 1))
    assert parts.deletions.tasks == []


async def test_the_key_of_a_deleted_task_starts_nothing(parts, client):
    parts.offer()
    headers = {"Idempotency-Key": "one"}
    task = (await client.post(TASKS, json={"kind": "k"}, headers=headers)).json()["task"]
    await parts.write(task, completed())
    assert (await client.delete(f"{TASKS}/{task}")).status_code == 202
    parts.records.set(task, b"")  # a processor has removed the record
    parts.jobs.jobs.clear()
    again = await client.post(TASKS, json={"kind": "k"}, headers=headers)
    assert (again.status_code, again.json()["title"]) == (409, "Task is deleted")
    assert (await client.get("/api/v1/process/k/stream?key=one", headers=STREAM)).status_code == 409
    assert parts.jobs.jobs == {}
    assert await parts.records.get(task) is None


STREAM = {"Accept": "text/event-stream"}


async def test_a_task_that_begins_later_waits_beside_the_queue_and_says_when(parts, client):
    parts.offer()
    run_at = round(time.time() + 3600, 3)
    body = (await client.post(TASKS, json={"kind": "k", "run_at": run_at})).json()
    assert (body["run_at"], parts.jobs.jobs, list(dict(await parts.scheduled.all()))) == (run_at, {}, [body["task"]])
    shown = (await client.get(f"{TASKS}/{body['task']}")).json()
    assert (shown["run_at"], shown["state"]["status"]) == (run_at, "queued")
    assert shown["state"]["message"].startswith("begins at 2")
    assert (await client.get(TASKS)).json()["tasks"][0]["run_at"] == run_at


async def test_a_time_in_the_past_is_now(parts, client):
    parts.offer()
    body = (await client.post(TASKS, json={"kind": "k", "run_at": "2020-01-01T00:00:00Z"})).json()
    assert (list(parts.jobs.jobs), "run_at" in body) == ([body["task"]], False)


@pytest.mark.parametrize("run_at", ["tomorrow", "2030-01-01T00:00:00", 4e9, True, []])
async def test_a_time_that_does_not_fit_is_refused_and_nothing_is_stored(parts, client, run_at):
    parts.offer()
    reply = await client.post(TASKS, json={"kind": "k", "run_at": run_at})
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, "/run_at")
    assert (await parts.records.count(), await parts.scheduled.count(), parts.jobs.jobs) == (0, 0, {})


async def test_no_task_that_begins_later_is_accepted_while_nats_is_unreachable(parts, client):
    parts.offer()
    parts.scheduled.away = True
    reply = await client.post(TASKS, json={"kind": "k", "run_at": time.time() + 60})
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")


async def test_a_cancelled_task_that_was_to_begin_later_ends_at_once_and_a_processor_gets_its_job(parts, client):
    parts.offer()
    task = (await client.post(TASKS, json={"kind": "k", "run_at": time.time() + 60})).json()["task"]
    assert (await client.post(f"{TASKS}/{task}/cancel", json={})).status_code == 202
    assert (parts.log.events(task)[-1].status, list(parts.jobs.jobs)) == ("cancelled", [task])


async def test_an_idempotency_key_and_a_unique_key_find_a_task_that_begins_later(parts, client):
    parts.offer()
    body = {"kind": "k", "run_at": time.time() + 60, "unique": "u"}
    first = (await client.post(TASKS, json=body, headers={"Idempotency-Key": "one"})).json()
    again = (
        await client.post(TASKS, json=body | {"run_at": time.time() + 90}, headers={"Idempotency-Key": "one"})
    ).json()
    assert (again["task"], again["run_at"]) == (first["task"], first["run_at"])
    refused = await client.post(TASKS, json={"kind": "k", "unique": "u"})
    assert (refused.status_code, refused.json()["task"]) == (409, first["task"])
    assert parts.jobs.jobs == {}
