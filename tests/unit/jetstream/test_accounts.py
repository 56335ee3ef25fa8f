"""Accounts: nobody has a user where JetStream is, and each role imports what it is allowed to ask."""

import pytest

from headway.jetstream.accounts import Literal, User, accounts, default_user, default_users, permissions
from headway.jetstream.grants import operator, roles
from headway.subjects import Names

NAMES = Names("hw")
pytestmark = pytest.mark.security


@pytest.fixture
def made():
    return accounts(NAMES, max_file="1GB")


def granted(made, account):
    """What the account that holds the streams exports to `account`: kind and subject."""
    exports = made["HW_JETSTREAM"]["exports"]
    return {
        (kind, export[kind])
        for export in exports
        for kind in export.keys() & {"service", "stream"}
        if account in export["accounts"]
    }


def imported(made, account, source):
    return {
        (kind, one["subject"])
        for found in made[account].get("imports", [])
        for kind, one in found.items()
        if one["account"] == source
    }


def test_streams_are_in_an_account_without_users(made):
    assert set(made) == {"HW_JETSTREAM", "HW_STREAMER", "HW_PROCESSOR", "HW_REPORTER"}
    assert "users" not in made["HW_JETSTREAM"]
    assert [name for name, account in made.items() if "jetstream" in account] == ["HW_JETSTREAM"]
    assert made["HW_JETSTREAM"]["jetstream"] == {"max_mem": 0, "max_file": Literal("1GB")}


@pytest.mark.parametrize("role", roles(NAMES), ids=lambda role: role.name)
def test_a_role_imports_exactly_what_is_exported_to_it(made, role):
    account = f"HW_{role.name.upper()}"
    wanted = {("service", request.subject) for request in role.requests} | {("stream", "hw.live.*")}
    assert imported(made, account, "HW_JETSTREAM") == granted(made, account) == wanted


def test_answers_of_several_messages_are_declared(made):
    streamed = {export["service"] for export in made["HW_JETSTREAM"]["exports"] if "response_type" in export}
    assert {"$JS.API.DIRECT.GET.HW_EVENTS", "$JS.API.CONSUMER.MSG.NEXT.HW_JOBS.*"} < streamed
    assert not any("MSG.GET" in subject or subject.startswith("hw.") for subject in streamed)


def test_beats_reach_streamers_and_presence_reaches_processors_without_a_cycle(made):
    assert imported(made, "HW_STREAMER", "HW_PROCESSOR") == {("stream", "hw.beat.*"), ("service", "hw.beat.*")}
    assert imported(made, "HW_STREAMER", "HW_REPORTER") == {("stream", "hw.beat.*")}
    assert "exports" not in made["HW_STREAMER"]
    assert imported(made, "HW_PROCESSOR", "HW_STREAMER") == imported(made, "HW_REPORTER", "HW_STREAMER") == set()


@pytest.mark.parametrize("role", roles(NAMES), ids=lambda role: role.name)
def test_users_are_limited_inside_their_account_too(role):
    allowed = permissions(NAMES, role)
    subscribed = allowed["subscribe"]["allow"]
    assert set(subscribed) - {"hw.beat.*"} == {f"{role.inbox}.>", "hw.live.*", *role.shared}
    assert ("hw.beat.*" in subscribed) == (role.name != "reporter")
    assert set(allowed["publish"]["allow"]) == {request.subject for request in role.requests} | {
        "hw.beat.*",
        *role.shared,
    }


def users_of(made):
    return [user["user"] for account in made.values() for user in account.get("users", [])]


def test_users_are_named_by_their_namespace_unless_given(made):
    assert default_user(NAMES, "streamer") == User("hw_streamer", Literal("$HW_STREAMER_PASSWORD"))
    assert users_of(made) == ["hw_streamer", "hw_processor", "hw_reporter"]
    given = default_users(NAMES) | {"streamer": (User("s", Literal("$S")),)}
    assert users_of(accounts(NAMES, given, max_file="1GB")) == ["s", "hw_processor", "hw_reporter"]


def test_a_second_user_of_a_role_may_do_the_same(made):
    pairs = accounts(NAMES, default_users(NAMES, pairs=True), max_file="1GB")
    names = ["hw_streamer", "hw_streamer_2", "hw_processor", "hw_processor_2", "hw_reporter", "hw_reporter_2"]
    assert users_of(pairs) == names
    assert pairs["HW_STREAMER"]["users"][1] == {"user": "hw_streamer_2", "password": Literal("$HW_STREAMER_2_PASSWORD")}
    assert {name: account | {"users": []} for name, account in pairs.items() if name != "HW_JETSTREAM"} == {
        name: account | {"users": []} for name, account in made.items() if name != "HW_JETSTREAM"
    }
    assert not any("permissions" in user for account in pairs.values() for user in account.get("users", []))
    assert pairs["HW_STREAMER"]["default_permissions"] == permissions(NAMES, roles(NAMES)[0])


def test_an_administrator_is_in_the_account_of_the_streams_when_asked_for():
    made = accounts(NAMES, max_file="1GB", admin=User("a", Literal("$A")))
    assert made["HW_JETSTREAM"]["users"] == [{"user": "a", "password": Literal("$A")}]


def test_an_operator_has_an_account_that_follows_no_task_when_asked_for(made):
    assert "HW_OPERATOR" not in made
    extended = accounts(NAMES, default_users(NAMES) | {"operator": (User("o", Literal("$O")),)}, max_file="1GB")
    wanted = {("service", request.subject) for request in operator(NAMES).requests}
    assert imported(extended, "HW_OPERATOR", "HW_JETSTREAM") == granted(extended, "HW_OPERATOR") == wanted
    assert extended["HW_OPERATOR"].keys() == {"users", "default_permissions", "imports"}
    allowed = permissions(NAMES, operator(NAMES))
    assert allowed["subscribe"]["allow"] == ["_INBOX_operator.>"]
    assert {name: extended[name] for name in made if name != "HW_JETSTREAM"} == {
        name: made[name] for name in made if name != "HW_JETSTREAM"
    }


def test_namespaces_share_no_account():
    assert not accounts(NAMES, max_file="1GB").keys() & accounts(Names("hw_x"), max_file="1GB").keys()
