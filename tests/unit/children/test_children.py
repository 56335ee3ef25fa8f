"""Handlers with children, on a log in memory."""

import asyncio
import json
import math
from contextlib import asynccontextmanager
from importlib import import_module

import msgspec
import pytest

from headway import codec
from headway.children import children as bounds
from headway.children.children import Children, Parent, Report, Stores
from headway.children.waits import NoSlot
from headway.errors import ChildFailedError, ChildrenError
from headway.eventlog.chain import Chain, read_head
from headway.kind import Registry
from headway.progress.parts import Parts
from headway.records import KindRecord
from headway.submission import Submission
from headway.testing import MemoryBucket, MemoryJobQueue, MemoryLog, progress, start_job
from headway.testing.children import child_stores

pytestmark = pytest.mark.looptime


async def double(params):
    await asyncio.sleep(params.get("seconds", 0))
    if params.get("fail"):
        raise ValueError("no luck")
    return params.get("n", 0) * 2


@asynccontextmanager
async def job_of(log, task="p1", **options):
    job = start_job(log, task, children={"double": double}, **options)
    try:
        yield job
    finally:
        await job.abort()


@pytest.fixture
async def log():
    return MemoryLog()


@pytest.fixture
async def job(log):
    async with job_of(log) as made:
        yield made


def last(log, task="p1"):
    return next(event for event in reversed(log.events(task)) if hasattr(event, "progress"))


async def test_a_child_is_awaited(job):
    child = await job.submit("double", {"n": 4})
    assert (await child, await child.result(), child.kind, child.done()) == (8, 8, "double", True)


async def test_results_come_in_the_order_of_the_children(job):
    children = [await job.submit("double", {"n": n, "seconds": 10 - n}) for n in range(5)]
    assert await job.gather(*children) == [0, 2, 4, 6, 8]
    assert [await child async for child in job.as_completed(*children)] == [0, 2, 4, 6, 8]


async def test_children_are_yielded_as_they_end(job):
    children = [await job.submit("double", {"n": n, "seconds": 10 - n}) for n in range(3)]
    assert [await child async for child in job.as_completed(*children)] == [4, 2, 0]


async def test_the_first_failure_cancels_the_rest_and_is_raised(job, log):
    children = [await job.submit("double", {"seconds": 100}), await job.submit("double", {"fail": True})]
    with pytest.raises(ChildFailedError, match="failed: ValueError: no luck") as caught:
        await job.gather(*children)
    assert caught.value.child == children[1].task
    assert [child.status for child in children] == ["cancelled", "error"]
    assert last(log, children[0].task).message == f"its sibling {children[1].task} was not successful"


async def test_with_continue_errors_stand_in_place_of_results(job, log):
    children = [await job.submit("double", {"fail": True}), await job.submit("double", {"n": 2, "seconds": 5})]
    failed, fine = await job.gather(*children, on_failure="continue")
    assert (failed.child, failed.error_type, failed.reason, fine) == (children[0].task, "ValueError", "no luck", 4)
    await job.flush()
    assert [event.message for event in log.events("p1") if hasattr(event, "level")] == [str(failed)]


async def test_a_child_that_does_not_end_when_cancelled_is_not_waited_for_indefinitely(log):
    stores = child_stores(log, {"double": double})._replace(
        submission=Submission(MemoryBucket(), MemoryJobQueue(), log)
    )
    children = children_of(log, Parent("p1"), stores)
    child = await children.submit("double")
    await Chain(log, child.task, await read_head(log, child.task), attempt=1).begin(progress())
    begun = asyncio.get_running_loop().time()
    await children.end("over")
    assert asyncio.get_running_loop().time() - begun == bounds.CANCEL_SECONDS
    assert (child.done(), children.unobserved, log.events(child.task)[-1].reason) == (False, [], "over")
    await children.close()


async def test_the_bar_moves_within_the_step_by_weight_and_never_back(job, log):
    job.step("load", upto=20)
    job.step("resize", upto=80)
    long, short = await job.submit("double", {"seconds": 20}, weight=3), await job.submit("double", {"n": 1}, weight=1)
    await short
    await job.flush()
    event = last(log)
    assert (event.progress, event.done, event.total, event.unit) == (35.0, 1.0, 2.0, "parts")
    more = [await job.submit("double", {"n": n}) for n in range(50, 54)]
    await job.gather(long, *more)
    job.step("merge")
    await job.submit("double", {"n": 9, "seconds": 5})
    await job.flush()
    event = last(log)
    assert (event.progress, event.step, event.done, event.total) == (80.0, "merge", 0.0, 1.0)
    bars = [event.progress for event in log.events("p1") if hasattr(event, "progress")]
    assert bars == sorted(bars)


async def test_a_count_of_the_handler_is_shown_in_place_of_the_parts(job, log):
    children = [await job.submit("double", {"n": n}) for n in range(4)]
    async for _ in job.as_completed(*children):
        job.advance(10)
    await job.flush()
    assert (last(log).done, last(log).unit) == (40.0, "")


async def test_another_attempt_finds_its_children(log):
    stores = child_stores(log, {"double": double})
    ran = []

    async def attempt(number):
        job = start_job(log, "p1", attempt=number)
        job.lifecycle.adopt(stores, Parent("p1"), NoSlot())
        children = [await job.submit("double", {"n": 1}) for _ in range(2)]
        if number == 1:
            children.append(await job.submit("double", {"n": 1}, key="another"))
        await job.abort()
        ran.append([child.task for child in children])

    await attempt(1)
    await attempt(2)
    assert ran[0][:2] == ran[1]
    assert len(set(ran[0])) == 3


