"""Reading of requests."""

import pytest

from headway import codec

TASKS = "/api/v1/tasks"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", JSON, 400),
        (b"\xff", JSON, 400),
        (b"{}", JSON, 422),
        (b'{"kind":"k","other":1}', JSON, 422),
        (b'{"kind":"k","params":' + b"[" * 101 + b"]" * 101 + b"}", JSON, 400),
        (b'{"kind":"k"}', JSON | {"Idempotency-Key": "x" * 256}, 400),
        (b'{"kind":"k"}', JSON | {"Idempotency-Key": "a\tb"}, 400),
        (b'{"kind":"k"}', JSON | {"Idempotency-Key": b"\xe9"}, 400),
    ],
)
async def test_a_body_that_is_not_a_submission_is_a_problem(parts, client, body, headers, status):
    parts.offer()
    reply = await client.post(TASKS, content=body, headers=headers)
    assert (reply.status_code, reply.json()["status"]) == (status, status)
    assert parts.jobs.jobs == {}


async def test_parameters_at_the_depth_limit_are_accepted(parts, client):
    parts.offer()
    params = '{"a":' * (codec.MAX_DEPTH - 1) + "{}" + "}" * (codec.MAX_DEPTH - 1)
    reply = await client.post(TASKS, content=f'{{"kind":"k","params":{params}}}', headers=JSON)
    assert reply.status_code == 202


@pytest.mark.security
@pytest.mark.parametrize(
    "type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
@pytest.mark.parametrize("body", [b"", b"{}"])
@pytest.mark.parametrize("path", [TASKS, f"{TASKS}/t1/cancel", f"{TASKS}/t1/retry"])
async def test_every_post_declares_json(parts, client, path, body, type):
    parts.offer()
    await parts.add_task("t1")
    headers = {} if type is None else {"Content-Type": type}
    reply = await client.post(path, content=body, headers=headers)
    assert (reply.status_code, "application/json" in reply.json()["detail"]) == (415, True)
    assert (parts.jobs.jobs, await parts.log.last("t1")) == ({}, None)


async def test_json_may_have_parameters_and_any_case(parts, client):
    parts.offer()
    reply = await client.post(
        TASKS, content=b'{"kind":"k"}', headers={"Content-Type": "Application/JSON; charset=utf-8"}
    )
    assert reply.status_code == 202
