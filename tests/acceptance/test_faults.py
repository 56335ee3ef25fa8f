"""What is promised holds whatever is killed."""

import asyncio
import json
import socket
from contextlib import suppress

import httpx
import pytest

from tests.fixtures.condition import holds, until
from tests.fixtures.services import KILL, TERM
from tests.fixtures.sse import Reader

pytestmark = pytest.mark.faults


SLOW = {"steps": [{"name": "work", "seconds": 3, "ticks": 60}]}


async def submit(http, url, params, kind="script", **headers):
    async def is_known():  # a streamer learns a moment later what a processor has published
        reply = await http.get(f"{url}/api/v1/kinds")  # 503 before the first processor has created the streams
        return reply.is_success and kind in [found["kind"] for found in reply.json()["kinds"]]

    await until(is_known)
    reply = await http.post(f"{url}/api/v1/tasks", json={"kind": kind, "params": params}, headers=headers)
    assert reply.status_code == 202, reply.text
    return reply.json()["task"]


def terminals(log):
    return [e["status"] for e in log if e.get("status") in ("completed", "error", "cancelled")]


async def test_a_killed_streamer_costs_its_watchers_no_event(services, http):
    started = services.processor("p1"), services.streamer("s1"), services.streamer("s2")
    for service in started:
        service.wait_ready()
    _, one, two = started
    task = await submit(http, two.url, SLOW)
    path = f"/api/v1/tasks/{task}/stream?merge=0"
    readers = [Reader(http) for _ in range(20)]

    async def watch(reader, patience):
        with suppress(httpx.HTTPError):
            await reader.read(one.url + path)
        before = len(reader.log)
        await reader.read(two.url + path)
        return before

    watching = [asyncio.create_task(watch(reader, n)) for n, reader in enumerate(readers)]
    await Reader(http).read(two.url + path, lambda _, data: data.get("n", 0) >= 15)
    one.signal(KILL)
    befores = await asyncio.gather(*watching)
    assert min(befores) >= 3
    for reader in readers:
        assert reader.numbers == list(range(1, len(reader.numbers) + 1))
        assert terminals(reader.log) == ["completed"]
        assert "reset" not in [name for name, _ in reader.events]


async def test_a_killed_processor_is_followed_by_a_second_attempt(services, http):
    first, streamer = services.processor("p1"), services.streamer("s1")
    first.wait_ready()
    streamer.wait_ready()
    task = await submit(http, streamer.url, SLOW)
    reader = Reader(http)
    url = f"{streamer.url}/api/v1/tasks/{task}/stream?merge=0"
    watching = asyncio.create_task(reader.read(url))
    await Reader(http).read(url, lambda _, data: data.get("n", 0) >= 8)
    first.signal(KILL)
    services.processor("p2").wait_ready()
    await watching
    attempts = [e["attempt"] for e in reader.log]
    assert attempts == sorted(attempts)
    assert set(attempts) - {0} == {1, 2}  # a processor that is faster makes the queued event superfluous
    assert reader.numbers == list(range(1, len(reader.numbers) + 1))
    assert terminals(reader.log) == ["completed"]


async def test_a_processor_that_wakes_up_late_writes_nothing_more(services, http):
    from signal import SIGCONT, SIGSTOP

    first, streamer = services.processor("p1"), services.streamer("s1")
    first.wait_ready()
    streamer.wait_ready()
    task = await submit(http, streamer.url, SLOW)
    reader = Reader(http)
    url = f"{streamer.url}/api/v1/tasks/{task}/stream?merge=0"
    watching = asyncio.create_task(reader.read(url))
    await Reader(http).read(url, lambda _, data: data.get("n", 0) >= 8)
    first.signal(SIGSTOP)
    services.processor("p2").wait_ready()
    await Reader(http).read(url, lambda _, data: data.get("attempt") == 2 and data.get("n", 0) >= 12)
    first.signal(SIGCONT)
    await watching
    attempts = [e["attempt"] for e in reader.log]
    assert attempts == sorted(attempts)
    assert terminals(reader.log) == ["completed"]
    snapshot = (await http.get(f"{streamer.url}/api/v1/tasks/{task}")).json()
    assert (snapshot["state"]["attempt"], snapshot["state"]["n"]) == (2, reader.numbers[-1])


