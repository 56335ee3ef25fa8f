"""What is reported of tasks that Celery runs in this process."""

import threading

import pytest
from celery import signals
from celery.app.task import Context
from celery.app.trace import build_tracer
from celery.backends.cache import DummyClient
from celery.exceptions import Ignore, Reject, Retry

from headway.celery import working
from headway.errors import CancelRequestedError, EndedError, TaskCancelledError


@pytest.fixture(autouse=True)
def no_results_of_others():
    """The store of results in memory belongs to the process."""
    DummyClient().cache.clear()


def run(app, task, *args, id="t", **request):
    """Run `task` as a worker does."""
    app.finalize()
    tracer = build_tracer(task.name, task, app=app)
    full = {"id": id, "delivery_info": {}, "headway": {"owner": "ann", "title": "Title"}} | request
    return tracer(id, args, {}, full)


def names(notes):
    return [note[0] for note in notes if note[0] not in ("activate", "deactivate")]


def test_a_task_runs_in_an_attempt(connected, reports):
    app = connected()
    seen = []

    @app.task(shared=False, name="shop.one", bind=True)
    def one(self, number):
        self.update_state(state="HALF", meta={"progress": 50})
        self.update_state(task_id="another", state="HALF")
        seen.append(number)
        return number + 1

    run(app, one, 1)
    ((task, what),) = reports.attempts
    assert (task, what["kind"], what["owner"], what["title"], what["on_stop"]) == ("t", "one", "ann", "Title", None)
    assert names(reports.notes) == ["set_state", "update", "completed"]
    assert reports.notes[-2] == ("completed", 2, {})
    assert [note[0] for note in reports.notes][:: len(reports.notes) - 1] == ["activate", "deactivate"]
    assert app.AsyncResult("t").get() == 2


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (ValueError("no"), "failed"),
        (Retry("again", exc=KeyError("no"), when=3), "failed"),
        (Retry("again"), "handed_on"),
        (Ignore(), "cancelled"),
        (Reject("no"), "failed"),
        (Reject("no", requeue=True), "handed_on"),
        (Reject(requeue=True), "handed_on"),
        (TaskCancelledError("by itself"), "failed"),
    ],
)
def test_each_end_is_reported_once(connected, reports, error, end):
    app = connected()

    @app.task(shared=False, name="shop.one")
    def one():
        raise error

    run(app, one)
    assert names(reports.notes) == [end]


def test_an_attempt_ends_before_the_task_is_published_again(connected, reports):
    app, seen = connected(), []

    @app.task(shared=False, name="shop.one", bind=True, max_retries=1)
    def one(self):
        if not self.request.retries:
            raise self.retry(exc=KeyError("no"), countdown=7)
        raise self.retry(exc=KeyError("still"))

    note = signals.after_task_publish.connect(lambda **_: seen.extend(names(reports.notes)), weak=False)
    run(app, one)
    signals.after_task_publish.disconnect(note)
    assert seen == names(reports.notes) == ["failed"]
    assert reports.notes[1][2] == {"will_retry": True, "message": "'no'; next attempt in 7 s"}
    assert reports.submitted == {}
    reports.notes.clear()
    run(app, one, retries=1)
    assert (names(reports.notes), reports.notes[2][2]) == (["failed"], {})


def test_what_was_cancelled_while_it_waited_does_not_run(connected, reports):
    app, reports.refusal = connected(), "cancelled"
    seen = []

    @app.task(shared=False, name="shop.one")
    def one():
        seen.append(1)

    run(app, one)
    assert (seen, names(reports.notes), app.AsyncResult("t").state) == ([], [], "REVOKED")


def test_what_has_ended_before_runs_unreported(connected, reports):
    app, reports.refusal = connected(), "ended"

    @app.task(shared=False, name="shop.one")
    def one():
        return 7

    run(app, one)
    assert app.AsyncResult("t").get() == one() == 7


def test_a_task_that_notices_a_request_to_cancel_is_revoked(connected, reports):
    app = connected()

    @app.task(shared=False, name="shop.one", autoretry_for=(ZeroDivisionError,))
    def one():
        reports.last.cancel("enough")
        raise TaskCancelledError("enough")

    run(app, one)
    assert reports.notes[1] == ("cancelled", "enough", {})
    assert app.AsyncResult("t").state == "REVOKED"


