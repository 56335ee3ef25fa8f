"""Other passwords of NATS, while streams are watched and tasks submitted."""

import asyncio
import json

import pytest

from tests.charts.api_server import run_api_server
from tests.charts.browsers import NONE_OF, count, watching
from tests.charts.helm import CHARTS, merged
from tests.charts.restarts import Submissions, run_behind_service

pytestmark = pytest.mark.security
STEPS = [{"name": "count", "seconds": 10, "ticks": 100}]
GIVEN = {
    "processor": {"tasks": ["headway_kinds.script"], "config": {"builtinKinds": ["check"]}},
    "nats": {"jetstream": {"size": "2Gi"}},
}


async def lets_in(server, user, password):
    """Whether the server accepts a password."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"CONNECT %s\r\nPING\r\n" % json.dumps({"user": user, "pass": password, "verbose": False}).encode())
    await reader.readline()  # INFO
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return answer == b"PONG\r\n"


@pytest.mark.slow
async def test_passwords_of_the_bundled_nats_are_changed_beneath_running_services(http, tmp_path, chart_figures):
    with run_api_server() as (cluster, helm):

        def upgrade(**auth):
            helm.upgrade(str(CHARTS / "headway"), "demo", merged(GIVEN, {"nats": {"auth": auth}}))
            return cluster.listed()

        helm.install(str(CHARTS / "headway"), "demo", GIVEN)
        async with (
            run_behind_service(cluster.listed(), tmp_path) as (pod, processor, streamers),
            watching(http, streamers, STEPS, 20) as watchers,
        ):
            services = [processor, *streamers]
            pids = [service.service.pid for service in services]
            old = cluster.secret("demo-nats-accounts")["streamer-password"]
            assert await lets_in(pod.server, "streamer", old)
            submissions, refused = Submissions(http, streamers), {}
            async with submissions.running():
                await submissions.longest()
                objects = await asyncio.to_thread(upgrade, rotation=2)
                await pod.replace(objects)  # the kubelet writes the files some time later
                refused["both accepted"] = await submissions.longest()
                for service in services:
                    service.update_secrets(objects)
                await pod.replace(await asyncio.to_thread(upgrade, rotation=2, revocation=2))
                refused["previous revoked"] = await submissions.longest()
                assert not await lets_in(pod.server, "streamer", old)
                objects = await asyncio.to_thread(upgrade, rotation=3, revocation=3)
                await pod.replace(objects)
                for service in services:
                    service.update_secrets(objects)
                refused["at once"] = await submissions.longest()
        assert [service.service.pid for service in services] == pids
        assert set(submissions.statuses) <= {202, 503}
        counts = count(watchers)
        say = {name: f"{seconds:.1f} s" for name, seconds in refused.items()}
        chart_figures(1, "other passwords of the bundled NATS", **counts, restarts_of_services=0, **say)
        assert [counts[name] for name in NONE_OF] == [0] * len(NONE_OF)
        assert max(refused.values()) < 10
