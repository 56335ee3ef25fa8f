"""What a principal may do, and which tasks it sees."""

import pytest

from headway.records import TaskRecord
from headway_streamer.access.principal import ACTIONS, ALL, CANCEL, EVERYBODY, READ, SUBMIT, Principal

pytestmark = pytest.mark.security


def principal(*scopes, owner="ann", tenant="acme"):
    return Principal(owner, tenant, frozenset(scopes))


def record(owner="ann", tenant="acme"):
    return TaskRecord(task="t", kind="k", created=1.0, owner=owner, tenant=tenant)


def test_only_the_actions_of_its_scopes_are_allowed():
    assert [action for action in sorted(ACTIONS) if principal(READ, CANCEL).may(action)] == [CANCEL, READ]
    assert not any(principal(ALL).may(action) for action in ACTIONS)


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ((SUBMIT,), {"crawl", "bulk"}),
        ((SUBMIT, "kinds:crawl"), {"crawl"}),
        (("kinds:crawl",), set()),
        ((SUBMIT, "kinds:"), set()),
        ((SUBMIT, ALL), {"crawl", "bulk"}),
    ],
)
def test_kinds_are_limited_by_scopes(scopes, allowed):
    assert {kind for kind in ("crawl", "bulk") if principal(*scopes).may_run(kind)} == allowed


@pytest.mark.parametrize(
    ("scopes", "seen"),
    [
        ((), {("ann", "acme")}),
        ((ALL,), {("ann", "acme"), ("bob", "acme"), ("", "acme")}),
    ],
)
def test_tasks_of_other_owners_and_tenants_are_not_seen(scopes, seen):
    records = [record(owner, tenant) for owner in ("ann", "bob", "") for tenant in ("acme", "other", "")]
    assert {(one.owner, one.tenant) for one in records if principal(*scopes).sees(one)} == seen


def test_a_stream_token_sees_its_tasks_alone():
    bound = principal(ALL)._replace(tasks=frozenset(("t",)))
    assert bound.sees(record())
    assert not bound._replace(tasks=frozenset(("other",))).sees(record())


def test_everybody_may_do_everything():
    assert all(EVERYBODY.may(action) for action in ACTIONS)
    assert EVERYBODY.may_run("crawl")
    assert EVERYBODY.sees(record("ann", "other"))
