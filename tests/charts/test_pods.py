"""The charts at work: what they render, run by the real programs."""

import asyncio
import random
import re
from functools import partial

import httpx
import nats
import pytest

from headway.jetstream.grants import roles
from headway.subjects import Names
from tests.charts import proxies
from tests.charts.access import MODES, TOKEN, secrets
from tests.charts.browsers import NONE_OF, Watcher, count, end_of, submit, submit_for_browsers
from tests.charts.helm import one as one_of
from tests.charts.helm import render
from tests.charts.pods import run_pods, run_to_end
from tests.fixtures.condition import holds
from tests.fixtures.nats_attacks import matches

WINDOW, WATCHERS = 4, 120


def installed(folder, **streamer):
    """What an installation renders whose processors read files of `folder`."""
    (folder / "files").mkdir()
    (folder / "files" / "small.csv").write_text("a,b\n" + "1,x\n" * 500)
    return render(
        given={
            "processor": {
                "tasks": ["headway_kinds.script"],
                "config": {
                    "builtinKinds": ["check", "bulk"],
                    "dataDir": str(folder / "files"),
                    "retryDelaySeconds": 0.1,
                    "retention": ["script=3600"],
                },
                "shutdown": {"graceSeconds": 2},
            },
            "streamer": {"drain": {"preStopSeconds": 1, "windowSeconds": WINDOW}} | streamer,
        }
    )


@pytest.fixture
def objects(tmp_path):
    return installed(tmp_path)


async def test_the_rendered_accounts_allow_the_whole_main_job(objects, http, tmp_path, rung):
    with run_pods(objects, tmp_path) as (server, processor, (one, two)):
        kinds = await http.get(f"{one.service.url}/api/v1/kinds")
        assert kinds.status_code == 200
        bulk = await submit(http, one, "bulk", {"source": "small.csv"})
        assert (await end_of(http, two, bulk))["status"] == "completed"
        result = await http.get(f"{two.service.url}/api/v1/tasks/{bulk}/result")
        assert result.status_code in (200, 404)  # small results are in the last event
        steps = [{"name": "long", "seconds": 60, "ticks": 600}]
        long = await submit(http, one, "script", {"steps": steps})
        assert (await http.post(f"{two.service.url}/api/v1/tasks/{long}/cancel", json={})).status_code < 300
        assert (await end_of(http, one, long))["status"] == "cancelled"
        failing = [{"name": "bad", "seconds": 0, "fail": {"retryable": False}}]
        bad = await submit(http, one, "script", {"steps": failing})
        assert (await end_of(http, one, bad))["status"] == "error"
        retried = await http.post(f"{two.service.url}/api/v1/tasks/{bad}/retry", json={})
        assert retried.status_code < 300, retried.text
        listed = await http.get(f"{two.service.url}/api/v1/tasks")
        assert {bulk, long, bad} <= {item["task"] for item in listed.json()["tasks"]}
        code, seconds = await processor.end()
        assert code == 0
        assert server.violations() == []
        rung("pods: main job under the rendered accounts", tasks=4, violations=0, processor_ends_in=f"{seconds:.1f} s")


def stored(server, stream):
    """How many messages a stream holds, as the monitor port says it."""
    (account,) = server.ask("/jsz?streams=1&accounts=1")["account_details"]
    assert account["name"] == "HW_JETSTREAM"
    (found,) = [detail for detail in account["stream_detail"] if detail["name"] == stream]
    return found["state"]["messages"]


UNUSED = {
    "processor": {
        "$JS.ACK.*.*.HW_JOBS.>",  # in this form servers with domains ask for acknowledgements
        *("$JS.API.DIRECT.GET.KV_hw_tasks", "$JS.API.STREAM.PURGE.KV_hw_reporters"),  # when a reporter has vanished
        *("$KV.hw_tasks.*", "hw.job.*.*"),  # children
        *(f"$JS.API.{call}.OBJ_hw_files" for call in ("STREAM.MSG.GET", "STREAM.PURGE")),  # files
    },
    "streamer": {  # with access control alone
        *(f"$KV.{bucket}.*" for bucket in ("hw_revocations", "hw_token_keys")),
        *(f"$JS.API.DIRECT.GET.KV_{bucket}" for bucket in ("hw_revocations", "hw_token_keys")),
        "$KV.hw_reporters.*",  # leases of tasks that are reported over HTTP
        *("$KV.hw_unique.*", "$JS.API.DIRECT.GET.KV_hw_unique"),  # tasks with a unique key
        *("$KV.hw_scheduled.*", "$JS.API.DIRECT.GET.KV_hw_scheduled"),  # tasks that begin later
        *("$O.hw_files.*.*", "$JS.API.DIRECT.GET.OBJ_hw_files", "$JS.API.STREAM.MSG.GET.OBJ_hw_files"),  # files
    },
}