async def test_a_crashing_task_ends_in_one_error(services, http):
    streamer = services.streamer("s1")
    streamer.wait_ready()
    processors = [services.processor("p0")]
    processors[0].wait_ready()
    task = await submit(http, streamer.url, {"steps": [{"name": "boom", "seconds": 0, "crash": list(range(1, 10))}]})
    reader = Reader(http)
    watching = asyncio.create_task(reader.read(f"{streamer.url}/api/v1/tasks/{task}/stream?merge=0"))
    for n in range(1, 10):
        if watching.done():
            break
        crashed = asyncio.create_task(asyncio.to_thread(processors[-1].wait))
        await asyncio.wait([watching, crashed], return_when="FIRST_COMPLETED")
        processors.append(services.processor(f"p{n}"))
    await watching
    for processor in processors:
        processor.kill()  # a thread may wait for its end
    assert terminals(reader.log) == ["error"]
    assert reader.log[-1]["error"]["type"] == "Lost"
    assert [e["attempt"] for e in reader.log] == sorted(e["attempt"] for e in reader.log)


async def test_nats_killed_in_the_middle_delays_a_task_and_loses_nothing(services, http):
    processor, streamer = services.processor("p1", ACK_WAIT_SECONDS="10"), services.streamer("s1")
    processor.wait_ready()
    streamer.wait_ready()
    task = await submit(http, streamer.url, SLOW)
    reader = Reader(http)
    url = f"{streamer.url}/api/v1/tasks/{task}/stream?merge=0"
    watching = asyncio.create_task(reader.read(url))
    await Reader(http).read(url, lambda _, data: data.get("n", 0) >= 8)
    services.nats.restart()
    await watching
    assert reader.numbers == list(range(1, len(reader.numbers) + 1))
    assert terminals(reader.log) == ["completed"]
    assert {e["attempt"] for e in reader.log} - {0} == {1}


async def test_a_202_is_never_given_for_a_job_that_was_not_stored(services, http):
    processor, streamer = services.processor("p1"), services.streamer("s1")
    processor.wait_ready()
    streamer.wait_ready()
    instant = {"steps": [{"name": "now", "seconds": 0}]}
    answers = []

    async def client(number):
        for round in range(15):
            body = {"kind": "script", "params": instant}
            key = {"Idempotency-Key": f"{number}-{round}"}
            reply = await http.post(f"{streamer.url}/api/v1/tasks", json=body, headers=key)
            answers.append((reply.status_code, reply.json().get("task")))
            await asyncio.sleep(0.02)

    clients = [asyncio.create_task(client(n)) for n in range(8)]
    await until(lambda: len(answers) >= 20)
    services.nats.restart()
    await asyncio.gather(*clients)
    assert {status for status, _ in answers} <= {202, 503}
    accepted = [task for status, task in answers if status == 202]
    assert len(accepted) > 20
    assert len(set(accepted)) == len(accepted)

    async def ending(task):
        reader = Reader(http)
        await reader.read(f"{streamer.url}/api/v1/tasks/{task}/stream?merge=0")
        return terminals(reader.log)

    assert {json.dumps(e) for e in await asyncio.gather(*map(ending, accepted))} == {'["completed"]'}


async def test_the_same_key_submitted_to_two_streamers_runs_once(shared, http):
    counted = {"steps": [{"name": "once", "seconds": 0.2, "ticks": 2}]}
    urls = [shared.s1.url, shared.s2.url] * 10
    tasks = await asyncio.gather(*(submit(http, url, counted, **{"Idempotency-Key": "same"}) for url in urls))
    assert len(set(tasks)) == 1
    reader = Reader(http)
    await reader.read(f"{shared.s1.url}/api/v1/tasks/{tasks[0]}/stream?merge=0")
    again = await submit(http, shared.s2.url, counted, **{"Idempotency-Key": "same"})
    snapshot = (await http.get(f"{shared.s1.url}/api/v1/tasks/{again}")).json()
    assert (again, snapshot["state"]["attempt"], snapshot["state"]["n"]) == (tasks[0], 1, reader.numbers[-1])


async def test_a_streamer_drains_on_sigterm_and_exits_0(services, http):
    processor, one, two = services.processor("p1"), services.streamer("s1"), services.streamer("s2")
    for service in (processor, one, two):
        service.wait_ready()
    task = await submit(http, two.url, SLOW)
    path = f"/api/v1/tasks/{task}/stream?merge=0"
    readers = [Reader(http) for _ in range(30)]

    async def watch(reader):
        assert not await reader.read(one.url + path)  # a clean end: anything else raises
        await reader.read(two.url + path)

    watching = [asyncio.create_task(watch(reader)) for reader in readers]
    await Reader(http).read(two.url + path, lambda _, data: data.get("n", 0) >= 10)
    one.signal(TERM)
    await asyncio.gather(*watching)
    assert one.wait() == 0
    assert "Traceback" not in one.log.read_text()
    for reader in readers:
        assert reader.numbers == list(range(1, len(reader.numbers) + 1))
        goodbyes = [data["reason"] for name, data in reader.events if name == "goodbye"]
        assert goodbyes == ["drain"]


