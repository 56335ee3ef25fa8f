"""Whose a task is whose id somebody has chosen."""

import pytest

from headway import codec
from headway.errors import TaskTakenError
from headway.eventlog.chain import EMPTY, Chain
from headway.ownership import Ownership
from headway.records import TaskRecord
from headway.reporting.opening import open_task
from headway.testing import MemoryBucket, MemoryLog, progress

pytestmark = pytest.mark.looptime
RECORD = TaskRecord(task="t1", kind="k", created=1.0, owner="ann", tenant="acme", reported=True)


@pytest.fixture
async def stores():
    return MemoryLog(), MemoryBucket()


def changed(**fields):
    return codec.encode_json(TaskRecord(**{"task": "t1", "kind": "other", "created": 0.5, "reported": True} | fields))


async def test_a_new_task_is_stored_with_its_owner(stores):
    opened = await open_task(*stores, RECORD, adopt=False)
    assert opened.record == RECORD
    assert (opened.end.head.attempt, opened.end.head.ownership) == (0, Ownership("ann", "acme"))
    assert await stores[1].get("t1") == codec.encode_json(RECORD)


@pytest.mark.parametrize("adopt", [False, True])
async def test_a_task_of_the_same_owner_is_continued_where_its_log_ends(stores, adopt):
    log, records = stores
    records.set("t1", changed(owner="ann", tenant="acme"))
    await Chain(log, "t1", EMPTY._replace(ownership=Ownership("ann", "acme")), attempt=3).append(progress(percent=7.0))
    opened = await open_task(log, records, RECORD, adopt=adopt)
    assert (opened.record.kind, opened.end.head.attempt, opened.end.latest.progress) == ("other", 3, 7.0)


@pytest.mark.parametrize(
    "fields", [{"owner": "bob"}, {"owner": "ann"}, {"owner": "bob", "tenant": "acme"}, {"reported": False}, None]
)
async def test_the_task_of_another_owner_or_of_a_processor_cannot_be_taken_over(stores, fields):
    before = b"{" if fields is None else changed(**fields)
    stores[1].set("t1", before)
    with pytest.raises(TaskTakenError):
        await open_task(*stores, RECORD, adopt=False)
    assert (await stores[1].get("t1"), stores[0].events("t1")) == (before, [])


@pytest.mark.parametrize(("fields", "taken"), [({"owner": "bob"}, False), ({"reported": False}, True)])
async def test_a_worker_continues_what_others_have_submitted_to_its_queue(stores, fields, taken):
    stores[1].set("t1", changed(**fields))
    if taken:
        with pytest.raises(TaskTakenError):
            await open_task(*stores, RECORD, adopt=True)
    else:
        assert (await open_task(*stores, RECORD, adopt=True)).record.owner == "bob"
