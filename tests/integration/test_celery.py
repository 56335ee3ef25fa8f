"""Tasks of a real Celery, as a real streamer shows them."""

import json

import httpx
import pytest

from tests.fixtures.celery_workers import run_shop
from tests.fixtures.condition import holds_blocking
from tests.fixtures.services import run_services

SECONDS = 20.0


class Shown:
    """What the streamer shows."""

    def __init__(self, url):
        self.http = httpx.Client(base_url=url, timeout=SECONDS)

    def task(self, task):
        answer = self.http.get(f"/api/v1/tasks/{task}")
        return answer.json() if answer.status_code == 200 else {"state": {"status": None}}

    def state(self, task):
        return self.task(task)["state"]

    def until(self, task, **state):
        """The state of a task, once it has these fields."""
        assert holds_blocking(lambda: state.items() <= self.state(task).items(), SECONDS), (state, self.task(task))
        return self.state(task)

    def events(self, task, path="/api/v1/tasks/{task}/stream"):
        """The events of a task that has ended, or will."""
        text = self.http.get(path.format(task=task), headers={"Accept": "text/event-stream"}).text
        return [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]

    def words(self, task):
        """The states of a task in Celery's words."""
        states = [event["status"] for event in self.events(task, "/tasks/{task}/stream?merge=0") if "status" in event]
        changes = [state for place, state in enumerate(states) if place == 0 or state != states[place - 1]]
        return changes[changes[0] == "PENDING" :]  # a worker may be faster than who publishes


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    with run_services(tmp_path_factory.mktemp("services")) as services:
        streamer = services.streamer("s1")
        services.processor("p1", REPORTER_LOST_SECONDS="4")
        streamer.wait_ready()
        yield services, streamer


@pytest.fixture(scope="module")
def shown(services):
    shown = Shown(services[1].url)
    yield shown
    shown.http.close()


@pytest.fixture(scope="module")
def shop(services, tmp_path_factory):
    environment = {"HEADWAY_NATS_URL": services[0].nats.url, "HEADWAY_REPORT_RENEW_SECONDS": "0.3"}
    with run_shop(tmp_path_factory.mktemp("shop"), **environment) as shop:
        yield shop


@pytest.fixture(scope="module")
def worker(shop):
    return shop.worker("-P", "prefork", "-c", "2")


@pytest.fixture(scope="module")
def call(shop):
    return shop.caller()


@pytest.fixture
def doomed(shop, request):
    """The queue of a worker of the test's own, whose process the test kills.

    Without an asynchronous broker the processes of a pool share a queue of results. One that is killed while it writes
    there blocks the others.
    """
    shop.worker("-P", "prefork", "-c", "1", "-Q", request.node.name)
    return request.node.name


@pytest.mark.feature("celery", "progress")
@pytest.mark.feature("celery", "step")
@pytest.mark.feature("celery", "result")
def test_a_task_is_watched_from_its_publishing_on(shop, call, shown, request):
    task = call("load.delay('a.csv', door='door').id")
    record = shown.task(task)
    assert (record["state"]["status"], record["kind"], record["title"]) == ("queued", "load", "Load a.csv")
    request.getfixturevalue("worker")
    state = shown.until(task, done=25.0)
    assert (state["total"], state["message"], state["step"]) == (100, "first quarter", "rows")
    (shop.directory / "door").touch()
    state = shown.until(task, done=80.0)
    assert (state["message"], state["state"]) == ("last quarter", "CRUNCHING")
    (shop.directory / "door2").touch()
    state = shown.until(task, status="completed")
    assert state["data"] == {"rows": 100}
    assert shown.words(task) == ["STARTED", "PROGRESS", "CRUNCHING", "SUCCESS"]


def test_the_how_to_is_a_task(shop, services, shown, printed):
    url = "redis://localhost"
    code = printed[0].text.replace(f'broker="{url}", backend="{url}"', "**celery_app.STORES").replace("(0.1)", "(0)")
    assert "**celery_app.STORES" in code
    code = f"from tests.fixtures import celery_app\n{code}\napp.conf.update(**celery_app.SETTINGS)\n"
    (shop.directory / "printed.py").write_text(code)
    shop.worker("-P", "solo", "-Q", "printed", app="printed")
    task = shop.caller("printed")("resize.apply_async((20,), queue='printed').id")
    state = shown.until(task, status="completed", data={"photos": 20})
    assert (state["done"], state["total"]) == (20, 20)


