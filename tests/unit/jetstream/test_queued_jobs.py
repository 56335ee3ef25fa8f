"""The queue as it is read without taking jobs."""

import pytest

from headway.jetstream.queued_jobs import QueuedJobs
from headway.subjects import Names

pytestmark = pytest.mark.looptime


@pytest.fixture
def jobs(client):
    return QueuedJobs(client, Names())


async def test_a_page_has_the_jobs_from_a_sequence_on(client, jobs):
    client.answers((7, "t1", b"{}"), (9, "t2", b"{}"))
    assert [(job.seq, job.task) for job in await jobs.page(0)] == [(7, "t1"), (9, "t2")]
    ((subject, request),) = client.published
    assert subject == "$JS.API.DIRECT.GET.HW_JOBS"
    assert request == b'{"next_by_subj":">","seq":1,"batch":256,"max_bytes":1048576}'


async def test_a_job_that_has_replaced_the_one_that_was_read_stays(client, jobs):
    client.answers((7, "t1", b"{}"))
    (job,) = await jobs.page(1)
    purged = []

    async def purge_stream(name, **options):
        purged.append((name, options))

    client.js.purge_stream = purge_stream
    await jobs.remove(job)
    assert purged == [("HW_JOBS", {"subject": job.subject, "seq": 8})]
