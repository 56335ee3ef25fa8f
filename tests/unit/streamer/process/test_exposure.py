"""The log says at the start who may use the streamer, and nobody is let in by accident."""

import logging

import pytest

from headway.errors import SettingsError
from headway_streamer.access.settings import AccessSettings
from headway_streamer.process.exposure import check_exposure, log_exposure

pytestmark = pytest.mark.security
NONE = AccessSettings()
ALLOWED = AccessSettings(allow_anonymous=True)
JWT = AccessSettings(access="jwt", jwt_secret="s" * 32)


@pytest.mark.parametrize(
    ("address", "level", "who"),
    [
        ("127.0.0.1", logging.INFO, "everybody on this machine may submit, read and cancel"),
        ("::1", logging.INFO, "everybody on this machine"),
        ("0.0.0.0", logging.WARNING, "anybody who reaches the public port may submit, read and cancel"),
        ("::", logging.WARNING, "anybody who reaches the public port"),
        ("10.1.2.3", logging.WARNING, "anybody who reaches the public port"),
    ],
)
def test_listening_beyond_loopback_without_access_control_is_a_warning(address, level, who, caplog):
    caplog.set_level(logging.INFO)
    log_exposure(address, ALLOWED)
    (record,) = caplog.records
    assert (record.levelno, record.address, record.action) == (level, address, "access_control")
    assert "there is no access control" in record.message
    assert who in record.message


def test_the_log_says_that_access_control_is_on(caplog):
    caplog.set_level(logging.INFO)
    log_exposure("0.0.0.0", JWT)
    (record,) = caplog.records
    assert (record.levelno, record.mode) == (logging.INFO, "jwt")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "streamer.example"])
def test_everybody_is_let_in_from_elsewhere_only_on_purpose(host):
    with pytest.raises(SettingsError, match="ALLOW_ANONYMOUS"):
        check_exposure(host, NONE)
    check_exposure(host, ALLOWED)
    check_exposure(host, JWT)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.9"])
def test_on_this_machine_no_setting_is_needed(host):
    check_exposure(host, NONE)
