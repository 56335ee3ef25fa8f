"""How many processes are run, and with which settings. What a process does is tested by integration tests."""

import pytest

from headway.errors import SettingsError
from headway.jetstream.connection import NatsSettings
from headway_streamer.access.settings import AccessSettings
from headway_streamer.process import run as module
from headway_streamer.settings import Settings


@pytest.fixture
def ran(monkeypatch):
    found = []
    monkeypatch.setattr(module, "run_one", lambda given: found.append(given) or 0)
    monkeypatch.setattr(module, "run_workers", lambda run, arguments: max(run(argument) for argument in arguments))
    return found


def test_one_process_runs_by_itself(ran):
    settings, access, nats = Settings(), AccessSettings(), NatsSettings()
    assert module.run(settings, access, nats) == 0
    assert ran == [(settings, access, nats)]


def test_keys_that_cannot_be_read_are_an_error_before_anything_runs(ran):
    with pytest.raises(SettingsError):
        module.run(Settings(), AccessSettings(access="jwt", jwt_secret="short"), NatsSettings())
    assert ran == []


@pytest.mark.parametrize(("ops_port", "expected"), [(9000, [9000, 9001, 9002]), (0, [0, 0, 0])])
def test_each_worker_has_its_own_name_and_ops_port(ran, ops_port, expected):
    module.run(Settings(workers=3, name="s", ops_port=ops_port), AccessSettings(), NatsSettings())
    assert [settings.ops_port for settings, _, _ in ran] == expected
    assert [settings.name for settings, _, _ in ran] == ["s-0", "s-1", "s-2"]
    assert {settings.port for settings, _, _ in ran} == {8000}
