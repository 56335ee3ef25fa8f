"""Three nodes of NATS, with deploy/nats: a death, other passwords, a backup."""

import asyncio
import os
import subprocess
from contextlib import ExitStack

import pytest
import yaml

from tests.charts.browsers import NONE_OF, Watcher, count, end_of, submit, watching
from tests.charts.external import ROLES, Cluster
from tests.charts.helm import merged, render, values
from tests.charts.pods import Pod, path_of_the_image, start_services
from tests.charts.restarts import Submissions
from tests.fixtures.condition import holds
from tests.fixtures.pages import ROOT
from tests.fixtures.sse import Reader

pytestmark = pytest.mark.faults


GIVEN = {
    "processor": {"tasks": ["headway_kinds.script"], "replicaCount": 1, "config": {"builtinKinds": ["check"]}},
    "streamer": {"drain": {"preStopSeconds": 1, "windowSeconds": 3}},
}
TICKS = [{"name": "count", "seconds": 10, "ticks": 100}]


def objects_for(cluster):
    """What the chart renders for three nodes, with the secret that an operator makes."""
    given = yaml.safe_load((ROOT / "deploy" / "nats" / "values-headway.yaml").read_text())
    return [*render(given=merged(given, GIVEN)), cluster.secret()]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with ExitStack() as stack:
        cluster = Cluster(tmp_path_factory.mktemp("cluster"))
        stack.callback(cluster.kill)
        cluster.wait_ready()
        yield cluster


def test_the_services_name_the_pods_that_the_official_chart_makes(chart_figures):
    """Release `nats`: the StatefulSet has its name, and the Service of its pods has `-headless` after it."""
    pods = {f"nats://nats-{n}.nats-headless:4222" for n in range(3)}
    for given in (yaml.safe_load((ROOT / "deploy" / "nats" / "values-headway.yaml").read_text()), values("ha")):
        named = given["global"]["nats"]["url"].split(",")
        assert set(named) == pods
    chart_figures(8, "hosts of the services on three nodes", named=len(pods), unknown=0)


async def test_a_node_dies_while_the_streamers_are_replaced(cluster, http, tmp_path, chart_figures):
    objects = objects_for(cluster)
    with ExitStack() as stack:
        _, olds = await asyncio.to_thread(start_services, objects, cluster.url, tmp_path, stack)
        pods = list(olds)
        tasks = [await submit(http, olds[0], "script", {"steps": TICKS}) for _ in range(4)]
        watchers = [Watcher(http, lambda n=n: pods[n % len(pods)].service.url, tasks[n % 4]) for n in range(40)]
        running = [asyncio.ensure_future(watcher.follow()) for watcher in watchers]
        assert await holds(lambda: all(len(watcher.reader.log) > 2 for watcher in watchers), 20)
        leader = cluster.nodes[cluster.leader_of("HW_EVENTS")]
        for number, old in enumerate(olds):
            new = Pod(objects, "demo-streamer", cluster.url, tmp_path, replica=3 + number)
            stack.callback(new.service.kill)
            await asyncio.to_thread(new.start)
            pods[number] = new
            ending = asyncio.ensure_future(old.end())
            if number == 0:
                await asyncio.sleep(1.5)  # the first streamer ends its streams by now
                leader.kill()
            code, _ = await ending
            assert code == 0
        await asyncio.gather(*running)
        leader.restart()
        await asyncio.to_thread(cluster.wait_ready)
    counts = count(watchers)
    chart_figures(23, "the leader killed while two streamers are replaced", **counts)
    assert [counts[name] for name in NONE_OF] == [0] * len(NONE_OF)
    assert all(watcher.reader.log[-1]["status"] == "completed" for watcher in watchers)
    assert all(node.violations() == [] for node in cluster.nodes.values())


@pytest.mark.security
async def test_passwords_of_three_nodes_are_changed_one_user_at_a_time(cluster, http, tmp_path, chart_figures):
    objects = objects_for(cluster)
    with ExitStack() as stack:
        processor, streamers = await asyncio.to_thread(start_services, objects, cluster.url, tmp_path, stack)
        async with watching(http, streamers, TICKS, 20) as watchers:
            submissions, refused = Submissions(http, streamers), {}
            async with submissions.running():
                await submissions.longest()
                new = {f"HW_{role.upper()}_2_PASSWORD": f"new-password-{role}" for role in ROLES}
                await cluster.restart(new)
                refused["unused users changed"] = await submissions.longest()
                cluster.users = {role: f"hw_{role}_2" for role in ROLES}
                cluster.passwords = {role: f"new-password-{role}" for role in ROLES}
                for pod in (processor, *streamers):
                    pod.update_secrets([*objects[:-1], cluster.secret()])
                await cluster.restart({f"HW_{role.upper()}_PASSWORD": "nobody" for role in ROLES})
                refused["former users closed"] = await submissions.longest()
    counts = count(watchers)
    say = {name: f"{seconds:.1f} s" for name, seconds in refused.items()}
    chart_figures(1, "other passwords of three nodes", **counts, restarts_of_services=0, **say)
    assert [counts[name] for name in NONE_OF] == [0] * len(NONE_OF)


def run(command, cluster, directory):
    """A command of the documentation, with the user that it names."""
    variables = {"HEADWAY_NATS_URL": cluster.url, "HEADWAY_NATS_USER": "hw_admin", "HEADWAY_NATS_PASSWORD": "pw-admin"}
    environment = {**os.environ, **path_of_the_image(), **variables}
    return subprocess.run(command.split(), cwd=directory, env=environment, check=True, capture_output=True, text=True)


async def test_a_backup_brings_everything_to_three_new_nodes(cluster, http, tmp_path, chart_figures, printed):
    saving, restoring = (command for block in printed for command in block.commands)
    with ExitStack() as stack:
        processor, (streamer, _) = await asyncio.to_thread(
            start_services, objects_for(cluster), cluster.url, tmp_path, stack
        )
        large = {"steps": [{"name": "a", "seconds": 0}], "result_bytes": 600_000}
        done = await submit(http, streamer, "script", large)
        assert (await end_of(http, streamer, done))["status"] == "completed"
        log = await log_of(http, streamer, done)
        code, _ = await processor.end()
        assert code == 0
        waiting = await submit(http, streamer, "check", {})
        saved = await asyncio.to_thread(run, saving, cluster, tmp_path)
    with ExitStack() as stack:
        (tmp_path / "other").mkdir()
        other = Cluster(tmp_path / "other")
        stack.callback(other.kill)
        await asyncio.to_thread(other.wait_ready)
        restored = await asyncio.to_thread(run, restoring, other, tmp_path)
        assert restored.stdout == saved.stdout
        _, (streamer, _) = await asyncio.to_thread(
            start_services, objects_for(other), other.url, tmp_path / "other", stack
        )
        assert await log_of(http, streamer, done) == log
        assert len((await http.get(f"{streamer.service.url}/api/v1/tasks/{done}/result")).json()) == 600_000
        assert (await end_of(http, streamer, waiting))["status"] == "completed"
        chart_figures(
            23,
            "a backup restored to three new nodes",
            streams=len(saved.stdout.splitlines()),
            events_missing=0,
            results_missing=0,
            jobs_run_afterwards=1,
        )


async def log_of(http, pod, task):
    """All events of a task that has ended."""
    reader = Reader(http)
    await reader.read(f"{pod.service.url}/api/v1/tasks/{task}/stream?merge=0")
    return reader.log
