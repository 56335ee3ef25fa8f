"""The services on a NATS of one's own: what is rendered for it works on the real one."""

import asyncio
import json
from contextlib import AsyncExitStack, ExitStack

import pytest

from headway.eventlog.jetstream_log import JetStreamLog
from headway.jetstream.connection import Connection, NatsSettings
from headway.jetstream.job_queue import JetStreamJobQueue
from headway.jetstream.provision import ensure_patiently
from headway.records import JobMessage
from tests.charts.browsers import end_of, submit
from tests.charts.external import Certificates, Cluster, by_creds, by_nkey, secret, start_node
from tests.charts.helm import merged, render, values
from tests.charts.pods import start_services
from tests.fixtures.condition import holds


@pytest.mark.security
@pytest.mark.parametrize(("auth", "make", "verify"), [("creds", by_creds, True), ("nkey", by_nkey, False)])
async def test_credentials_and_tls_reach_a_nats_of_ones_own(auth, make, verify, http, tmp_path, rung):
    certificates = Certificates(tmp_path)
    accounts, files = make()
    nats = {"auth": auth, "tls": {"clientCertificate": verify}}
    given = merged(values("external-nats"), {"processor": {"nats": nats}, "streamer": {"nats": nats}})
    objects = [*render(given=given), secret("headway-nats", files), secret("nats-tls", certificates.secret)]
    with ExitStack() as stack:
        node = start_node(tmp_path, "nats", accounts | certificates.configuration(verify=verify))
        stack.callback(node.kill)
        node.wait_ready()
        _, (streamer,) = start_services(objects, node.url, tmp_path, stack, streamers=1)
        task = await submit(http, streamer, "check", {})
        assert (await end_of(http, streamer, task))["status"] == "completed"
        assert node.violations() == []
        rung(f"pods: a NATS of one's own, TLS and {auth}", tasks=1, client_certificates=verify, violations=0)


async def opened(url, user, password, name):
    """A connection as a service opens it."""
    connection = Connection(NatsSettings(url=url, user=user, password=password), name)
    await connection.open()
    return connection


@pytest.mark.security
async def test_beats_cross_nodes_and_a_consumer_that_pushes_reaches_no_log(tmp_path, security_figures):
    async with AsyncExitStack() as stack:
        cluster = Cluster(tmp_path)
        for node in cluster.nodes.values():
            stack.callback(node.kill)
        for node in cluster.nodes.values():
            await asyncio.to_thread(node.wait_ready)
        inboxes = {"streamer": "headway-streamer", "processor": "processor", "reporter": "reporter"}
        services = {}
        for node, (role, name) in zip(cluster.nodes.values(), inboxes.items(), strict=True):
            services[role] = await opened(node.url, cluster.users[role], cluster.passwords[role], name)
            stack.push_async_callback(services[role].close)
        logs = {role: JetStreamLog(service.client, service.names) for role, service in services.items()}
        processor, names = services["processor"].client, services["processor"].names
        await ensure_patiently(processor.jetstream(), names, NatsSettings(replicas=3))
        beats, live = {"streamer": [], "processor": []}, []
        for role, heard in beats.items():
            await logs[role].subscribe_beats("t1", heard.append)
        await logs["streamer"].subscribe("t1", lambda *message: live.append(message))

        async def beat():
            for role, log in logs.items():
                await log.beat("t1", role.encode())
            return {len(set(heard)) for heard in beats.values()} == {2, 3}

        assert await holds(beat, 20)
        assert set(beats["processor"]) == {b"streamer", b"processor"}
        config = {"deliver_subject": names.live("t1"), "ack_policy": "explicit", "filter_subject": names.jobs_of("k")}
        body = json.dumps({"stream_name": names.jobs_stream, "config": config | {"durable_name": "k", "name": "k"}})
        subject = f"$JS.API.CONSUMER.CREATE.{names.jobs_stream}.k.{names.jobs_of('k')}"
        created = json.loads((await processor.request(subject, body.encode(), timeout=5)).data)
        assert "error" not in created
        await JetStreamJobQueue(services["streamer"].client, names).put(JobMessage(task="t1", kind="k"))
        assert await holds(lambda: live, 10)
        assert {(seq, prev) for seq, prev, _ in live} == {(0, 0)}
        assert all(node.violations() == [] for node in cluster.nodes.values())
        security_figures(1, "three nodes: a job pushed to a live subject", received=len(live), effects=0)
