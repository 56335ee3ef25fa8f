"""Tasks that no processor runs: reported by a process of its own to a real NATS, and shown by a real streamer."""

import asyncio
import json
import os
import signal
import socket
import sys
from functools import partial

import pytest

from headway import codec
from headway.events import is_terminal
from headway.subjects import Names
from tests.fixtures.condition import until
from tests.fixtures.http import run_streamer
from tests.fixtures.nats import run_nats
from tests.fixtures.processors import run_processor

IMPORT = """
import headway, sys
with headway.report("Import of the night", kind="import") as job:
    print(job.task, flush=True)
    job.step("Reading")
    job.log("begun", "warning")
    for row in job.track(range(1000), unit="rows"):
        if row == 500:
            sys.stdin.readline()
    with headway.report("index", parent=job.task) as part:
        print(part.task, flush=True)
    job.set_result({"rows": 1000})
"""
ENDLESS = """
import headway, time
with headway.report("endless") as job:
    print(job.task, flush=True)
    while True:
        time.sleep(0.01)
        job.raise_if_cancelled()
"""
FAILING = """
import headway
with headway.report("failing") as job:
    print(job.task, flush=True)
    int("seven")
"""
FORKING = """
import headway, multiprocessing
def work(number):
    with headway.report("child") as job:
        job.set_result(number)
    headway.flush_reports()
    return job.task
if __name__ == "__main__":
    with headway.report("parent") as job:
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(*pool.map(work, range(4)), job.task, flush=True)
"""


async def start(url, names, script, *, renew_seconds=10, **variables):
    """A process that runs `script`, and reads from a pipe."""
    environment = {**os.environ, "HEADWAY_NATS_URL": url, "HEADWAY_NATS_NAMESPACE": names.namespace, **variables}
    environment["HEADWAY_REPORT_RENEW_SECONDS"] = str(renew_seconds)
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdin=pipe, stdout=pipe, stderr=pipe, env=environment
    )


@pytest.mark.feature("report", "progress")
@pytest.mark.feature("report", "result")
@pytest.mark.feature("report", "step")
@pytest.mark.feature("report", "log")
@pytest.mark.feature("report", "children")
async def test_a_script_is_listed_streamed_and_not_retried(nats_server, names, connection):
    async with run_streamer(nats_server.url, names.namespace) as streamer:
        process = await start(nats_server.url, names, IMPORT)
        task = (await process.stdout.readline()).decode().strip()
        await until(lambda: shown(streamer, task))
        listed = (await streamer.http.get("/api/v1/tasks")).json()["tasks"][0]
        assert (listed["title"], listed["kind"], listed["reported"]) == ("Import of the night", "import", True)
        retry = await streamer.http.post(f"/api/v1/tasks/{task}/retry", json={})
        child = (await process.communicate(b"\n"))[0].decode().strip()
        part = (await streamer.http.get(f"/api/v1/tasks/{child}")).json()
        stream = await streamer.http.get(f"/api/v1/tasks/{task}/stream", headers={"Accept": "text/event-stream"})
        again = await streamer.http.post(f"/api/v1/tasks/{task}/retry", json={})
    assert process.returncode == 0
    assert retry.status_code == again.status_code == 409
    assert "No processor runs it" in again.json()["detail"]
    events = [json.loads(line[5:]) for line in stream.text.splitlines() if line.startswith("data:")]
    ends = [event for event in events if event.get("status") == "completed"]
    assert [(end["data"], end["done"], end["step"]) for end in ends] == [({"rows": 1000}, 1000, "Reading")]
    lines = [(event["level"], event["message"]) for event in events if event.get("type") == "log"]
    assert lines == [("warning", "begun")]
    assert (part["parent"], part["state"]["status"]) == (task, "completed")


async def test_the_how_to_is_a_task(nats_server, names, connection, printed):
    async with run_streamer(nats_server.url, names.namespace) as streamer:
        process = await start(nats_server.url, names, printed[0].text)
        await process.communicate()
        (listed,) = (await streamer.http.get("/api/v1/tasks")).json()["tasks"]
    assert (listed["title"], listed["kind"]) == ("Import of the night", "nightly-import")
    assert (listed["state"]["status"], listed["state"]["data"]) == ("completed", {"rows": 2000})


