"""The routes of dead letters."""

import pytest

from headway import codec

LETTERS = "/api/v1/dead-letters"


async def test_dead_letters_are_listed_by_kind_and_in_pages(parts, client):
    for task in ("t1", "t2", "t3", "t4", "t5"):
        parts.bury(task, "even" if task in ("t2", "t4") else "k")
    found = (await client.get(LETTERS, params={"limit": 4})).json()
    assert ([one["task"] for one in found["dead_letters"]], found["cursor"]) == (["t1", "t2", "t3", "t4"], "4")
    rest = (await client.get(LETTERS, params={"limit": 4, "cursor": found["cursor"]})).json()
    assert ([one["task"] for one in rest["dead_letters"]], rest["cursor"]) == (["t5"], None)
    even = (await client.get(LETTERS, params={"kind": "even"})).json()["dead_letters"]
    assert [(one["id"], one["reason"], one["at"], one["resubmittable"]) for one in even] == [
        ("2", "Lost: given up", 5.0, True),
        ("4", "Lost: given up", 5.0, True),
    ]
    assert "params" not in even[0]


@pytest.mark.parametrize(
    ("query", "status"), [("kind=a.b", 400), ("cursor=x", 422), ("cursor=²", 422), ("limit=0", 400)]
)
async def test_a_bad_query_is_refused(client, query, status):
    assert (await client.get(f"{LETTERS}?{query}")).status_code == status


async def test_a_dead_letter_is_shown_with_its_parameters(parts, client):
    id = parts.bury()
    shown = (await client.get(f"{LETTERS}/{id}")).json()
    assert (shown["params"], shown["task"], shown["problem"]) == ({"a": 1}, "t1", "")
    for absent in ("99", "x", "²", "0" * 30):
        assert (await client.get(f"{LETTERS}/{absent}")).status_code == 404


async def test_a_job_that_is_submitted_again_is_a_new_task_and_twice_the_same(parts, client):
    parts.offer()
    id = parts.bury()
    replies = [await client.post(f"{LETTERS}/{id}/resubmit", json={}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [202, 202]
    assert len({reply.json()["task"] for reply in replies}) == 1
    task = replies[0].json()["task"]
    assert (list(parts.jobs.jobs), codec.decode_json(bytes(parts.jobs.jobs[task].params))) == ([task], {"a": 1})
    assert (await client.get(f"/api/v1/tasks/{task}")).json()["retry_of"] == "t1"
    edited = await client.post(f"{LETTERS}/{id}/resubmit", json={"params": {"a": 2}})
    again = await client.post(f"{LETTERS}/{id}/resubmit", headers={"Idempotency-Key": "once more"}, json={})
    assert len({task, edited.json()["task"], again.json()["task"]}) == 3
    assert id in str((await client.get(LETTERS)).json())  # it stays until it is dropped


BAD = {
    "not a job": (b'{"task":1}', "the message is not a job"),
    "not JSON": (b'"half a {"', "the message is not a job"),
    "another task": (b'{"task":"t2","kind":"k"}', "not the job that its subject names"),
}


@pytest.mark.parametrize(("job", "problem"), BAD.values(), ids=BAD)
async def test_a_bad_message_is_listed_and_says_why_it_cannot_be_submitted_again(parts, client, job, problem):
    id = parts.bury(job=job)
    (listed,) = (await client.get(LETTERS)).json()["dead_letters"]
    assert (listed["resubmittable"], problem in listed["problem"]) == (False, True)
    assert (await client.get(f"{LETTERS}/{id}")).json()["raw"]
    refused = await client.post(f"{LETTERS}/{id}/resubmit", json={})
    assert (refused.status_code, problem in refused.json()["detail"], parts.jobs.jobs) == (409, True, {})
    assert (await client.delete(f"{LETTERS}/{id}")).status_code == 200


async def test_parameters_that_are_not_an_object_have_to_be_replaced(parts, client):
    parts.offer()
    id = parts.bury(params=b"[1]")
    assert (await client.post(f"{LETTERS}/{id}/resubmit", json={})).status_code == 409
    assert (await client.post(f"{LETTERS}/{id}/resubmit", json={"params": {}})).status_code == 202


async def test_a_nameless_message_and_a_third_party_s_are_listed(parts, client):
    parts.bury("nameless", job=b'"{"')
    parts.dead.add("hw.dead.k.t9", b"not JSON at all")
    nameless, foreign = (await client.get(LETTERS)).json()["dead_letters"]
    assert (nameless["task"], foreign["task"], foreign["reason"]) == ("", "t9", "")
    assert "not stored by a processor" in foreign["problem"]


async def test_a_dropped_letter_is_gone(parts, client):
    id = parts.bury()
    reply = await client.delete(f"{LETTERS}/{id}")
    assert (reply.status_code, reply.json()) == (200, {"id": id, "status": "dropped"})
    assert (parts.dead.letters, (await client.delete(f"{LETTERS}/{id}")).status_code) == ({}, 404)


async def test_an_unknown_kind_and_an_unreachable_store_are_errors(parts, client):
    id = parts.bury()
    assert (await client.post(f"{LETTERS}/{id}/resubmit", json={})).status_code == 404
    parts.dead.away = True
    assert (await client.get(LETTERS)).status_code == 503