async def test_a_processor_hands_its_jobs_back_on_sigterm_and_exits_0(services, http):
    first, streamer = services.processor("p1", GRACE_SECONDS="0.2"), services.streamer("s1")
    first.wait_ready()
    streamer.wait_ready()
    task = await submit(http, streamer.url, SLOW)
    reader = Reader(http)
    url = f"{streamer.url}/api/v1/tasks/{task}/stream?merge=0"
    watching = asyncio.create_task(reader.read(url))
    await Reader(http).read(url, lambda _, data: data.get("n", 0) >= 8)
    first.signal(TERM)
    services.processor("p2")
    assert await asyncio.to_thread(first.wait) == 0
    assert "Traceback" not in first.log.read_text()
    await watching
    assert terminals(reader.log) == ["completed"]
    assert "retrying" in [e.get("status") for e in reader.log]
    assert reader.log[-1]["attempt"] == 2
    assert "failed" not in reader.log[-1]


async def test_two_workers_share_a_port_and_drain_together(services, http):
    processor, streamer = services.processor("p1"), services.streamer("s", WORKERS="2")
    processor.wait_ready()
    streamer.wait_ready()
    streamer.wait_ready(worker=1)
    task = await submit(http, streamer.url, SLOW)
    url = f"{streamer.url}/api/v1/tasks/{task}/stream?merge=0"
    seen = set()
    await until(lambda: both_serve(http, url, seen), 20)  # ready does not mean that NATS has answered
    readers = [Reader(http) for _ in range(40)]
    watching = [asyncio.create_task(reader.read(url)) for reader in readers]
    await Reader(http).read(url, lambda _, data: data.get("n", 0) >= 10)
    streamer.signal(TERM)
    assert not any(await asyncio.gather(*watching))
    assert await asyncio.to_thread(streamer.wait) == 0
    assert "Traceback" not in streamer.log.read_text()
    assert {reader.events[0][1]["server"] for reader in readers} == {"s-0", "s-1"}
    assert {data["reason"] for reader in readers for name, data in reader.events if name == "goodbye"} == {"drain"}


async def both_serve(http, url, seen):
    """Whether two workers have begun a stream; those that have are noted in `seen`."""
    reader = Reader(http)
    await reader.read(url, lambda *_: True)
    seen |= {data["server"] for name, data in reader.events if name == "hello"}
    return len(seen) == 2


async def test_workers_whose_parent_is_killed_drain_and_free_their_ports(services, http):
    processor, streamer = services.processor("p1"), services.streamer("s", WORKERS="2")
    processor.wait_ready()
    for worker in range(2):
        streamer.wait_ready(worker)
    task = await submit(http, streamer.url, SLOW)
    url = f"{streamer.url}/api/v1/tasks/{task}/stream?merge=0"
    readers = [Reader(http) for _ in range(10)]
    watching = [asyncio.create_task(reader.read(url)) for reader in readers]
    await Reader(http).read(url, lambda _, data: data.get("n", 0) >= 5)
    streamer.signal(KILL)
    assert not any(await asyncio.gather(*watching))
    assert {data["reason"] for reader in readers for name, data in reader.events if name == "goodbye"} == {"drain"}
    ports = (streamer.port, streamer.ops_port, streamer.ops_port + 1)
    assert await holds(lambda: not any(map(accepts, ports)), 10)


def accepts(port):
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


async def test_one_task_that_kills_its_processor_each_time_is_the_only_one_given_up(services, http):
    processor, streamer = services.processor("p1", CONCURRENCY="20"), services.streamer("s1")
    processor.wait_ready()
    streamer.wait_ready()
    harmless = {"steps": [{"name": "work", "seconds": 4, "ticks": 20}]}
    fatal = {"steps": [{"name": "eat", "seconds": 1, "ticks": 5, "crash": list(range(1, 60))}]}
    tasks = [await submit(http, streamer.url, fatal if n == 5 else harmless) for n in range(12)]
    deaths = 0

    async def found():
        reply = await http.get(f"{streamer.url}/api/v1/tasks", params={"limit": 100})
        return {task["task"]: task for task in reply.json()["tasks"]}

    async def ended():
        nonlocal deaths
        if not processor.running:
            deaths += 1
            processor.start()
        return all(
            (task.get("state") or {}).get("status") in ("completed", "error") for task in (await found()).values()
        )

    await until(ended, 240)
    statuses = {task: shown["state"]["status"] for task, shown in (await found()).items()}
    assert statuses == {task: "error" if n == 5 else "completed" for n, task in enumerate(tasks)}
    snapshot = (await http.get(f"{streamer.url}/api/v1/tasks/{tasks[5]}")).json()
    assert snapshot["state"]["error"]["type"] == "Lost"
    assert 3 <= deaths <= 6
    print(f"{deaths} processors were killed")