def unused(server):
    """What each service may send to JetStream and did not send, by the server's trace."""
    trace = server.log.read_text()
    found = {}
    for role in roles(Names()):
        sent = set(re.findall(rf"/user:{role.name}\" - <<- \[H?PUB (\S+)", trace))
        missing = {r.subject for r in role.requests if not any(matches(r.subject, subject) for subject in sent)}
        if sent and missing:
            found[role.name] = missing
    return found


@pytest.mark.security
async def test_the_rendered_accounts_allow_large_results_dead_letters_and_a_restart_and_no_more(
    objects, http, tmp_path, rung
):
    one_of(objects, "ConfigMap", "demo-nats")["data"]["nats.conf"] += "\ntrace: true\n"
    with run_pods(objects, tmp_path) as (server, _, (one, two)):
        large = await submit(http, one, "script", {"steps": [{"name": "a", "seconds": 0}], "result_bytes": 600_000})
        assert (await end_of(http, one, large))["status"] == "completed"
        assert len((await http.get(f"{two.service.url}/api/v1/tasks/{large}/result")).json()) == 600_000
        password = server.environment["STREAMER_PASSWORD"]
        client = await nats.connect(
            server.url, user="streamer", password=password, inbox_prefix="_INBOX_headway_streamer"
        )
        await client.jetstream().publish("hw.job.script.broken", b"not a job")
        assert await holds(lambda: stored(server, "HW_DEAD") == 1, 10)
        letters = f"{one.service.url}/api/v1/dead-letters"
        (letter,) = (await http.get(letters)).json()["dead_letters"]
        assert (letter["kind"], letter["task"], letter["resubmittable"]) == ("script", "broken", False)
        assert (await http.delete(f"{letters}/{letter['id']}")).status_code == 200
        assert stored(server, "HW_DEAD") == 0
        server.kill()
        server.restart()
        await asyncio.to_thread(server.wait_ready)
        assert await holds(lambda: accepted(http, one), 20)
        assert len((await http.get(f"{one.service.url}/api/v1/tasks/{large}/result")).json()) == 600_000
        after = await submit(http, two, "check", {})
        assert (await end_of(http, one, after))["status"] == "completed"
        assert len((await http.get(f"{one.service.url}/api/v1/tasks")).json()["tasks"]) >= 2  # reads many logs at once
        assert await holds(lambda: stored(server, "HW_DELETIONS") == 1, 5)  # the task of `large` has a retention
        assert (await http.delete(f"{two.service.url}/api/v1/tasks/{large}")).status_code == 202
        assert await holds(lambda: stored(server, "HW_DELETIONS") == 0, 10)
        assert stored(server, "OBJ_hw_results") == 0
        # A job that is delivered late has its task removed again.
        await client.jetstream().publish(f"hw.job.script.{large}", b'{"task":"%b","kind":"script"}' % large.encode())
        await client.close()
        assert server.violations() == []
        assert await holds(lambda: unused(server) == UNUSED, 10), unused(server)
        rung(
            "pods: large results, dead letters and a restart",
            violations=0,
            grants_unused=sum(map(len, UNUSED.values())),
        )


async def accepted(http, pod):
    """Whether a task is accepted: NATS is reachable again."""
    return (await http.post(f"{pod.service.url}/api/v1/tasks", json={"kind": "check", "params": {}})).status_code == 202


FORBIDDEN = [
    ("streamer", "_INBOX_headway_streamer", "$JS.API.STREAM.DELETE.HW_EVENTS"),
    ("streamer", "_INBOX_headway_streamer", "$JS.ACK.HW_JOBS.crawl.1.1.1.1.0"),
    ("streamer", "_INBOX_headway_streamer", "$KV.hw_kinds.crawl"),
    ("streamer", "_INBOX_headway_streamer", "$KV.hw_processors.p1"),
    ("processor", "_INBOX_processor", "$JS.API.STREAM.DELETE.HW_EVENTS"),
    ("streamer", "_INBOX_headway_streamer", "hw.live.t1"),  # what is stored is shown by the server alone
    ("processor", "_INBOX_processor", "hw.live.t1"),
    ("reporter", "_INBOX_reporter", "hw.job.crawl.t1"),
    ("reporter", "_INBOX_reporter", "$O.hw_results.M.t1"),
    ("reporter", "_INBOX_reporter", "$O.hw_files.M.t1"),
    ("processor", "_INBOX_processor", "$O.hw_files.C.t1"),
    ("reporter", "_INBOX_reporter", "hw.live.t1"),
]