@pytest.mark.feature("celery", "error with traceback")
def test_an_error_has_its_type_and_traceback_and_nothing_of_celery(worker, call, shown):
    state = shown.until(call("fail.delay('no number').id"), status="error")
    error = state["error"]
    assert (error["type"], error["message"]) == ("ValueError", "no number")
    assert error["traceback"].count("File ") == 1
    assert "in fail" in error["traceback"]


@pytest.mark.feature("celery", "retry")
def test_each_retry_is_an_attempt(worker, call, shown):
    task = call("flaky.delay().id")
    shown.until(task, status="completed", attempt=3, failed=2, data=2)
    assert shown.words(task) == ["STARTED", "RETRY", "STARTED", "RETRY", "STARTED", "SUCCESS"]
    messages = [event["message"] for event in shown.events(task) if event.get("status") == "retrying"]
    assert messages == ["no route; next attempt soon"] * 2
    state = shown.until(call("auto.delay().id"), status="error", attempt=2)
    assert state["error"]["type"] == "KeyError"


@pytest.mark.parametrize(
    ("expression", "state"),
    [
        ("ignore.delay()", {"status": "cancelled", "message": "cancelled: ignored by the task"}),
        ("ignore.delay('SUCCESS', {'a': 1})", {"status": "completed", "data": {"a": 1}}),
        ("ignore.delay('FAILURE', {'exc_type': 'Odd', 'exc_message': 'no'})", {"status": "error", "message": "no"}),
        ("reject.delay()", {"status": "error", "message": "not mine"}),
        ("app.send_task('shop.nowhere')", {"status": "error", "message": "no worker knows the task shop.nowhere"}),
        (
            "add.apply_async((1, 2), expires=-1)",
            {"status": "cancelled", "message": "cancelled: expired before it began"},
        ),
        ("replace.delay()", {"status": "completed", "data": 23}),
        ("soft.delay()", {"status": "error", "message": "SoftTimeLimitExceeded()"}),
    ],
)
def test_other_ends(worker, call, shown, expression, state):
    task = call(f"{expression}.id")
    found = shown.until(task, status=state["status"])
    assert state.items() <= found.items()


def test_a_hard_time_limit(doomed, call, shown):
    task = call(f"hard.apply_async(queue='{doomed}').id")
    shown.until(task, status="error", message="TimeLimitExceeded(1,)")


def test_a_task_that_is_not_to_be_reported_is_not(worker, call, shown):
    task = call("secret.delay().id")
    assert call(f"app.AsyncResult('{task}').get(timeout=40)") == "secret"
    assert shown.state(task)["status"] is None


@pytest.mark.feature("celery", "log")
def test_log_lines_of_the_task_are_shown(worker, call, shown):
    task = call("logs.delay().id")
    shown.until(task, status="completed")
    lines = [(event["message"], event["level"]) for event in shown.events(task) if event.get("type") == "log"]
    assert lines == [("a line of the task", "warning")]


# Cancelling


@pytest.mark.feature("celery", "cancel")
def test_a_loop_of_track_ends_when_somebody_cancels(worker, call, shown):
    task = call("endless.delay().id")
    shown.until(task, status="processing")
    shown.http.post(f"/api/v1/tasks/{task}/cancel", json={"reason": "enough"})
    shown.until(task, status="cancelled", message="cancelled: enough")
    assert call(f"wait_for('{task}')") == "REVOKED"


def test_what_is_cancelled_in_the_queue_does_not_run(shop, worker, call, shown):
    doors = [call(f"sleepy.delay('busy{number}').id") for number in range(2)]
    for door in doors:
        shown.until(door, status="processing")
    task = call("load.delay('b.csv', door='never').id")
    shown.http.post(f"/api/v1/tasks/{task}/cancel", json={"reason": "in time"})
    for number in range(2):
        (shop.directory / f"busy{number}").touch()
    shown.until(task, status="cancelled", message="in time")
    assert call(f"wait_for('{task}')") == "REVOKED"
    assert "PROGRESS" not in shown.words(task)


def test_a_group_that_is_cancelled_cancels_its_members(worker, call, shown):
    ids = call("group_ids([endless.s(), endless.s(), add.s(1).set(countdown=60)])")
    for member in ids[1:3]:
        shown.until(member, status="processing")
    shown.http.post(f"/api/v1/tasks/{ids[0]}/cancel", json={"reason": "enough"})
    for task in ids:
        shown.until(task, status="cancelled")


