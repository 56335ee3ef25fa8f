"""What is changed in a stream that exists, and what is refused."""

import pytest

from headway.jetstream.connection import NatsSettings
from headway.jetstream.provision import streams
from headway.jetstream.stream_changes import CHANGEABLE, FIXED, change, jobs_bytes
from headway.subjects import Names

DAY = 86_400 * 10**9
MIB = 1024 * 1024


def configs():
    """The configurations that processors create."""
    return {str(config.name): config.as_dict() for config in streams(Names("hw"), NatsSettings())}


def test_a_stream_as_processors_create_it_needs_no_change():
    for wanted in configs().values():
        assert change(wanted, wanted).differences == ()
        # The server adds fields, and leaves those out that have its defaults.
        answered = {name: value for name, value in wanted.items() if value not in (0, False, None)}
        assert change(wanted, answered | {"max_consumers": -1, "sealed": False}).differences == ()


def test_every_field_that_processors_set_is_compared():
    known = {*FIXED, *CHANGEABLE, "name"}
    unset = ("no_ack", "sealed", "deny_purge")  # False in nats-py's default
    assert {name for config in configs().values() for name in config} - known == set(unset)


@pytest.mark.parametrize(
    ("field", "before", "after", "text"),
    [
        ("num_replicas", 1, 3, "num_replicas 1 → 3"),
        ("max_age", 7 * DAY, 30 * DAY, "max_age 604800 s → 2592000 s"),
        ("max_bytes", 2 * MIB, MIB, "max_bytes 2097152 → 1048576"),
        ("max_msgs", 10, 5, "max_msgs 10 → 5"),
        ("allow_rollup_hdrs", True, False, "allow_rollup_hdrs True → False"),
        ("discard_new_per_subject", False, True, "discard_new_per_subject False → True"),
        ("duplicate_window", 10**9, 2 * 10**9, "duplicate_window 1 s → 2 s"),
    ],
)
def test_what_an_update_changes(field, before, after, text):
    existing = {"name": "S", "discard": "new", "placement": {"tags": ["ssd"]}, field: before}
    found = change({"name": "S", "discard": "new", field: after}, existing)
    assert [str(difference) for difference in found.differences] == [text]
    assert (found.refusal, found.config[field]) == ("", after)
    assert found.config["placement"] == {"tags": ["ssd"]}  # an administrator's, kept


@pytest.mark.parametrize(("field", "value"), [("storage", "memory"), ("retention", "workqueue")])
def test_what_no_update_changes_is_refused(field, value):
    found = change({"name": "S", "max_msgs": 5}, {"name": "S", field: value})
    assert found.refusal.startswith(f"{field} {value} → ")
    assert "does not change" in found.refusal


@pytest.mark.parametrize(
    ("field", "before", "after", "discard", "deletes"),
    [
        ("max_age", 7 * DAY, DAY, "new", True),
        ("max_age", 0, DAY, "new", True),
        ("max_age", DAY, 0, "new", False),
        ("max_msgs_per_subject", 10_000, 100, "new", True),
        ("max_msgs_per_subject", -1, 100, "new", True),
        ("max_msgs", 10, 5, "old", True),
        ("max_bytes", -1, MIB, "old", True),
        ("max_bytes", -1, MIB, "new", False),
    ],
)
def test_a_lower_limit_that_deletes_is_refused_unless_allowed(field, before, after, discard, deletes):
    existing, wanted = {"discard": discard, field: before}, {"discard": discard, field: after}
    assert ("deletes stored messages" in change(wanted, existing).refusal) == deletes
    allowed = change(wanted, existing, allow_deletion=True)
    assert (allowed.refusal, allowed.config[field]) == ("", after)


def test_a_protection_that_the_server_never_takes_back_is_left():
    assert change({"deny_delete": False}, {"deny_delete": True}).differences == ()
    assert change({"deny_delete": True}, {}).config["deny_delete"]


@pytest.mark.parametrize(
    ("wanted", "existing", "spare", "limit"),
    [
        (-1, 5 * MIB, 9 * MIB, -1),  # no limit
        (3 * MIB, 5 * MIB, 9 * MIB, 3 * MIB),
        (8 * MIB, 5 * MIB, 9 * MIB, 8 * MIB),
        (8 * MIB, 5 * MIB, 6 * MIB, 6 * MIB),
        (8 * MIB, 5 * MIB, 2 * MIB, 5 * MIB),  # fuller than when it was created
        (8 * MIB, 5 * MIB, 0, 5 * MIB),
        (8 * MIB, -1, 0, -1),
        (8 * MIB, -1, 6 * MIB, 6 * MIB),
        (8 * MIB, 5 * MIB, None, 8 * MIB),  # the account has no limit
    ],
)
def test_the_jobs_reserve_what_is_wanted_and_can_be_spared(wanted, existing, spare, limit):
    assert jobs_bytes(wanted, existing, spare) == limit