@pytest.mark.security
async def test_no_account_may_do_what_its_service_does_not_do(objects, tmp_path, rung):
    with run_pods(objects, tmp_path, streamers=1) as (server, _, _):
        for user, inbox, subject in FORBIDDEN:
            password = server.environment[f"{user.upper()}_PASSWORD"]
            client = await nats.connect(
                f"nats://127.0.0.1:{server.port}", user=user, password=password, inbox_prefix=inbox
            )
            await client.publish(subject, b"{}")
            await client.flush()
            await client.close()
        assert await holds(lambda: len(server.violations()) == len(FORBIDDEN), 5)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b'CONNECT {"verbose":false}\r\nPING\r\n')
        assert b"Authorization Violation" in await reader.read()  # nobody without a name
        writer.close()
        await writer.wait_closed()
        rung("pods: what accounts must not do", refused=len(server.violations()))


async def replace_one(http, streamers, address, say):
    """Watchers of six tasks, while the first of two streamers ends as in a rollout.

    With access control every second one has its stream token in the query, as an EventSource has.
    """
    one, two = streamers
    steps = [{"name": "count", "seconds": 12, "ticks": 120}]
    tasks = [await submit_for_browsers(http, two, "script", {"steps": steps}) for _ in range(6)]
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=None)) as browser:
        watchers = [
            Watcher(browser, address, task, token) if token and place % 2 else Watcher(http, address, task)
            for place, (task, token) in enumerate(tasks * (WATCHERS // 6))
        ]
        await watch_a_replacement(watchers, one, say)


async def watch_a_replacement(watchers, one, say):
    """The watchers see all events and no error while `one` ends."""
    running = [asyncio.ensure_future(watcher.follow()) for watcher in watchers]
    assert await holds(lambda: all(watcher.reader.log for watcher in watchers), 40)
    one.in_service = False  # what the cluster does: a pod that ends gets no new connections
    code, seconds = await one.end()
    await asyncio.gather(*running)
    counts = count(watchers)
    say(**counts, seconds_to_exit=f"{seconds:.1f}")
    assert code == 0
    assert [counts[name] for name in NONE_OF] == [0] * len(NONE_OF)
    assert counts["goodbyes"] > WATCHERS // 4


@pytest.mark.faults
async def test_a_streamer_that_is_replaced_costs_no_event(objects, http, tmp_path, rung):
    with run_pods(objects, tmp_path) as (server, _, streamers):
        for pod in streamers:
            pod.in_service = True
        rng = random.Random(7)

        def address():
            return rng.choice([pod for pod in streamers if pod.in_service]).service.url

        await replace_one(http, streamers, address, partial(rung, "pods: a streamer leaves"))
        assert server.violations() == []


@pytest.mark.faults
@pytest.mark.needs("nginx", "haproxy")
async def test_a_streamer_that_is_replaced_behind_proxies_costs_no_event_with_tokens(http, tmp_path, rung):
    objects = [*installed(tmp_path, **MODES["jwt"]), *secrets()]
    http.headers["Authorization"] = f"Bearer {TOKEN}"
    with run_pods(objects, tmp_path) as (server, _, streamers), proxies.run_proxies(streamers, tmp_path) as fronts:
        rng = random.Random(7)
        say = partial(rung, "pods: a streamer leaves, behind proxies, with tokens")
        await replace_one(http, streamers, lambda: rng.choice(fronts).url, say)
        assert server.violations() == []


async def test_the_command_of_helm_test_ends_well(objects, tmp_path, rung):
    with run_pods(objects, tmp_path, streamers=1) as (_, _, (streamer,)):
        (done,) = await asyncio.to_thread(
            run_to_end, objects, tmp_path, ("http://demo-streamer:80", streamer.service.url)
        )
        assert done.returncode == 0, done.stdout + done.stderr
        rung("pods: the command of helm test", exit_code=done.returncode)
