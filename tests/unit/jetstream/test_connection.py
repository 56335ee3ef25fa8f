"""How to reach NATS, as far as it can be told without reaching it."""

import pytest

from headway.errors import InvalidNameError, SettingsError
from headway.jetstream.connection import MIN_RETENTION_SECONDS, Connection, NatsSettings
from headway.outbox import REFRESH_SECONDS
from headway.service.settings import load


class Unprintable(Exception):
    def __repr__(self):
        raise RuntimeError("no text for this one")


def test_without_variables_nats_is_on_this_machine_and_needs_nocredentials():
    settings = load(NatsSettings, "HEADWAY_NATS_", {})
    assert settings.url == "nats://127.0.0.1:4222"
    assert settings.namespace == "hw"


def test_every_field_is_set_by_its_variable():
    environ = {
        "HEADWAY_NATS_URL": "nats://a:1,nats://b:2",
        "HEADWAY_NATS_NAMESPACE": "team",
        "HEADWAY_NATS_USER": "u",
        "HEADWAY_NATS_PASSWORD": "123",
        "HEADWAY_NATS_REPLICAS": "3",
    }
    assert load(NatsSettings, "HEADWAY_NATS_", environ) == NatsSettings(
        url="nats://a:1,nats://b:2", namespace="team", user="u", password="123", replicas=3
    )


@pytest.mark.parametrize(("name", "seconds"), [("RETENTION", "172799"), ("RETENTION", "0"), ("DEAD_RETENTION", "0")])
def test_a_retention_shorter_than_a_task_may_be_silent_is_refused(name, seconds):
    with pytest.raises(SettingsError, match=f"HEADWAY_NATS_{name}_SECONDS must be"):
        load(NatsSettings, "HEADWAY_NATS_", {f"HEADWAY_NATS_{name}_SECONDS": seconds})


def test_a_running_task_reports_more_often_than_the_shortest_retention():
    assert MIN_RETENTION_SECONDS >= 2 * REFRESH_SECONDS


@pytest.mark.parametrize("namespace", ["", "HW", "hw.x", "hw*"])
async def test_a_namespace_that_cannot_stand_in_a_subject_is_refused_before_connecting(namespace):
    with pytest.raises(InvalidNameError):
        Connection(NatsSettings(namespace=namespace), "test")


async def test_the_error_callback_never_raises(caplog):
    connection = Connection(NatsSettings(), "test")
    await connection._on_error(OSError("gone"))
    await connection._on_error(Unprintable())
    assert [record.action for record in caplog.records] == ["nats_error"]


async def test_callbacks_are_called_after_a_reconnect():
    connection = Connection(NatsSettings(), "test")
    told = []
    connection.on_reconnect += [lambda: told.append(1), lambda: told.append(2)]
    await connection._on_reconnect()
    assert told == [1, 2]


async def test_a_client_that_has_ended_for_good_is_seen(caplog):
    connection = Connection(NatsSettings(), "test")
    assert not connection.connected
    assert not connection.closed.is_set()
    await connection._on_closed()
    assert connection.closed.is_set()
    assert [record.action for record in caplog.records] == ["nats_closed"]


async def test_closing_what_was_never_open_is_quiet(caplog):
    connection = Connection(NatsSettings(), "test")
    await connection.close()
    assert connection.closed.is_set()
    assert not caplog.records


@pytest.mark.security
def test_settings_show_no_password(tmp_path):
    settings = NatsSettings(url="nats://u:zqsecret@h", user="u", password="zqother")
    assert "zq" not in repr(settings)
    assert settings.secrets == ("zqsecret", "zqother")
    (tmp_path / "password").write_text("zqthird\n")
    assert NatsSettings(user="u", password_file=str(tmp_path / "password")).secrets == ("zqthird",)
    with pytest.raises(SettingsError, match="URL 1 is not one of NATS"):
        load(NatsSettings, "HEADWAY_NATS_", {"HEADWAY_NATS_URL": "nats://u:zq#secret@h"})
