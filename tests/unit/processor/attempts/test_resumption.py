"""The next attempt continues where the last one was, and never from the state of an attempt that was superseded."""

import asyncio

import msgspec
import pytest

from headway import codec
from headway.checkpoint import Checkpoint, StoredCheckpoint, encode_state, pack, unpack
from headway.errors import SupersededError, TaskError
from headway.events import Chunk, LogLine, Progress
from headway.records import JobMessage
from headway.testing import MemoryCheckpoints, progress
from headway_processor.attempts.resumption import Resumption, find_checkpoint, first_progress, remove_checkpoints
from tests.fixtures.condition import until
from tests.unit.processor.conftest import append, statuses


class State(msgspec.Struct):
    """The state of a handler."""

    at: int


def stored_states(bench):
    return [msgspec.msgpack.decode(unpack(packed).state) for packed in bench.checkpoints.kept.values()]


async def until_stored(bench, at):
    await until(lambda: stored_states(bench)[-1:] == [{"at": at}])


def of(bench, attempt):
    return [event for event in bench.events if isinstance(event, Progress) and event.attempt == attempt]


async def test_attempt_after_a_failure_continues_with_state_bar_and_step(bench):
    seen = []

    async def handler(job):
        seen.append(job.restore(State))
        if seen[0] is seen[-1]:
            job.step("Fetching", total=10, unit="pages", upto=80)
            job.update(done=5, message="page 5")
            job.checkpoint(State(5), every=0)
            raise ConnectionError("boom")
        job.step("Fetching", total=10, unit="pages", upto=80)
        job.advance()

    assert await bench.run(handler, retries=1) == [("nak", 1.0)]
    assert await bench.run(handler, retries=1) == ["ack"]
    assert seen == [None, State(5)]
    first, *_, last = of(bench, 2)
    assert (first.progress, first.step, first.message) == (40.0, "Fetching", "page 5")
    assert (first.done, first.total, first.unit) == (5, 10, "pages")
    assert (last.status, last.done) == ("completed", 6)
    assert min(event.progress for event in of(bench, 2)) == 40.0
    assert bench.checkpoints.kept == {}  # completed: there is nothing to continue


@pytest.mark.parametrize(("rows", "expected"), [(range(4, 10), 10), (range(3, 10), 10)])
async def test_loop_that_continues_counts_on(bench, rows, expected):
    async def handler(job):
        if job.restore(State) is None:
            job.update(done=4, total=10)
            job.checkpoint(State(4), every=0)
            raise ConnectionError
        for _ in job.track(rows, initial=rows.start):
            pass

    await bench.run(handler, retries=1)
    await bench.run(handler, retries=1)
    assert (bench.last.status, bench.last.done, bench.last.total) == ("completed", expected, 10)


async def test_state_is_named_after_the_output_before_it(bench):
    async def handler(job):
        for number in range(3):
            job.chunk(f"{number};")
            job.checkpoint(State(number), every=0)
            await job.flush()
        raise TaskError("no", retryable=False)

    await bench.run(handler)
    kept = {task_seq[1]: unpack(packed) for task_seq, packed in bench.checkpoints.kept.items()}
    named = 0
    text = ""
    for event in bench.events:
        text += event.text if isinstance(event, Chunk) else ""
        if isinstance(event, Progress) and event.checkpoint not in (0, named):
            named = event.checkpoint
    assert text == "0;1;2;"
    assert list(kept) == [named] == [bench.last.checkpoint]
    assert msgspec.msgpack.decode(kept[named].state, type=State) == State(2)


async def test_state_that_no_longer_fits_begins_from_the_start_with_a_line_in_the_log(bench):
    async def handler(job):
        if job.attempt == 1:
            job.step("Fetching", total=10)
            job.update(done=5)
            job.checkpoint({"page": "five"}, every=0)
            raise ConnectionError
        assert job.restore(State) is None
        assert job.restore(State) is None
        job.advance()

    await bench.run(handler, retries=1)
    await bench.run(handler, retries=1)
    lines = [event for event in bench.events if isinstance(event, LogLine)]
    assert [line.level for line in lines] == ["warning"]
    assert "does not fit State" in lines[0].message
    assert (bench.last.status, bench.last.done, bench.last.step) == ("completed", 1, "")


async def test_state_that_cannot_be_stored_does_not_end_the_handler(bench):
    def failing():
        raise KeyError("gone")

    async def handler(job):
        for _ in range(3):
            job.checkpoint(object(), every=0)
        job.checkpoint(failing, every=0)

    assert await bench.run(handler) == ["ack"]
    assert bench.last.status == "completed"
    lines = [event.message for event in bench.events if isinstance(event, LogLine)]
    assert len(lines) == 2
    assert "KeyError" in lines[1]


async def test_state_of_a_superseded_attempt_is_never_continued(bench):
    """A zombie may store its state, and cannot name it."""

    async def zombie(job):
        job.checkpoint(State(1), every=0)
        await until_stored(bench, 1)
        await append(bench, progress(checkpoint=job._saver.named), attempt=2)
        job.checkpoint(State(666), every=0)
        await until(lambda: isinstance(job.stopped, SupersededError))

    await bench.run(zombie)
    assert State(666) not in [State(**state) for state in stored_states(bench)[:1]]
    seen = []

    async def handler(job):
        seen.append(job.restore(State))

    await bench.run(handler, retries=5)
    assert seen == [State(1)]


