"""Who sees which dead letters."""

from headway.testing import MemoryDeadLetterStream
from headway_streamer.access.principal import ALL, DEAD_READ, Principal
from headway_streamer.tasks import dead_letters
from headway_streamer.tasks.dead_letters import LetterBox


def principal(owner, tenant="acme", *scopes):
    return Principal(owner, tenant, frozenset((DEAD_READ, *scopes)))


async def seen(parts, who, **options):
    page = await parts.letter_box.page(who, **({"kind": "", "limit": 50, "after": 0} | options))
    return [letter.task for letter in page.letters], page.after


async def test_an_owner_sees_its_own_and_an_operator_those_of_the_tenant(parts):
    for task, owner, tenant in (
        ("t1", "ann", "acme"),
        ("t2", "bob", "acme"),
        ("t3", "ann", "bolt"),
        ("t4", "ann", "acme"),
    ):
        parts.bury(task, owner=owner, tenant=tenant)
    parts.bury("t5", job=b"1")
    assert await seen(parts, principal("ann")) == (["t1", "t4"], None)
    assert await seen(parts, principal("eve", "acme", ALL)) == (["t1", "t2", "t4"], None)
    assert await seen(parts, principal("root", "", ALL)) == (["t5"], None)
    assert await seen(parts, principal("ann"), limit=1) == (["t1"], 3)
    assert await parts.letter_box.letter(principal("ann"), "2") is None
    assert (await parts.letter_box.letter(principal("bob"), "2")).task == "t2"


async def test_one_request_looks_at_a_bounded_number_of_letters(parts, monkeypatch):
    monkeypatch.setattr(dead_letters, "MAX_READ", 6)
    for n in range(10):
        parts.bury(f"t{n}", owner="bob", tenant="acme")
    assert await seen(parts, principal("ann")) == ([], 6)
    assert await seen(parts, principal("ann"), after=6) == ([], None)


async def test_an_empty_box_has_no_pages():
    page = await LetterBox(MemoryDeadLetterStream()).page(principal("ann"), kind="k", limit=1, after=0)
    assert page == ([], None)
