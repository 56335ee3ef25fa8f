"""The run of one job on a log in memory: when it begins an attempt, and what it leaves to others."""

import asyncio

import msgspec

from headway import codec
from headway.eventlog.deletion import mark_deleted
from headway.events import Cancel, Chunk
from headway.ownership import Ownership
from headway.records import JobMessage
from headway.testing import progress
from headway_processor.admission import Admission
from headway_processor.suspects import Suspect
from tests.fixtures.condition import until
from tests.unit.processor.conftest import Params, append, noop, statuses


async def test_result_is_stored_before_the_job_is_acked(bench):
    async def handler(job, params: Params):
        return {"doubled": params.count * 2}

    assert await bench.run(handler, b'{"count": 4}') == ["ack"]
    assert statuses(bench) == ["processing", "completed"]
    assert (bench.last.progress, bench.last.data) == (100.0, {"doubled": 8})
    assert bench.metrics.seen == ["started", "completed"]


async def test_events_name_the_owner_that_the_job_names(bench):
    job = JobMessage(task="t1", kind="k", owner="ann", tenant="acme")
    assert await bench.run(noop, payload=codec.encode_json(job)) == ["ack"]
    assert {stored.ownership for stored in await bench.log.read("t1")} == {Ownership("ann", "acme")}


async def test_job_handed_back_before_it_began_is_not_kept(bench):
    async def handler(job):
        await asyncio.Event().wait()

    run = bench.job(handler)
    run.hand_back()
    await run.run()
    assert statuses(bench) == ["processing", "retrying"]
    assert run.delivery.answers == [("nak", 0.0)]


async def test_lost_attempt_is_tried_again_and_given_up_in_the_end(bench):
    await append(bench, progress(failed=1, alone=True, lost=1), Chunk(text="a", offset=0), attempt=2)
    assert await bench.run(noop) == ["ack"]
    assert [(event.failed, event.lost, event.alone) for event in bench.events[-2:]] == [(2, 2, True), (2, 0, False)]


async def test_suspect_that_has_to_wait_says_so_once_and_keeps_its_attempts(bench):
    admission = Admission()
    other = await admission.enter(Suspect(2), lambda: None)
    await append(bench, progress(percent=40.0, lost=1), attempt=1)
    for _ in range(2):
        [(answer, delay_seconds)] = await bench.run(noop, admission=admission)
        assert (answer, 0.5 <= delay_seconds <= 2.0) == ("nak", True)
    assert [(event.status, event.progress, event.attempt) for event in bench.events[1:]] == [("retrying", 40.0, 2)]
    other.leave()
    assert await bench.run(noop, admission=admission) == ["ack"]
    assert [(event.attempt, event.failed, event.lost) for event in bench.events[-2:]] == [(3, 0, 2), (3, 0, 0)]


async def test_attempt_that_makes_room_for_another_task_is_handed_back(bench):
    async def handler(job):
        run.make_room()
        await asyncio.Event().wait()

    run = bench.job(handler)
    await run.run()
    assert (bench.last.status, bench.last.failed, "runs alone here" in bench.last.message) == ("retrying", 0, True)
    assert run.delivery.answers == [("nak", 0.0)]


async def test_attempt_that_passes_its_trial_lets_others_begin_beside_it(bench, monkeypatch):
    monkeypatch.setattr("headway_processor.suspects.FIRST_SECONDS", 0.01)

    async def handler(job):
        await until(lambda: not bench.last.alone)

    await append(bench, progress("retrying", lost=2), attempt=2)
    assert await bench.run(handler) == ["ack"]
    assert [event.alone for event in bench.events[1:]] == [True, False, False]


async def test_cancel_that_comes_while_an_attempt_begins_is_obeyed(bench, monkeypatch):
    await append(bench, progress("queued"))
    real = bench.log.put

    async def put(*args, **options):
        monkeypatch.setattr(bench.log, "put", real)
        await append(bench, Cancel(reason=""))
        return await real(*args, **options)

    monkeypatch.setattr(bench.log, "put", put)
    assert await bench.run(noop) == ["ack"]
    assert statuses(bench) == ["queued", "Cancel", "cancelled"]


async def test_attempt_that_another_processor_has_begun_is_left_alone(bench, monkeypatch):
    await append(bench, progress("queued"))
    real = bench.log.put

    async def put(*args, **options):
        monkeypatch.setattr(bench.log, "put", real)
        await append(bench, progress(), attempt=1)
        return await real(*args, **options)

    monkeypatch.setattr(bench.log, "put", put)
    assert await bench.run(noop) == []
    assert statuses(bench) == ["queued", "processing"]


async def test_job_is_run_when_the_log_is_back(bench):
    bench.log.away = True
    running = asyncio.create_task(bench.run(noop))
    await asyncio.sleep(0)
    bench.log.away = False
    assert await running == ["ack"]
    assert bench.last.status == "completed"


async def test_running_job_is_not_delivered_to_others(bench):
    bench.settings = msgspec.structs.replace(bench.settings, ack_wait_seconds=0.01)

    async def handler(job):
        await until(lambda: run.delivery.extended > 2)

    run = bench.job(handler)
    await run.run()
    assert bench.last.status == "completed"


async def test_failure_of_our_own_leaves_the_job_to_another_delivery(bench, monkeypatch):
    async def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("headway_processor.jobs.run.read_log_end", broken)
    assert await bench.run(noop) == []


async def test_job_of_a_deleted_task_runs_nothing_and_has_the_task_removed_again(bench):
    await mark_deleted(bench.log, "t1")
    assert await bench.run(noop) == ["ack"]
    assert (statuses(bench), bench.metrics.seen, bench.deletions.tasks) == (["deleted"], [], ["t1"])


async def test_attempt_whose_task_was_deleted_meanwhile_stores_nothing_and_has_it_removed_again(bench):
    async def handler(job):
        bench.log.mute = True
        await append(bench, progress("completed", 100.0), attempt=1)
        await mark_deleted(bench.log, "t1")
        return "late"

    assert await bench.run(handler) == ["ack"]
    assert statuses(bench)[-1] == "deleted"
    assert "late" not in str(bench.events)
    assert bench.deletions.tasks == ["t1"]


async def test_end_of_a_task_is_noted_if_its_kind_has_a_retention(bench):
    run = bench.job(noop, retention=60.0)
    await run.run()
    assert (bench.deletions.ended, bench.deletions.tasks) == ([("k", "t1")], [])
    assert await bench.run(noop) == ["ack"]
    assert len(bench.deletions.ended) == 1
