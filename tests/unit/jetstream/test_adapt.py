"""Adapting the streams: what is asked of the server, and what its answers mean."""

import asyncio
import json
from types import SimpleNamespace

import nats.errors
import pytest

from headway.errors import UnavailableError
from headway.jetstream import adapt as module
from headway.jetstream.adapt import adapt, adapt_patiently
from headway.jetstream.connection import NatsSettings
from headway.jetstream.grants import created_streams
from headway.jetstream.provision import streams
from headway.subjects import Names

NAMES = Names("hw")
MIB = 1024 * 1024
MISSING = {"error": {"code": 404, "err_code": 10059}}


class Api:
    """The API of JetStream: configurations by stream. `refusals` answer the updates of streams."""

    def __init__(self, limit_bytes=-1):
        settings = NatsSettings()
        self.configs = {str(config.name): config.as_dict() for config in streams(NAMES, settings)}
        self.account = {"storage": 0, "limits": {"max_storage": limit_bytes}}
        self.refusals = {}
        self.updates = []
        self.failing = []

    async def request(self, subject, data, timeout):
        if self.failing:
            raise self.failing.pop(0)
        call = subject.removeprefix("$JS.API.")
        if call == "INFO":
            return self._answer(self.account)
        stream = call.rpartition(".")[2]
        if ".UPDATE." in call:
            self.updates.append(stream)
            self.configs[stream] = json.loads(data)
            return self._answer(self.refusals.get(stream, {}))
        config = self.configs.get(stream)
        return self._answer(MISSING if config is None else {"config": config})

    @staticmethod
    def _answer(content):
        return SimpleNamespace(data=json.dumps(content).encode())


@pytest.fixture
def api():
    return Api()


def states(outcomes):
    return {outcome.stream: outcome.state for outcome in outcomes}


async def test_streams_that_are_as_wanted_are_left_alone(api):
    assert states(await adapt(api, NAMES, NatsSettings())) == dict.fromkeys(created_streams(NAMES), "unchanged")
    assert api.updates == []


async def test_what_differs_is_changed_and_a_second_run_changes_nothing(api):
    settings = NatsSettings(replicas=3, max_jobs=5)
    assert set(states(await adapt(api, NAMES, settings)).values()) == {"changed"}
    assert {config["num_replicas"] for config in api.configs.values()} == {3}
    assert api.configs["HW_JOBS"]["max_msgs"] == 5
    assert set(states(await adapt(api, NAMES, settings)).values()) == {"unchanged"}
    assert len(api.updates) == len(created_streams(NAMES))


async def test_a_dry_run_says_the_same_and_changes_nothing(api):
    planned = await adapt(api, NAMES, NatsSettings(replicas=3), dry_run=True)
    assert api.updates == []
    assert planned == await adapt(api, NAMES, NatsSettings(replicas=3))


async def test_a_missing_stream_is_left_to_processors(api):
    del api.configs["HW_DEAD"]
    assert states(await adapt(api, NAMES, NatsSettings()))["HW_DEAD"] == "missing"


async def test_what_the_server_refuses_is_reported_and_the_others_are_changed(api):
    error = {"code": 500, "err_code": 10074, "description": "replicas > 1 not supported in non-clustered mode"}
    api.refusals["KV_hw_tasks"] = {"error": error}
    outcomes = await adapt(api, NAMES, NatsSettings(replicas=3))
    (refused,) = [outcome for outcome in outcomes if outcome.refused]
    assert refused.stream == "KV_hw_tasks"
    assert "num_replicas 1 → 3: NATS refuses: replicas > 1 not supported" in refused.detail
    assert len(api.updates) == len(outcomes)


async def test_what_deletes_is_refused_before_the_server_is_asked(api):
    api.configs["HW_EVENTS"]["max_age"] *= 5
    assert states(await adapt(api, NAMES, NatsSettings()))["HW_EVENTS"] == "refused"
    assert api.updates == []
    assert states(await adapt(api, NAMES, NatsSettings(), allow_deletion=True))["HW_EVENTS"] == "changed"


@pytest.mark.parametrize(("limit_bytes", "expected"), [(80 * MIB, 20 * MIB), (2 * MIB, 5 * MIB), (-1, 64 * MIB)])
async def test_jobs_reserve_at_most_a_quarter_of_what_the_account_has_left(limit_bytes, expected):
    api = Api(limit_bytes)
    api.configs["HW_JOBS"]["max_bytes"] = 5 * MIB
    await adapt(api, NAMES, NatsSettings(max_jobs_bytes=64 * MIB))
    assert api.configs["HW_JOBS"]["max_bytes"] == expected


@pytest.mark.parametrize("error", [{"code": 503, "err_code": 10008}, {"code": 503, "err_code": 10039}])
async def test_temporary_answers_are_no_refusals(api, error):
    api.refusals["HW_EVENTS"] = {"error": error}
    with pytest.raises(UnavailableError):
        await adapt(api, NAMES, NatsSettings(replicas=3))


@pytest.fixture
def connection(api, monkeypatch):
    """The connection that `adapt_patiently` opens: to `api`."""

    class Opened:
        def __init__(self, settings, name):
            assert name == "operator"
            self.client, self.names, self.closed = api, NAMES, False
            api.last_error = "no route"
            opened.append(self)

        async def open(self):
            await api.opening.wait()

        async def close(self):
            self.closed = True

    opened = []
    api.opening = asyncio.Event()
    monkeypatch.setattr(module, "Connection", Opened)
    return opened


@pytest.mark.looptime
async def test_it_is_repeated_until_nats_answers(api, connection):
    api.opening.set()
    api.failing = [nats.errors.NoRespondersError()] * 5
    assert len(await adapt_patiently(NatsSettings(), seconds=60)) == len(created_streams(NAMES))
    assert [one.closed for one in connection] == [True]


@pytest.mark.looptime
async def test_the_last_reason_is_reported_when_the_time_is_over(api, connection):
    with pytest.raises(UnavailableError, match="within 3 s: no route"):
        await adapt_patiently(NatsSettings(), seconds=3)
    api.opening.set()
    api.failing = [nats.errors.NoRespondersError()] * 99
    with pytest.raises(UnavailableError, match=r"within 3 s: .*NoResponders"):
        await adapt_patiently(NatsSettings(), seconds=3)
    assert [one.closed for one in connection] == [True, True]
