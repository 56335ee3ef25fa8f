"""The routes of streams."""

from tests.unit.streamer.conftest import completed, parse, ticks

TASKS = "/api/v1/tasks"


def numbers(reply):
    return [(block.data["task"], block.data["n"]) for block in parse(reply.content) if "n" in block.data]


async def test_a_task_is_streamed_to_its_end_and_resumed(parts, client):
    await parts.write("t1", *ticks(1, 2), completed())
    reply = await client.get(f"{TASKS}/t1/stream", params={"merge": "0"})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/event-stream")
    assert numbers(reply) == [("t1", 1), ("t1", 2), ("t1", 3)]
    ids = [block.id for block in parse(reply.content)]
    rest = await client.get(f"{TASKS}/t1/stream", headers={"Last-Event-ID": ids[2]})
    assert numbers(rest) == [("t1", 3)]
    assert (await client.get(f"{TASKS}/t1/stream", params={"cursor": ids[-1]})).status_code == 204
    assert parts.admission.count == 0


async def test_a_request_for_json_gets_the_state(parts, client):
    await parts.add_task("t1")
    await parts.write("t1", completed(7))
    reply = await client.get(f"{TASKS}/t1/stream", headers={"Accept": "application/json"})
    assert reply.json()["state"]["data"] == 7


async def test_several_tasks_share_a_stream_up_to_a_limit(parts, client):
    for task in ("a", "b"):
        await parts.write(task, completed())
    reply = await client.get("/api/v1/stream", params={"task": ["b", "a"]})
    assert sorted(numbers(reply)) == [("a", 1), ("b", 1)]
    many = [f"t{n}" for n in range(33)]
    reply = await client.get("/api/v1/stream", params={"task": many})
    assert (reply.status_code, reply.json()["detail"]) == (400, "One stream carries at most 32 tasks.")


async def test_statuses_are_streamed_with_the_names_of_celery(parts, client):
    await parts.write("t1", completed())
    reply = await client.get("/tasks/t1/stream")
    assert parse(reply.content)[-1].data["status"] == "SUCCESS"


async def test_a_parameter_that_is_not_known_is_a_problem(parts, client):
    await parts.write("t1", completed())
    for params in ({"from": "middle"}, {"merge": "2"}):
        assert (await client.get(f"{TASKS}/t1/stream", params=params)).status_code == 400
