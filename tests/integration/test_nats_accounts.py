"""The accounts of NATS against a stolen password: everything that it may publish, and every reply to that."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager

import nats.errors
import pytest

from headway import codec
from headway.errors import CancelRequestedError
from headway.eventlog.chain import Chain, read_head
from headway.eventlog.follow import follow
from headway.eventlog.jetstream_log import JetStreamLog
from headway.events import Cancel, Progress
from headway.jetstream import provision
from headway.jetstream.accounts import Literal, User, accounts, permissions
from headway.jetstream.broadcast import Broadcast
from headway.jetstream.connection import NatsSettings
from headway.jetstream.grants import created_streams, operator, roles
from headway.jetstream.kv import Bucket
from headway.jetstream.nats_config import render
from headway.subjects import Names
from headway.testing import progress
from tests.fixtures.condition import holds
from tests.fixtures.nats import run_nats
from tests.fixtures.nats_attacks import (
    KIND,
    TASK,
    allowed,
    buckets,
    calls,
    data,
    every_publish,
    every_reply,
    login,
    matches,
    state_of,
)

pytestmark = pytest.mark.security
OWN, OTHER = Names("hw"), Names("hw2")
SERVER = "jetstream { max_file_store: 400MB }\nmax_payload: 1MB\nmax_control_line: 16KB\n"
ROLES = {role.name: role for role in roles(OWN)}


def user(names, role):
    return User(f"{names.namespace}_{role}", Literal(f"pw_{names.namespace}_{role}"))


def generated():
    """The configuration of two namespaces, each with an administrator."""
    found = {}
    for names in (OWN, OTHER):
        users = {role: (user(names, role),) for role in (*ROLES, "operator")}
        found |= accounts(names, users, max_file="150MB", admin=user(names, "admin"))
    return SERVER + render({"accounts": found})


OLD = {
    "processor": ["hw.ev.*", "$JS.API.CONSUMER.CREATE.HW_JOBS.>", "$JS.API.DIRECT.GET.HW_EVENTS", "$KV.hw_kinds.>"],
    "streamer": ["hw.ev.*", "hw.job.*.*", "$JS.API.DIRECT.GET.HW_EVENTS", "$KV.hw_tasks.>"],
}
"""What permissions without accounts allowed, as far as it is tried here."""


def old_style():
    """The control: users with permissions in the one account that holds the streams of both namespaces."""
    inbox = {"subscribe": {"allow": ["_INBOX.>", "hw.live.*", "hw.beat.*"]}}
    users = [{"user": f"{names.namespace}_admin", "password": f"pw_{names.namespace}_admin"} for names in (OWN, OTHER)]
    for role, subjects in OLD.items():
        rights = {"publish": {"allow": subjects}} | inbox
        users.append({"user": f"hw_{role}", "password": f"pw_hw_{role}", "permissions": rights})
    return SERVER + render({"accounts": {"ALL": {"jetstream": "enabled", "users": users}}})


class Server:
    """A server with the streams of both namespaces and something in each of them."""

    def __init__(self, url, stack):
        self.url, self._stack = url, stack
        self.admins = {}

    async def prepare(self):
        for names in (OWN, OTHER):
            admin = self.admins[names] = await self.login(names, "admin")
            js = admin.jetstream()
            await provision.ensure(js, names, NatsSettings(max_jobs_bytes=1024 * 1024))
            await js.add_consumer(
                names.jobs_stream, provision.job_consumer(names, KIND, ack_wait_seconds=600, concurrency=1)
            )
            await js.publish(f"{names.namespace}.ev.empty", b"")
            for subject in data(names):
                if ".live." not in subject and ".beat." not in subject:
                    # Of these a later message takes the place of an earlier one.
                    buckets = (names.kinds_bucket, names.processors_bucket, names.reporters_bucket, names.unique_bucket)
                    last_value = any(bucket in subject for bucket in buckets)
                    await js.publish(subject + "-seeded" * last_value, b'{"seeded":true}')

    async def login(self, names, role, inbox="_INBOX"):
        client = await login(self.url, f"{names.namespace}_{role}", inbox)
        self._stack.push_async_callback(client.close)
        return client

    async def settle(self):
        """Return when what was sent before is done: requests of the API wait in one queue."""
        for _ in range(3):
            for admin in self.admins.values():
                # A stream that an attack has given the subjects of the API acknowledges the request for a moment.
                while b"stream_names_response" not in (await admin.request("$JS.API.STREAM.NAMES", timeout=20)).data:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)

    async def states(self):
        return {names: await state_of(admin, names) for names, admin in self.admins.items()}

    async def heard(self, names):
        """Messages of the live and beat subjects of a namespace, as the services of each role receive them."""
        found = []

        async def on_message(message):
            found.append(message)

        for role in ROLES.values():
            client = await self.login(names, role.name, role.inbox)
            for subject in permissions(names, role)["subscribe"]["allow"][1:]:
                await client.subscribe(subject.replace("*", TASK), cb=on_message)
            await client.flush()
        return found


@asynccontextmanager
async def running(directory, config):
    async with AsyncExitStack() as stack:
        server = Server(stack.enter_context(run_nats(directory, config)).url, stack)
        await server.prepare()
        yield server


def written_by(role):
    """Streams to which the role may add."""
    return frozenset(
        stream
        for subject, stream in zip(list(data(OWN)), owners(OWN), strict=True)
        if stream and allowed(role, subject)
    )


def owners(names):
    """The stream of each subject of `data`, if any."""
    return [
        names.events_stream, names.jobs_stream, names.dead_stream, None, None,
        names.deletions_stream, names.deletions_stream,
        *(f"KV_{bucket}" for bucket in buckets(names)),
        *[f"OBJ_{names.results_bucket}"] * 2,
        *[f"OBJ_{names.files_bucket}"] * 2,
    ]  # fmt: skip


async def effects_of(server, role, attack):
    """How many messages `attack` sent, and what changed that the role may not change."""
    before, heard = await server.states(), await server.heard(OTHER)
    client = await server.login(OWN, role.name, role.inbox)
    sent = await attack(client, role, OWN, OTHER)
    await server.settle()
    after = await server.states()
    found = before[OWN].changes(after[OWN], written_by(role)) + before[OTHER].changes(after[OTHER])
    return sent, found + [f"{OTHER.namespace} received {message.subject}" for message in heard]


@pytest.mark.parametrize("role", ROLES.values(), ids=list(ROLES))
async def test_no_reply_subject_and_no_publish_reaches_what_a_role_may_not(role, tmp_path, security_figures):
    async with running(tmp_path, generated()) as server:
        replies, by_reply = await effects_of(server, role, every_reply)
        published, by_publish = await effects_of(server, role, every_publish)
        assert by_reply == by_publish == []
    security_figures(1, f"{role.name}: replies and publishes", vectors=replies + published, effects=0)


@pytest.mark.parametrize("name", OLD)
async def test_the_same_replies_destroy_with_permissions_alone(name, tmp_path, security_figures):
    role = ROLES[name]._replace(
        requests=tuple(r for r in ROLES[name].requests if any(matches(o, r.subject) for o in OLD[name]))
    )
    async with running(tmp_path, old_style()) as server:
        before = await server.states()
        client = await server.login(OWN, name)
        sent = await every_reply(client, role, OWN, OTHER)
        await server.settle()
        after = await server.states()
        found = before[OWN].changes(after[OWN], written_by(role)) + before[OTHER].changes(after[OTHER])
    assert any(OTHER.namespace in effect.lower() for effect in found)
    assert len(found) > 5
    security_figures(1, f"control, permissions alone, {name}", vectors=sent, effects=len(found))


async def request(client, subject, body):
    """The answer to a request, or None when nobody answers."""
    try:
        return json.loads((await client.request(subject, json.dumps(body).encode(), timeout=1)).data)
    except (nats.errors.TimeoutError, nats.errors.NoRespondersError):
        return None


async def pushing_consumers(client, role, names, other):
    """Consumers that deliver jobs to every forbidden subject, by every call that creates one. How many were tried."""
    places = [*calls(names), *data(names), *calls(other), *data(other)]
    sent = 0
    for number, place in enumerate(places):
        config = {"deliver_subject": place, "ack_policy": "explicit", "filter_subject": f"hw.job.push{number}.*"}
        for call, naming in (
            (f"CREATE.HW_JOBS.c{number}.hw.job.push{number}.*", {"name": f"c{number}"}),
            (f"DURABLE.CREATE.HW_JOBS.d{number}", {"durable_name": f"d{number}"}),
            ("CREATE.HW_JOBS", {}),
            (f"CREATE.HW_EVENTS.c{number}.hw.ev.*", {"name": f"c{number}"}),
        ):
            body = json.dumps({"stream_name": call.split(".")[-1], "config": config | naming}).encode()
            if call.startswith("CREATE.HW_JOBS.c"):
                body = json.dumps({"stream_name": "HW_JOBS", "config": config | naming}).encode()
            await client.publish(f"$JS.API.CONSUMER.{call}", body, reply=f"{role.inbox}.x")
            sent += 1
    await client.flush(timeout=30)
    return sent


async def test_a_consumer_that_pushes_delivers_to_nobody(tmp_path, security_figures):
    role = ROLES["processor"]
    async with running(tmp_path, generated()) as server:
        before = await server.states()
        heard = {names: await server.heard(names) for names in (OWN, OTHER)}
        client = await server.login(OWN, role.name, role.inbox)
        sent = await pushing_consumers(client, role, OWN, OTHER)
        places = [*calls(OWN), *data(OWN), *calls(OTHER), *data(OTHER)]
        js = server.admins[OWN].jetstream()
        assert await holds(lambda: has_consumers(js, len(places)), 10)
        for number in range(len(places)):
            await js.publish(
                f"hw.job.push{number}.t", b'{"n":1}', headers={"Nats-Sequence": "9", "Nats-Last-Sequence": "0"}
            )
        await asyncio.sleep(1)
        after = await server.states()
        # The consumers exist, with the jobs of kinds that only this processor has; nothing else has changed.
        found = before[OWN].changes(after[OWN], frozenset({OWN.jobs_stream}))
        assert [effect for effect in found if not effect.startswith("consumer HW_JOBS c")] == []
        assert before[OTHER].changes(after[OTHER]) == []
        assert heard[OTHER] == []
        # Whoever subscribes to the live subject receives the job, and sees that it is not stored in its log.
        assert len(heard[OWN]) == len(ROLES)
        assert [message for message in heard[OWN] if "Nats-Subject" in message.headers] == []
    jobs = len(heard[OWN])
    security_figures(1, "processor: consumers that push", vectors=sent, effects=0, jobs_on_live_subjects=jobs)


async def has_consumers(js, count):
    return len(await js.consumers_info(OWN.jobs_stream)) >= min(count, 200)


HOSTILE = [
    {"republish": {"src": ">", "dest": "$JS.API.STREAM.DELETE.HW_EVENTS"}},
    {"republish": {"src": ">", "dest": "hw.live.T"}},
    {"sources": [{"name": "HW_EVENTS"}]},
    {"mirror": {"name": "HW_EVENTS"}},
    {"sources": [{"name": "HW2_EVENTS", "external": {"api": "$JS.API", "deliver": "x"}}]},
    {"subjects": ["$JS.API.>"], "no_ack": True},
    {"subjects": ["hw.live.*"]},
    {"max_msgs": 1, "discard": "old"},
    {"max_age": 1_000_000_000},
]


@pytest.mark.parametrize("role", ROLES.values(), ids=list(ROLES))
async def test_no_role_creates_or_changes_a_stream(role, tmp_path, security_figures):
    tried = 0
    names = [*created_streams(OWN), *created_streams(OTHER), OWN.probe_stream, "NEW"]
    async with running(tmp_path, generated()) as server:
        before = await server.states()
        client = await server.login(OWN, role.name, role.inbox)
        for call, name, config in ((c, n, h) for c in ("CREATE", "UPDATE") for n in names for h in HOSTILE):
            body = {"name": name, "subjects": [f"hw.{name}"], "storage": "file"} | config
            await client.publish(f"$JS.API.STREAM.{call}.{name}", json.dumps(body).encode(), reply=f"{role.inbox}.x")
            tried += 1
        await client.flush()
        if role.name == "processor":
            answer = await request(client, "$JS.API.STREAM.CREATE.HW_EVENTS", {"name": "HW_EVENTS", "subjects": ["x"]})
            assert answer["error"]["err_code"] == 10058  # in use with another configuration
        await server.admins[OWN].request("$JS.API.INFO", b"")
        after = await server.states()
        assert [before[names].changes(after[names]) for names in (OWN, OTHER)] == [[], []]
        assert {info.config.name for info in await server.admins[OWN].jetstream().streams_info()} == set(
            created_streams(OWN)
        )
    security_figures(1, f"{role.name}: configurations of streams", vectors=tried, effects=0)


async def test_an_operator_reaches_nothing_of_another_namespace(tmp_path, security_figures):
    """In its own it may do what an update of a stream can do, such as deleting by a short age."""
    role, sent = operator(OWN), 0
    async with running(tmp_path, generated()) as server:
        before, heard = await server.states(), await server.heard(OTHER)
        client = await server.login(OWN, role.name, role.inbox)
        for attack in (every_reply, every_publish):
            sent += await attack(client, role, OWN, OTHER)
        await server.settle()
        after = await server.states()
        assert before[OWN].changes(after[OWN]) == []
        for name, config in ((n, h) for n in created_streams(OWN) for h in HOSTILE):
            body = {"name": name, "subjects": [f"hw.{name}"], "storage": "file"} | config
            await client.publish(f"$JS.API.STREAM.UPDATE.{name}", json.dumps(body).encode(), reply=f"{role.inbox}.x")
            sent += 1
        await client.flush()
        await server.settle()
        after = await server.states()
        assert before[OTHER].changes(after[OTHER]) == []
        assert heard == []
    security_figures(1, "operator: another namespace", vectors=sent, effects=0)


@pytest.mark.parametrize(
    ("name", "subject", "headers"),
    [
        ("streamer", "$KV.hw_tasks.T", {}),  # there is a record of this task
        ("reporter", "$KV.hw_tasks.T", {}),
        ("streamer", "$KV.hw_tasks.T", {"KV-Operation": "DEL"}),
        ("streamer", "$KV.hw_tasks.T", {"KV-Operation": "PURGE", "Nats-Rollup": "sub"}),
        ("streamer", "$KV.hw_tasks.new", {"Nats-Rollup": "all"}),
        ("reporter", "$KV.hw_tasks.new", {"Nats-Rollup": "all"}),
        ("processor", "$KV.hw_kinds.new", {"Nats-Rollup": "all"}),
        ("processor", "$O.hw_results.M.new", {"Nats-Rollup": "all"}),
        ("processor", "hw.dead.k.new", {"Nats-Rollup": "all"}),
        ("streamer", "hw.ev.new", {"Nats-Rollup": "all"}),
        ("reporter", "hw.ev.new", {"Nats-TTL": "1s"}),
        ("streamer", "hw.job.k.T", {}),  # this task has a job
        ("streamer", "$KV.hw_secrets.T", {}),
        ("streamer", "$KV.hw_secrets.T", {"KV-Operation": "PURGE", "Nats-Rollup": "sub"}),
        ("streamer", "$KV.hw_secrets.new", {"Nats-Rollup": "all"}),
        ("streamer", "$KV.hw_token_keys.T", {}),
        ("streamer", "$KV.hw_revocations.T", {}),
        ("streamer", "$KV.hw_revocations.T", {"Nats-TTL": "1"}),
        ("streamer", "$KV.hw_revocations.T", {"KV-Operation": "PURGE", "Nats-Rollup": "sub"}),
        ("streamer", "$KV.hw_token_keys.new", {"Nats-TTL": "never"}),
    ],
)
async def test_the_server_refuses_to_replace_what_is_stored(name, subject, headers, tmp_path):
    async with running(tmp_path, generated()) as server:
        before = await server.states()
        client = await server.login(OWN, name, ROLES[name].inbox)
        answer = json.loads((await client.request(subject, b"{}", headers=headers or None)).data)
        assert "error" in answer
        after = await server.states()
        assert before[OWN].changes(after[OWN]) == []


async def test_what_the_server_sends_to_a_live_subject_for_a_client_is_no_event(tmp_path, security_figures):
    """A reply ends in the account of the publisher, where other processes of its role receive it."""
    async with running(tmp_path, generated()) as server:
        role, got = ROLES["streamer"], []
        victim, thief = [await server.login(OWN, role.name, role.inbox) for _ in range(2)]
        await JetStreamLog(victim, OWN).subscribe(TASK, lambda *live: got.append(live))
        await victim.flush()
        await thief.jetstream().publish(
            "hw.ev.other", b"{}", headers={"Nats-Subject": f"hw.ev.{TASK}", "Nats-Sequence": "99"}
        )
        reads = [
            {"last_by_subj": "hw.ev.other"},
            {"next_by_subj": "hw.ev.other", "seq": 1, "batch": 1},
            {"multi_last": ["hw.ev.other"]},
        ]
        for read in reads:
            await thief.publish("$JS.API.DIRECT.GET.HW_EVENTS", json.dumps(read).encode(), reply=f"hw.live.{TASK}")
        await thief.publish("$JS.API.DIRECT.GET.KV_hw_tasks", b'{"seq":1}', reply=f"hw.live.{TASK}")
        assert await holds(lambda: len(got) >= 4, 5)
        assert {(seq, prev) for seq, prev, _ in got} == {(0, 0)}
        await thief.jetstream().publish(f"hw.ev.{TASK}", b"{}")
        assert await holds(lambda: got[-1][0] > 0, 5)  # what is stored arrives
    security_figures(1, "answers sent to a live subject", vectors=len(got) - 1, effects=0)


async def test_beats_reach_streamers_and_presence_reaches_processors_once(tmp_path):
    async with running(tmp_path, generated()) as server:
        got = {}
        clients = {}
        for name in ("streamer", "processor", "reporter"):
            clients[name] = await server.login(OWN, name, ROLES[name].inbox)
        for name in ("streamer", "processor"):
            heard = got[name] = []
            await JetStreamLog(clients[name], OWN).subscribe_beats(TASK, heard.append)
            await clients[name].flush()

        def heard_in(number):
            return {name: sorted(one for one in got[name] if one.endswith(b"%d" % number)) for name in got}

        for number in range(5):  # beats are not stored, and sent again and again: one may be lost, none comes twice
            for name, client in clients.items():
                await client.publish(f"hw.beat.{TASK}", b"%s %d" % (name.encode(), number))
                await client.flush()
            if await holds(lambda number=number: sum(map(len, heard_in(number).values())) >= 5, 3):
                break
        assert heard_in(number) == {
            "streamer": [b"%s %d" % (name, number) for name in (b"processor", b"reporter", b"streamer")],
            "processor": [b"%s %d" % (name, number) for name in (b"processor", b"streamer")],
        }


async def test_reports_on_limits_reach_streamers_of_the_namespace_and_nobody_else(tmp_path, security_figures):
    async with running(tmp_path, generated()) as server:
        clients = {"again": await server.login(OWN, "streamer", ROLES["streamer"].inbox)}
        for name, role in ROLES.items():
            clients[name] = await server.login(OWN, name, role.inbox)
        clients["foreign"] = await server.login(OTHER, "streamer", ROLES["streamer"].inbox)
        heard = {name: [] for name in clients}
        for name, client in clients.items():
            for names in (OWN, OTHER):
                await Broadcast(client, names.usage).subscribe(heard[name].append)
            await client.flush()

        def in_round(number):
            return {name: sorted(one for one in heard[name] if one.endswith(b"%d" % number)) for name in heard}

        for number in range(5):  # reports are not stored, and sent again each second: one may be lost
            for name, client in clients.items():
                for names in (OWN, OTHER):
                    await Broadcast(client, names.usage).publish(f"{name} on {names.namespace} {number}".encode())
                await client.flush()
            if await holds(lambda number=number: sum(map(len, in_round(number).values())) >= 5, 3):
                break
        expected = [b"%s on hw %d" % (name, number) for name in (b"again", b"streamer")]
        assert in_round(number) == {
            "again": expected,
            "streamer": expected,
            "foreign": [b"foreign on hw2 %d" % number],
            "processor": [],
            "reporter": [],
        }
        assert heard["processor"] == heard["reporter"] == []
        assert all(b" on hw2 " in one for one in heard["foreign"])
    security_figures(16, "reports of other roles and namespaces", sent=10, heard=0)


async def test_a_reporter_stores_and_follows_its_task_and_a_streamer_sees_it(tmp_path):
    async with running(tmp_path, generated()) as server:
        reporter, streamer = [await server.login(OWN, name, ROLES[name].inbox) for name in ("reporter", "streamer")]
        reports, shown, live = JetStreamLog(reporter, OWN), JetStreamLog(streamer, OWN), []
        await shown.subscribe("own", lambda seq, prev, payload: live.append(seq))
        await streamer.flush()
        assert await Bucket(reporter, OWN.tasks_bucket).create("own", b"{}")
        assert not await Bucket(reporter, OWN.tasks_bucket).create("own", b'{"again":1}')
        chain = Chain(reports, "own", attempt=1)
        await chain.begin(progress("processing"))
        followed = follow(reports, "own", chain.head.seq)
        await Chain(shown, "own", await read_head(shown, "own"), patient=False).append(Cancel(reason="enough"))
        assert codec.decode((await anext(followed)).payload, "own").reason == "enough"
        await followed.aclose()
        with pytest.raises(CancelRequestedError):
            await chain.append(progress("processing", 50.0))
        await chain.append(progress("cancelled"))
        assert [type(codec.decode(stored.payload)) for stored in await shown.read("own")] == [
            Progress,
            Cancel,
            Progress,
        ]
        assert await holds(lambda: len(live) == 3, 5)
        assert await Bucket(streamer, OWN.tasks_bucket).get("own") == b"{}"


@pytest.mark.parametrize("role", ROLES.values(), ids=list(ROLES))
async def test_each_request_has_one_answer(role, tmp_path):
    """The server does not answer beside the account that holds the streams."""
    async with running(tmp_path, generated()) as server:
        client, got = await server.login(OWN, role.name, role.inbox), []

        async def on_message(message):
            got.append(json.loads(message.data))

        await client.subscribe(f"{role.inbox}.x", cb=on_message)
        body = b'{"last_by_subj":"hw.ev.T"}'
        await client.publish("$JS.API.STREAM.MSG.GET.HW_EVENTS", body, reply=f"{role.inbox}.x")
        await server.settle()
        assert [answer["message"]["subject"] for answer in got] == ["hw.ev.T"]
