"""What each role may ask of JetStream: no more than it uses, and nothing that destroys."""

import re

import pytest

from headway.jetstream.connection import NatsSettings
from headway.jetstream.grants import created_streams, operator, purged_streams, roles
from headway.jetstream.provision import streams
from headway.subjects import Names

NAMES = Names("hw")
pytestmark = pytest.mark.security


def subjects(role):
    (found,) = [one for one in roles(NAMES) if one.name == role]
    return [request.subject for request in found.requests]


@pytest.mark.parametrize("role", roles(NAMES), ids=lambda role: role.name)
def test_no_role_may_destroy_or_change_a_stream_and_only_processors_purge(role):
    destructive = re.compile(r"\.(DELETE|PURGE|UPDATE|SNAPSHOT|RESTORE|LEADER|PEER|PAUSE|UNPIN|RESET|TEMPLATE)\b")
    found = [request.subject for request in role.requests if destructive.search(request.subject)]
    # Deleting a task needs it; the server has no right to purge single subjects.
    purges = [f"$JS.API.STREAM.PURGE.{stream}" for stream in purged_streams(NAMES)]
    # Dropping a dead letter needs it: one message at a time, of a stream that holds nothing of tasks that run.
    drops = ["$JS.API.STREAM.MSG.DELETE.HW_DEAD"]
    assert found == {"processor": purges, "streamer": drops}.get(role.name, [])
    assert len(set(role.requests)) == len(role.requests)


@pytest.mark.parametrize("role", roles(NAMES), ids=lambda role: role.name)
def test_no_role_may_publish_what_the_server_republishes(role):
    assert not any(request.subject.startswith("hw.live") for request in role.requests)


@pytest.mark.parametrize("role", ["streamer", "reporter"])
def test_only_processors_create(role):
    assert not any("CREATE" in subject for subject in subjects(role))
    assert sum("CREATE" in subject for subject in subjects("processor")) == len(created_streams(NAMES)) + 1


def test_processors_store_the_records_and_jobs_of_children():
    assert {"$KV.hw_tasks.*", "hw.job.*.*"} <= set(subjects("processor"))


def test_only_streamers_send_each_other_messages_on_a_subject_that_nothing_answers_or_stores():
    shared = {role.name: role.shared for role in roles(NAMES)}
    assert shared == {"streamer": ("hw.usage",), "processor": (), "reporter": ()}
    stored = [subject for stream in streams(NAMES, NatsSettings()) for subject in stream.subjects]
    assert not any(subject.startswith("hw.usage") for subject in stored)


def test_reporters_append_events_and_records_and_read_logs():
    assert subjects("reporter") == [
        "$JS.API.INFO",
        "hw.ev.*",
        "$JS.API.STREAM.MSG.GET.HW_EVENTS",
        "$JS.API.DIRECT.GET.HW_EVENTS",
        "$KV.hw_tasks.*",
        "$JS.API.DIRECT.GET.KV_hw_tasks",
        "$KV.hw_reporters.*",
    ]


def test_an_operator_changes_the_streams_of_its_namespace_and_does_nothing_else():
    allowed = {request.subject for request in operator(NAMES).requests}
    calls = {f"$JS.API.STREAM.{call}.{name}" for call in ("INFO", "UPDATE") for name in created_streams(NAMES)}
    assert allowed == calls | {"$JS.API.INFO"}


def test_all_streams_are_those_that_are_created():
    assert set(created_streams(NAMES)) == {stream.name for stream in streams(NAMES, NatsSettings())}


def test_every_subject_belongs_to_one_namespace():
    for role in (*roles(Names("other")), operator(Names("other"))):
        assert not [r for r in role.requests if re.search(r"\bhw\b|HW_|hw_", r.subject)]