@pytest.mark.feature("report", "lost")
async def test_a_reporter_that_is_killed_ends_its_task_as_lost_and_one_that_only_sleeps_is_refused(
    nats_server, names, connection
):
    async with run_streamer(nats_server.url, names.namespace) as streamer, run_processor(nats_server.url, names):
        processes = [await start(nats_server.url, names, ENDLESS, renew_seconds=0.2) for _ in range(3)]
        tasks = [(await process.stdout.readline()).decode().strip() for process in processes]
        for task in tasks:
            await until(partial(shown, streamer, task))
        killed, asleep, well = processes
        killed.kill()
        asleep.send_signal(signal.SIGSTOP)
        for task in tasks[:2]:
            await until(partial(ended, streamer, task))
        asleep.send_signal(signal.SIGCONT)
        _, errors = await asleep.communicate()
        states = [(await streamer.http.get(f"/api/v1/tasks/{task}")).json()["state"] for task in tasks]
        ends = [await terminal_events(streamer, task) for task in tasks]
        (looking,) = (await streamer.http.get("/api/v1/processors")).json()["processors"]
        well.kill()
        await asyncio.gather(killed.communicate(), well.communicate())
    assert [(state["status"], (state.get("error") or {}).get("type")) for state in states] == [
        ("error", "Lost"),
        ("error", "Lost"),
        ("processing", None),
    ]
    assert ends == [1, 1, 0]
    assert (looking["name"], looking["slots"], looking["running"]) == (socket.gethostname(), 100, 0)
    assert b"TaskCancelledError" in errors


async def ended(streamer, task):
    state = (await streamer.http.get(f"/api/v1/tasks/{task}")).json()["state"]
    return state["status"] == "error"


async def terminal_events(streamer, task):
    stored = await streamer.components.log.read(task)
    return sum(is_terminal(codec.decode(one.payload, task)) for one in stored)


async def shown(streamer, task):
    return (await streamer.http.get(f"/api/v1/tasks/{task}")).status_code == 200


@pytest.mark.feature("report", "cancel")
async def test_a_script_is_cancelled_from_outside(nats_server, names, connection):
    async with run_streamer(nats_server.url, names.namespace) as streamer:
        process = await start(nats_server.url, names, ENDLESS)
        task = (await process.stdout.readline()).decode().strip()
        await until(lambda: shown(streamer, task))
        await streamer.http.post(f"/api/v1/tasks/{task}/cancel", json={"reason": "enough"})
        _, errors = await process.communicate()
        state = (await streamer.http.get(f"/api/v1/tasks/{task}")).json()["state"]
    assert (state["status"], state["message"]) == ("cancelled", "cancelled: enough")
    assert b"TaskCancelledError" in errors


@pytest.mark.feature("report", "error with traceback")
async def test_a_block_that_raises_ends_in_error_with_its_traceback(nats_server, names, connection):
    async with run_streamer(nats_server.url, names.namespace) as streamer:
        process = await start(nats_server.url, names, FAILING)
        output, errors = await process.communicate()
        task = output.decode().strip()
        state = (await streamer.http.get(f"/api/v1/tasks/{task}")).json()["state"]
    assert b"ValueError" in errors
    assert (state["status"], state["error"]["type"]) == ("error", "ValueError")
    assert 'File "<string>", line 5' in state["error"]["traceback"]


CHOSEN = """
import headway
with headway.report("chosen", task="job-7") as job:
    job.set_result(job.attempt)
"""


async def test_a_chosen_id_is_that_of_its_owner_and_cannot_be_taken_over(nats_server, names, connection):
    async with run_streamer(nats_server.url, names.namespace) as streamer:
        first = await start(nats_server.url, names, CHOSEN, HEADWAY_REPORT_OWNER="ann")
        await first.communicate()
        before = (await streamer.http.get("/api/v1/tasks/job-7")).json()
        taking = await start(nats_server.url, names, CHOSEN, HEADWAY_REPORT_OWNER="bob")
        _, errors = await taking.communicate()
        after = (await streamer.http.get("/api/v1/tasks/job-7")).json()
    assert (before["state"]["status"], before["state"]["data"]) == ("completed", 1)
    assert before["cursor"] == after["cursor"]
    assert taking.returncode == 0
    assert b"refused" in errors


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
async def test_forked_children_report_by_themselves(nats_server, names, connection):
    async with run_streamer(nats_server.url, names.namespace) as streamer:
        process = await start(nats_server.url, names, FORKING)
        output, errors = await process.communicate()
        tasks = output.decode().split()
        states = [(await streamer.http.get(f"/api/v1/tasks/{task}")).json()["state"] for task in tasks]
    assert len(set(tasks)) == 5, errors
    assert [(state["status"], state["data"]) for state in states] == [
        *(("completed", number) for number in range(4)),
        ("completed", None),
    ]


async def test_what_is_reported_while_nats_is_unreachable_is_stored_later(tmp_path):
    names = Names("hw")
    with run_nats(tmp_path) as server:
        async with run_streamer(server.url, names.namespace) as streamer:
            server.kill()
            process = await start(server.url, names, IMPORT)
            task = (await process.stdout.readline()).decode().strip()
            process.stdin.write(b"\n")
            assert b"NATS is unreachable" in await process.stderr.readline()
            server.start()
            await process.communicate()
            await until(lambda: shown(streamer, task))
            state = (await streamer.http.get(f"/api/v1/tasks/{task}")).json()["state"]
    assert (state["status"], state["data"], process.returncode) == ("completed", {"rows": 1000}, 0)
