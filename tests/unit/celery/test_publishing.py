"""What is reported when tasks are published."""

import celery
from celery import chain, chord, group

from headway.celery.publishing import Noted
from headway.celery.sheet import HEADER


def shop(app):
    @app.task(shared=False, name="shop.one")
    def one(*args, path=None):
        """A task."""

    @app.task(shared=False, name="shop.all")
    def all_of(*args):
        """A task."""

    return one, all_of


def test_a_task_is_reported_with_its_title_and_owner(connected, reports):
    app = connected(owner=lambda: ("ann", "acme"), title={"one": "Load {path}"})
    one, _ = shop(app)
    task = one.delay(path="a.csv").id
    what = reports.submitted[task]
    assert (what["kind"], what["title"], what["owner"], what["tenant"]) == ("one", "Load a.csv", "ann", "acme")


def test_a_caller_may_say_it_in_the_header(connected, reports):
    one, _ = shop(connected(owner=lambda: "ann"))
    headers = {HEADER: {"owner": "bob", "title": "Mine", "parent": "p"}}
    what = reports.submitted[one.apply_async(headers=headers).id]
    assert (what["owner"], what["title"], what["parent"]) == ("bob", "Mine", "p")


def test_without_an_owner_that_of_the_process_is_taken(connected, reports):
    one, _ = shop(connected())
    assert reports.submitted[one.delay().id]["owner"] is None


def test_tasks_that_are_not_to_be_reported_and_retries_are_not(connected, reports):
    app = connected(reported=lambda name: name == "shop.all")
    one, all_of = shop(app)
    one.delay()
    all_of.apply_async(retries=1)
    assert reports.submitted == {}


def test_the_first_protocol_of_celery_is_left_alone(connected, reports):
    app = connected()
    app.conf.task_protocol = 1
    one, _ = shop(app)
    one.delay()
    assert reports.submitted == {}


def test_of_several_apps_only_known_names_are_reported(connected, reports):
    app, other = connected(), celery.Celery("other", broker="memory://", set_as_current=False)
    one, _ = shop(app)
    other.send_task("other.one")
    task = app.send_task("shop.one").id
    assert list(reports.submitted) == [task]
    assert one.name == "shop.one"


def test_a_group_is_reported_with_all_of_its_members(connected, reports):
    one, all_of = shop(connected())
    result = group(one.s(number) for number in range(3)).delay()
    what = reports.submitted[result.id]
    assert (what["kind"], what["title"], list(what["children"])) == ("group", "one × 3", [one.id for one in result])
    mixed = group(one.s(), all_of.s()).delay()
    assert reports.submitted[mixed.id]["title"] == "group of 2"
    assert {reports.submitted[member.id]["parent"] for member in mixed} == {mixed.id}


def test_many_members_do_not_wait_in_memory(connected, reports):
    one, _ = shop(connected())
    result = group(one.s(number) for number in range(250)).delay()
    assert len(reports.submitted) == 251
    assert len(list(reports.submitted[result.id]["children"])) == 250


def test_a_group_that_is_too_large_is_not_reported(connected, reports, monkeypatch):
    monkeypatch.setattr("headway.celery.publishing.MAX_TASKS", 2)
    one, _ = shop(connected())
    result = group(one.s(number) for number in range(3)).delay()
    assert result.id not in reports.submitted
    assert result[0].id in reports.submitted


def test_results_of_groups_that_are_looked_up_later_are_no_groups_that_begin(connected, reports):
    app = connected()
    app.GroupResult("g", [app.AsyncResult("a")])
    assert reports.submitted == {}


def test_a_chain_and_a_chord_are_reported_with_what_waits(connected, reports):
    one, all_of = shop(connected(title={"all": "Sum"}))
    result = chain(one.s(1), group(one.s(2), one.s(3)), all_of.s()).delay()
    assert reports.submitted[result.id]["title"] == "Sum"
    header = reports.submitted[result.parent.id]
    assert (header["title"], header["parent"], len(list(header["children"]))) == ("group of 2", result.id, 2)
    body = chord([one.s(1), one.s(2)], all_of.s()).delay()
    assert list(reports.submitted[body.id]["after"]) == [body.parent.id]
    assert reports.submitted[body.parent.id]["parent"] == body.id


def test_nothing_that_goes_wrong_reaches_the_caller(connected, reports, monkeypatch):
    monkeypatch.setattr(reports, "submitting", lambda *args, **what: 1 / 0)
    one, _ = shop(connected(owner=lambda: 1 / 0, title=lambda *call: 1 / 0))
    assert one.delay().id
    assert group(one.s(), one.s()).delay().id


def test_noted_ids_are_bounded(monkeypatch):
    monkeypatch.setattr("headway.celery.publishing.MAX_NOTED", 2)
    noted = Noted()
    for key in "abc":
        noted[key] = None
    assert list(noted) == ["b", "c"]
