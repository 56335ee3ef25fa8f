"""How long ended tasks of each kind are kept."""

import pytest

from headway.errors import SettingsError
from headway.kind import Registry
from headway.task import task
from headway_processor.deletion.retention import set_retentions

WEEK = 7 * 24 * 3600.0


def handler(job):
    """A handler that does nothing."""


@pytest.fixture
def kinds():
    kinds = Registry()
    task("short", registry=kinds, retention=60.0)(handler)
    task("long", registry=kinds)(handler)
    return kinds


def retentions(kinds):
    return {kind.name: kind.record().retention_seconds for kind in kinds}


def test_the_settings_replace_what_the_code_says(kinds):
    set_retentions(kinds, {"long": 3600.0}, WEEK)
    assert retentions(kinds) == {"short": 60.0, "long": 3600.0}
    set_retentions(kinds, {"short": 5.0}, WEEK)
    assert retentions(kinds) == {"short": 5.0, "long": 3600.0}


@pytest.mark.parametrize(
    ("given", "seconds", "message"),
    [
        ({"other": 5.0}, WEEK, "has no kind 'other'"),
        ({"long": WEEK}, WEEK, "its retention of 604800 s is not below that of the namespace, HEADWAY_NATS_RETENTION"),
        ({}, 60.0, "'short': its retention of 60 s is not below"),
        ({"short": 1.0}, 60.0, "its max_retry_delay of 60 s is not below"),
    ],
)
def test_a_retention_that_cannot_hold_is_refused(kinds, given, seconds, message):
    with pytest.raises(SettingsError, match=message):
        set_retentions(kinds, given, seconds)
