"""The log says at the start who may use the streamer."""

import logging

import pytest

from headway_streamer.process.exposure import log_exposure

pytestmark = pytest.mark.security


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
    log_exposure(address)
    (record,) = caplog.records
    assert (record.levelno, record.address, record.action) == (level, address, "no_access_control")
    assert "there is no access control" in record.message
    assert who in record.message