def test_eager_and_other_tasks_are_not_reported(connected, reports):
    app, other = connected(reported=lambda name: name != "shop.two"), connected()

    @app.task(shared=False, name="shop.one")
    def one():
        return 1

    @app.task(shared=False, name="shop.two")
    def two():
        return 2

    assert one.apply().get() == 1
    run(app, two)
    assert reports.attempts == []
    signals.task_failure.send(sender=two, task_id="t", exception=ValueError("no"))
    assert reports.ends == []
    assert not other.tasks.get("shop.one")


def test_what_the_main_process_knows_is_reported(connected, reports):
    app = connected()

    @app.task(shared=False, name="shop.one")
    def one():
        """A task."""

    app.finalize()
    request = Context(id="t", is_eager=False)
    signals.task_revoked.send(sender=one, request=request, terminated=False, expired=False)
    signals.task_revoked.send(sender=one, request=request, terminated=True, expired=False)
    signals.task_revoked.send(sender=one, request=request, terminated=False, expired=True)
    signals.task_failure.send(sender=one, task_id="t", exception=RuntimeError("killed"))
    signals.task_retry.send(sender=one, request=request, reason=Retry(exc=RuntimeError("killed"), when=9))
    signals.task_unknown.send(sender=None, name="shop.two", id="u")
    assert [(task, what["status"], what["message"]) for task, what in reports.ends] == [
        ("t", "cancelled", "cancelled: revoked"),
        ("t", "cancelled", "cancelled: terminated"),
        ("t", "cancelled", "cancelled: expired before it began"),
        ("t", "error", "killed"),
        ("t", "retrying", "killed; next attempt in 9 s"),
        ("u", "error", "no worker knows the task shop.two"),
    ]


def test_a_task_is_revoked_where_it_runs_in_this_process(connected, reports):
    app = connected()

    @app.task(shared=False, name="shop.one", bind=True)
    def one(self):
        signals.task_revoked.send(sender=self, request=self.request, terminated=True)
        raise Ignore

    run(app, one)
    assert reports.notes[1] == ("cancelled", "terminated", {})
    assert reports.ends == []


def test_a_request_to_cancel_terminates_where_that_is_asked_for(connected, reports, monkeypatch):
    app, revoked = connected(terminate=True), threading.Event()
    calls = []

    def revoke(task, **options):
        calls.append((task, options))
        revoked.set()

    monkeypatch.setattr(app.control, "revoke", revoke)

    @app.task(shared=False, name="shop.one")
    def one():
        stop = reports.attempts[0][1]["on_stop"]
        stop(EndedError("t", "error"))
        stop(CancelRequestedError("t", "enough"))
        assert revoked.wait(20)

    run(app, one)
    assert calls == [("t", {"terminate": True})]


def test_what_a_task_publishes_has_its_owner_and_is_a_part_of_it(connected, reports):
    app = connected(owner=lambda: "nobody")

    @app.task(shared=False, name="shop.two")
    def two():
        """A task."""

    @app.task(shared=False, name="shop.one", bind=True)
    def one(self):
        return two.delay().id

    child = run(app, one).retval
    what = reports.submitted[app.AsyncResult("t").get()]
    assert (what["owner"], what["parent"]) == ("ann", "t")
    assert child is not None


def test_what_comes_after_a_task_is_no_part_of_it(connected, reports):
    app = connected()

    @app.task(shared=False, name="shop.one")
    def one(*args):
        """A task."""

    run(app, one, callbacks=[one.s().set(task_id="after")])
    assert (reports.submitted["after"]["parent"], reports.submitted["after"]["owner"]) == ("", "ann")


def test_a_task_that_replaces_itself_goes_on(connected, reports):
    app = connected()

    @app.task(shared=False, name="shop.one", bind=True)
    def one(self):
        return self.replace(one.s() | one.s())

    run(app, one)
    assert names(reports.notes) == ["handed_on"]
    assert "t" not in reports.submitted


def test_a_process_of_the_pool_forgets_what_ran_before_its_fork_and_flushes(connected, reports, monkeypatch):
    connected()
    flushed = []
    monkeypatch.setattr(working, "flush", lambda: flushed.append(1))
    signals.worker_process_init.send(sender=None)
    signals.worker_process_shutdown.send(sender=None, pid=1, exitcode=0)
    assert flushed == [1]
