"""The command `headway-streamer`."""

import pytest

from headway_streamer import __main__ as command
from headway_streamer.process import run as process


@pytest.fixture
def ran(monkeypatch):
    found = []
    monkeypatch.setattr(process, "run", lambda settings, access, nats: found.append((settings, access, nats)) or 0)
    return found


def test_settings_come_from_the_environment(ran):
    environment = {
        "HEADWAY_STREAMER_PORT": "8100",
        "HEADWAY_STREAMER_CLAIM_OWNER": "email",
        "HEADWAY_NATS_NAMESPACE": "other",
    }
    assert command.start([], environment) == 0
    ((settings, access, nats),) = ran
    assert (settings.port, access.claim_owner, nats.namespace) == (8100, "email", "other")


def test_an_invalid_setting_is_one_line(ran, capsys):
    assert command.start([], {"HEADWAY_STREAMER_WORKERS": "0"}) == 2
    assert capsys.readouterr().err == "headway-streamer: HEADWAY_STREAMER_WORKERS must be at least 1\n"
    assert ran == []


def test_a_port_in_use_is_one_line(monkeypatch, capsys):
    def refuse(settings, access, nats):
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(process, "run", refuse)
    assert command.start([], {}) == 2
    assert "Set HEADWAY_STREAMER_PORT." in capsys.readouterr().err


def test_the_exit_code_is_that_of_the_streamer(monkeypatch, ran):
    monkeypatch.setattr(command.sys, "argv", ["headway-streamer"])
    monkeypatch.setattr(command.os, "environ", {})
    with pytest.raises(SystemExit) as caught:
        command.main()
    assert caught.value.code == 0
