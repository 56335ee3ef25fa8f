"""Settings that cannot work are rejected at the start."""

import pytest

from headway.errors import SettingsError
from headway_streamer.settings import Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("heartbeat_seconds", 0),
        ("stalled_seconds", -1),
        ("lifetime_seconds", 0),
        ("write_deadline_seconds", 0),
        ("probe_seconds", 0),
        ("max_store_share", 80),
        ("workers", 0),
        ("process_kind", "a b"),
        ("cors_origins", ("*",)),
        ("cors_origins", ("null",)),
        ("cors_origins", ("https://app.example.org/",)),
        ("cors_origins", ("app.example.org",)),
        ("allowed_hosts", ("*",)),
        ("allowed_hosts", ("app.example.org", "https://app.example.org")),
        ("allowed_hosts", ("app.example.org:443",)),
        ("allowed_hosts", ("*.*.example.org",)),
        ("allowed_hosts", ("bücher.example",)),
    ],
)
def test_a_setting_that_cannot_work_is_named(name, value):
    with pytest.raises(SettingsError, match=name.upper()):
        Settings(**{name: value})


def test_the_defaults_are_valid():
    assert Settings().workers == 1
