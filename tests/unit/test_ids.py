"""Ids: sortable when new, the same again when derived."""

import uuid
from base64 import b32hexdecode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway import ids
from headway.subjects import is_name


def raw(task: str) -> bytes:
    return b32hexdecode(task.upper() + "=" * (-len(task) % 8))


def test_a_new_id_is_a_uuid_of_version_7():
    for _ in range(100):
        value = uuid.UUID(bytes=raw(ids.new_task()))
        assert (value.version, value.variant) == (7, uuid.RFC_4122)


def test_a_new_id_begins_with_the_time(monkeypatch):
    monkeypatch.setattr(ids.time, "time", lambda: 1763690000.123)
    assert int.from_bytes(raw(ids.new_task())[:6], "big") == 1763690000123


def test_ids_of_files_are_random_and_can_be_part_of_a_subject():
    made = {ids.new_file() for _ in range(100)}
    assert len(made) == 100
    assert all(len(raw(file)) == 20 and is_name(file) for file in made)


@given(st.lists(st.integers(0, 2**45), min_size=2, max_size=5, unique=True))
def test_new_ids_sort_by_the_time_they_were_made(moments):
    with pytest.MonkeyPatch.context() as patch:
        made = []
        for moment in sorted(moments):
            patch.setattr(ids.time, "time", lambda moment=moment: moment / 1000 + 0.0001)
            made.append(ids.new_task())
    assert made == sorted(made)


def test_new_ids_differ_within_a_millisecond(monkeypatch):
    monkeypatch.setattr(ids.time, "time", lambda: 1763690000.0)
    assert len({ids.new_task() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "task",
    [ids.new_task(), ids.derived_task(b"s", "", ""), ids.derived_task(b"s", "é" * 500, "a.b *>\n")],
    ids=["new", "of nothing", "of anything"],
)
def test_every_id_is_a_name(task):
    assert is_name(task)
    assert task == task.lower()
    assert len(task) <= 27


def test_a_key_gives_the_same_id_in_every_version():
    assert ids.derived_task(bytes(32), "alice", "order-17") == "k55jt5tbp7d35ef2mp5r3rd6lus"
    assert ids.public_task("order-17") == "k5eusooudvot1lae0781in2lmvk"


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))), unique=True))
def test_different_owners_and_keys_give_different_ids(pairs):
    assert len({ids.derived_task(b"s", owner, key) for owner, key in pairs}) == len(pairs)


@pytest.mark.security
@pytest.mark.parametrize(
    ("one", "other"), [(("a", "bc"), ("ab", "c")), (("", "1:a:b"), ("a", "b")), (("a", ""), ("", "a"))]
)
def test_an_owner_cannot_reach_the_ids_of_another_by_a_crafted_key(one, other):
    assert ids.derived_task(b"s", *one) != ids.derived_task(b"s", *other)


@pytest.mark.security
def test_an_id_depends_on_the_secret():
    made = {ids.derived_task(secret, "", "order-17") for secret in (b"a", b"b", b"")} | {ids.public_task("order-17")}
    assert len(made) == 4


def test_a_derived_id_is_never_a_new_one():
    assert len(ids.derived_task(b"s", "a", "b")) != len(ids.new_task())


def test_nonces_differ():
    assert len({ids.nonce() for _ in range(1000)}) == 1000
    assert is_name(ids.nonce())


@given(st.integers(0, 2**80))
def test_base_36_reads_back(number):
    assert int(ids.base36(number), 36) == number


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (35, "z"), (36, "10"), (1763690000123456, "hd6c00y3i8")])
def test_base_36_has_no_leading_zero(number, text):
    assert ids.base36(number) == text