async def test_attempt_that_names_another_state_while_the_next_begins_is_continued_from_that(bench):
    """The other attempt stores a state between the reading of the old one and the first event of the next attempt."""
    old = await bench.checkpoints.put("t1", pack(Checkpoint(state=encode_state(State(1)))))
    await append(bench, progress(checkpoint=old), attempt=1)
    real = bench.checkpoints.get

    async def get(task, seq):
        found = await real(task, seq)
        if seq == old:
            new = await bench.checkpoints.put("t1", pack(Checkpoint(state=encode_state(State(2)))))
            await append(bench, progress(checkpoint=new), attempt=1)
            await bench.checkpoints.drop_before("t1", new)
        return found

    bench.checkpoints.get = get
    seen = []

    async def handler(job):
        seen.append(job.restore(State))

    assert await bench.run(handler, retries=5) == ["ack"]
    assert seen == [State(2)]
    assert statuses(bench)[-1] == "completed"


async def test_handler_in_a_thread_stores_states_from_a_function(bench):
    built = []

    def build():
        built.append(State(len(built)))
        return built[-1]

    def handler(job):
        if restored := job.restore(State):
            return restored.at
        while not built:
            job.checkpoint(build, every=0)
        while not bench.checkpoints.kept:
            job.raise_if_cancelled()
        raise ConnectionError

    await bench.run(handler, retries=1)
    await bench.run(handler, retries=1)
    assert (bench.last.status, bench.last.data) == ("completed", 0)


async def test_job_that_is_handed_back_keeps_its_last_state(bench):
    async def handler(job):
        if (restored := job.restore(State)) is not None:
            return restored.at
        try:
            job.checkpoint(State(1), every=3600)
            begun.set()
            await asyncio.Event().wait()
        finally:
            job.checkpoint(State(2), every=3600)

    begun = asyncio.Event()
    run = bench.job(handler)
    running = asyncio.create_task(run.run())
    await begun.wait()
    run.hand_back()
    await running
    assert stored_states(bench) == [{"at": 2}]
    await bench.run(handler)
    assert bench.last.data == 2


async def test_handler_of_the_how_to_continues(bench, printed):
    class Row:
        amount = 2.5

    read = []

    class Rows(list):
        def __getitem__(self, place):
            read.append(place.start)
            return super().__getitem__(place)

    class Table(msgspec.Struct):
        path: str

    names = {"Table": Table, "read_rows": lambda path: Rows([Row()] * 10)}
    exec(compile(printed[0].text.replace("@task", "#"), str(printed[0]), "exec"), names)

    def handler(job, params: Table):
        if job.attempt == 1:
            job.update(done=4, total=10)
            job.checkpoint(names["State"](4, 10.0), every=0)
            raise ConnectionError
        return names["add_up"](job, params)

    await bench.run(handler, b'{"path": ""}', retries=1)
    await bench.run(handler, b'{"path": ""}', retries=1)
    assert (bench.last.status, bench.last.data, bench.last.done, read) == ("completed", 25.0, 10, [4])


@pytest.mark.looptime
async def test_checkpoint_that_is_lost_is_looked_for_and_then_done_without(bench, caplog):
    assert await find_checkpoint(MemoryCheckpoints(), "t1", 7) is None
    assert caplog.records[-1].action == "checkpoint_lost"


async def failed_task(bench, owner=""):
    """A task that has failed after it stored a state, and the message of the job that continues it."""

    async def handler(job):
        job.update(done=4, total=10)
        job.checkpoint(State(4), every=0)
        await job.flush()
        raise TaskError("no", retryable=False)

    await bench.run(handler)
    return JobMessage(task="t2", kind="k", resume_of="t1", owner=owner)


async def test_retry_of_a_task_continues_from_its_last_state(bench):
    job = await failed_task(bench)
    seen = []

    async def handler(job):
        seen.append(job.restore(State))
        if job.attempt == 1:
            raise ConnectionError

    for _ in range(2):
        await bench.run(handler, payload=codec.encode_json(job), subject="hw.job.k.t2", retries=1)
    assert seen == [State(4), State(4)]
    first, *_, last = bench.log.events("t2")
    assert (first.progress, first.done, last.status) == (40.0, 4, "completed")
    assert [task for task, _ in bench.checkpoints.kept] == ["t1"]  # that of the failed one stays


@pytest.mark.security
async def test_state_of_another_owners_task_is_not_continued(bench):
    job = await failed_task(bench, owner="eve")
    assert await Resumption(bench.log, bench.checkpoints).find(job, None) is None


async def test_retry_of_a_task_without_a_state_begins_from_the_start(bench):
    resumption = Resumption(bench.log, bench.checkpoints)
    assert await resumption.find(JobMessage(task="t2", kind="k", resume_of="t1"), progress("queued")) is None
    assert await resumption.find(JobMessage(task="t2", kind="k"), None) is None


def test_first_event_shows_where_the_attempt_begins():
    assert first_progress(None, failed=2) == progress(failed=2)
    resumed = StoredCheckpoint(9, Checkpoint(state=b"", progress=50.0, step="Reading", done=1, total=2, unit="rows"))
    expected = progress(percent=50.0, step="Reading", done=1, total=2, unit="rows", failed=1, checkpoint=9)
    assert first_progress(resumed, failed=1) == expected


async def test_checkpoints_that_cannot_be_removed_are_left_to_their_age(caplog):
    caplog.set_level("INFO")
    store = MemoryCheckpoints()
    await store.put("t1", b"")
    store.away = True
    await remove_checkpoints(store, "t1")
    assert caplog.records[-1].action == "checkpoint_kept"
