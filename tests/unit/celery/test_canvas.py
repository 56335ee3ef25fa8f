"""What is planned with the messages of Celery's own canvas."""

import celery
import pytest
from celery import chain, chord, group, signals

from headway.celery.canvas import body_of, id_of, place_of

app = celery.Celery("canvas", broker="memory://", backend="cache+memory://", set_as_current=False)


@app.task(shared=False, name="shop.one")
def one(*args):
    """A task."""


@app.task(shared=False, name="shop.all")
def all_of(*args):
    """A task."""


@pytest.fixture
def sent():
    """The messages of the user's tasks that are sent, as headers and the third part of the body."""
    found = []

    def note(sender, headers, body, **_):
        if not sender.startswith("celery."):
            found.append((headers, body[2]))

    signals.after_task_publish.connect(note, weak=False)
    yield found
    signals.after_task_publish.disconnect(note)


def places(sent):
    return [place_of(headers, embedded) for headers, embedded in sent]


def ids(sent):
    return [headers["id"] for headers, _ in sent]


def plan(sent):
    """What is planned by all messages, by id."""
    return {planned.task: planned for place in places(sent) for planned in place.planned}


def test_a_task_alone_has_no_place(sent):
    one.delay()
    assert places(sent) == [("", ())]
    assert body_of(sent[0][1]) == ""


def test_the_last_task_stands_for_its_chain(sent):
    result = chain(one.s(1), one.s(2, b=3), all_of.s()).delay()
    ((first,), (place,)) = ids(sent), places(sent)
    last, second = place.planned
    assert place.parent == last.task == result.id
    assert (last.name, last.parent, last.after) == ("shop.all", "", (first, second.task))
    assert (second.name, tuple(second.args), second.kwargs, second.parent) == ("shop.one", (2,), {"b": 3}, result.id)


def test_a_group_is_the_parent_of_its_members(sent):
    result = group(one.s(1), one.s(2)).delay()
    assert places(sent) == [(result.id, ()), (result.id, ())]


def test_the_header_of_a_chord_is_a_group_before_its_body(sent):
    result = chord([one.s(1), one.s(2)], all_of.s()).delay()
    header = result.parent.id
    assert [place.parent for place in places(sent)] == [header, header]
    assert [(planned.task, planned.parent, planned.after) for planned in plan(sent).values()] == [
        (result.id, "", (header,))
    ]
    assert {body_of(embedded) for _, embedded in sent} == {result.id}


def test_a_chord_within_a_chain_is_planned_with_its_header(sent):
    result = chain(one.s(1), group(one.s(2), one.s(3)), all_of.s(), one.s(4)).delay()
    planned, (first,), body = plan(sent), ids(sent), result.parent.id
    header = result.parent.parent.id
    members = tuple(member.id for member in result.parent.parent)
    assert planned[result.id].after == (first, body)
    assert (planned[body].parent, planned[body].after) == (result.id, (header,))
    assert (planned[header].parent, planned[header].name, planned[header].children) == (body, "", members)
    assert {planned[member].parent for member in members} == {header}


def test_a_chain_that_ends_in_a_group_has_the_id_of_the_group(sent):
    result = chain(one.s(1), group(one.s(2), one.s(3))).delay()
    planned, (first,) = plan(sent), ids(sent)
    assert planned[result.id].children == tuple(member.id for member in result)
    assert planned[result.id].after == (first,)


def test_chains_are_members_by_their_last_task(sent):
    result = group(chain(one.s(1), one.s(2)), one.s(3)).delay()
    first, second = places(sent)
    assert first.parent == result[0].id == first.planned[0].task
    assert first.planned[0].parent == second.parent == result.id


def test_a_header_of_chains_plans_the_body_as_well(sent):
    result = chord([chain(one.s(1), one.s(2))] * 2, all_of.s()).delay()
    assert plan(sent)[result.id].after == (result.parent.id,)
    assert {body_of(embedded) for _, embedded in sent} == {result.id}


def test_a_body_may_be_a_chain(sent):
    result = chord([one.s(1), one.s(2)], chain(all_of.s(), one.s(3))).delay()
    planned, header = plan(sent), result.parent.parent.id if result.parent.parent else result.parent.id
    assert planned[result.id].after[0] == header
    assert [one.parent for one in planned.values()] == ["", result.id]
    assert {body_of(embedded) for _, embedded in sent} == {result.id}


def test_a_chord_within_a_group_is_a_member_by_its_body(sent):
    result = group(chord([one.s(1), one.s(2)], all_of.s()), one.s(3)).delay()
    assert plan(sent)[result[0].id].parent == result.id


@pytest.mark.parametrize("signature", [{}, {"subtask_type": "chord"}, {"subtask_type": "chain", "kwargs": {}}])
def test_a_signature_without_ids_plans_nothing(signature):
    assert id_of(signature) == ""
    headers = {"id": "a", "group": "g", "group_index": 0}
    assert place_of(headers, {"chord": signature}).planned == ()
    assert place_of(headers, {"chain": [signature]}) == ("", ())