def test_a_request_to_cancel_terminates_where_that_is_asked_for(shop, call, shown):
    shop.worker("-P", "prefork", "-c", "1", "-Q", "terminate", SHOP_TERMINATE="1")
    task = call("sleepy.apply_async(('never',), queue='terminate').id")
    shown.until(task, status="processing")
    shown.http.post(f"/api/v1/tasks/{task}/cancel", json={"reason": "enough"})
    shown.until(task, status="cancelled")


@pytest.mark.parametrize("pool", ["threads", "gevent"])
def test_other_pools(shop, call, shown, pool):
    shop.worker("-P", pool, "-c", "2", "-Q", pool)
    ids = call(f"[add.apply_async((1, 2), queue='{pool}').id, endless.apply_async(queue='{pool}').id]")
    shown.until(ids[0], status="completed", data=3)
    shown.until(ids[1], status="processing")
    shown.http.post(f"/api/v1/tasks/{ids[1]}/cancel", json={"reason": "enough"})
    shown.until(ids[1], status="cancelled", message="cancelled: enough")


def test_revoking_cancels(doomed, call, shown):
    running = call(f"sleepy.apply_async(('never',), queue='{doomed}').id")
    shown.until(running, status="processing")
    call(f"app.control.revoke('{running}', terminate=True)")
    shown.until(running, status="cancelled", message="cancelled: terminated")
    waiting = call(f"sleepy.apply_async(('never',), queue='{doomed}', countdown=2).id")
    call(f"app.control.revoke('{waiting}')")
    shown.until(waiting, status="cancelled", message="cancelled: revoked")


# Workers that vanish


@pytest.mark.feature("celery", "lost")
def test_a_process_of_the_pool_that_is_killed(doomed, call, shown):
    state = shown.until(call(f"dies.apply_async(queue='{doomed}').id"), status="error")
    assert state["error"]["type"] == "WorkerLostError"


def test_a_task_that_is_delivered_again_has_another_attempt(doomed, call, shown):
    task = call(f"dies_once.apply_async(('mark',), queue='{doomed}').id")
    state = shown.until(task, status="completed", attempt=2, data="second")
    assert state.get("failed", 0) <= 1


def test_a_worker_that_is_killed_loses_its_tasks(shop, call, shown):
    worker = shop.worker("-P", "solo", "-Q", "other")
    task = call("sleepy.apply_async(('never',), queue='other').id")
    shown.until(task, status="processing")
    worker.kill()
    state = shown.until(task, status="error")
    assert state["error"]["type"] == "Lost"


# Canvas


@pytest.mark.feature("celery", "children")
def test_a_group_counts_its_members(worker, call, shown):
    task = call("group(add.s(number, number) for number in range(5)).delay().id")
    record = shown.task(task)
    assert (record["kind"], record["title"]) == ("group", "add × 5")
    state = shown.until(task, status="completed")
    assert (state["done"], state["total"], state["data"]) == (5, 5, [0, 2, 4, 6, 8])


def test_a_chain_is_its_last_task(worker, call, shown):
    task = call("chain_ids(add.s(1, 1), add.s(2), add.s(3))")
    assert [shown.task(one).get("parent", "") for one in task] == [task[-1], task[-1], ""]
    shown.until(task[-1], status="completed", data=7)


def test_the_rest_of_a_chain_ends_with_a_failure(worker, call, shown):
    ids = call("chain_ids(fail.s('broken'), add.s(2), group([add.s(1), add.s(2)]), total.s())")
    for task in ids:
        assert shown.until(task, status="error")["error"]["type"] == "ValueError"


def test_a_chord_waits_for_its_header(worker, call, shown):
    body, header = call("chord_ids([add.s(1, 1), chain(add.s(2, 2), add.s(3))], total.s())")
    shown.until(body, status="completed", data=9)
    assert shown.task(header)["parent"] == body
    shown.until(header, status="completed", data=[2, 7])
    body, header = call("chord_ids([add.s(1, 1), fail.s('no part')], total.s())")
    shown.until(header, status="error")
    assert "no part" in shown.until(body, status="error")["message"]


def test_what_a_task_publishes_is_a_part_of_it(worker, call, shown):
    task = call("spawn.delay().id")
    child = shown.until(task, status="completed")["data"]
    shown.until(child, status="completed", data=3)
    assert shown.task(child)["parent"] == task