async def test_a_key_names_one_child(job):
    one = await job.submit("double", {"n": 1}, key="k")
    assert await job.submit("double", {"n": 1}, key="k") is one
    with pytest.raises(ChildrenError, match="finds its children by their keys"):
        await job.submit("double", {"n": 2}, key="k")


class Point(msgspec.Struct):
    n: int


@pytest.mark.parametrize("params", [{"n": 2}, Point(2)], ids=["dict", "struct"])
async def test_parameters_are_objects_of_any_kind(job, params):
    assert await (await job.submit("double", params)) == 4


CYCLE: list = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("no kind",), "is not a kind"),
        (("absent",), "no processor runs kind 'absent'"),
        (("double", [1]), "parameters are an object"),
        (("double", {"n": object()}), "no form in JSON"),
        (("double", {"n": CYCLE}), "no form in JSON"),
        (("double", {"n": "x" * 300_000}), "too large"),
    ],
)
async def test_what_cannot_be_submitted_is_an_error_that_says_why(job, log, arguments, words):
    with pytest.raises(ChildrenError, match=words):
        await job.submit(*arguments)
    assert job._children.unobserved == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weight": 0}, "weight"),
        ({"weight": math.nan}, "weight"),
        ({"title": "x" * 201}, "title"),
        ({"tags": ["a,b"]}, "tag"),
        ({"key": ""}, "key"),
        ({"key": 1}, "key"),
    ],
)
async def test_options_that_do_not_fit_are_errors(job, options, words):
    with pytest.raises(ChildrenError, match=words):
        await job.submit("double", **options)


async def test_a_policy_that_is_not_known_is_an_error(job):
    with pytest.raises(ChildrenError, match="'cancel' or 'continue'"):
        await job.gather(on_failure="ignore")


async def test_children_and_depth_are_bounded(job, log, monkeypatch):
    monkeypatch.setattr(bounds, "MAX_CHILDREN", 2)
    for n in range(2):
        await job.submit("double", {"n": n})
    with pytest.raises(ChildrenError, match="at most 2 children"):
        await job.submit("double", {"n": 3})
    deep = children_of(log, Parent("p2", depth=bounds.MAX_DEPTH))
    with pytest.raises(ChildrenError, match="8 parents above it"):
        await deep.submit("double")


def children_of(log, parent, stores=None):
    report = Report(Parts, lambda: None, lambda _: None, lambda: False)
    return Children(parent, stores or child_stores(log, {"double": double}), report, NoSlot())


async def test_title_and_tags_are_its_own_and_those_of_its_kind(log):
    stores = child_stores(log, {"double": double})
    stores.kinds._bucket.set("double", codec.encode_json(KindRecord(kind="double", title="Double {n}", tags=["maths"])))
    children = children_of(log, Parent("p1"), stores)
    one = await children.submit("double", {"n": 1})
    two = await children.submit("double", {"n": 2}, title="Twice", tags="eu")
    records = [json.loads(await stores.submission._records.get(child.task)) for child in (one, two)]
    assert [(record["title"], record["tags"], record["parent"]) for record in records] == [
        ("Double 1", ["maths"], "p1"),
        ("Twice", ["eu", "maths"], "p1"),
    ]
    await children.close()


async def test_a_large_result_is_loaded(log):
    results = child_stores(log, {}).results
    results.results["c"] = b"[1]"
    link = {"href": "/api/v1/tasks/c/result", "bytes": 200_000}
    stores = Stores(**(child_stores(log, {"double": lambda _: link})._asdict() | {"results": results}))
    children = children_of(log, Parent("p1"), stores)
    child = await children.submit("double")
    with pytest.raises(ChildrenError, match="not kept any more"):
        await child
    results.results[child.task] = b"[1]"
    assert await child == [1]
    await children.close()


async def test_it_waits_while_nats_is_unreachable(job, log):
    log.away = True
    submitting = asyncio.create_task(job.submit("double", {"n": 1}))
    await asyncio.sleep(30)
    assert not submitting.done()
    log.away = False
    assert await (await submitting) == 2


async def test_a_job_that_nobody_runs_cannot_have_children(log):
    job = start_job(log, "t1")
    for call in (lambda: job.submit("double"), lambda: job.gather()):
        with pytest.raises(ChildrenError, match="cannot have children"):
            await call()
    with pytest.raises(ChildrenError, match="cannot have children"):
        _ = job.blocking
    await job.abort()


async def test_the_handlers_of_the_how_to_run_as_printed(printed, monkeypatch):
    monkeypatch.setattr(import_module("headway.task"), "REGISTRY", Registry())
    names = {}
    for block in printed:
        exec(compile(block.text, str(block), "exec"), names)
    await names["test_album_adds_up_its_pictures"]()

    def resize(params):
        if params["picture"] == "broken":
            raise ValueError("no picture")
        return len(params["picture"])

    album = names["Album"](["one", "broken"])
    job = start_job(MemoryLog(), "p1", children={"resize": resize})
    result = await names["gallery"](job, album)
    assert (result["resized"], len(result["failed"])) == (1, 1)
    await job.abort()
    job = start_job(MemoryLog(), "p2", children={"resize": resize})
    assert await asyncio.to_thread(names["contact_sheet"], job, names["Album"](["one", "three"])) == 8
    await job.abort()
