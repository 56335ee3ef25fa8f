"""`headway.report`, in threads and in coroutines."""

from __future__ import annotations

from typing import assert_type

from headway import ReportedJob, flush_reports, report


def script() -> None:
    with report("nightly-import", kind="import", title="Import of the night") as job:
        assert_type(job, ReportedJob)
        job.update(12.5, "reading")
        assert_type(list(job.track(range(3))), list[int])
        assert_type(job.task, str)
        job.set_result({"rows": 3})
    assert_type(flush_reports(), bool)
    assert_type(flush_reports(2.5), bool)


async def coroutine() -> None:
    async with report("nightly-import", owner="ann", tenant=None) as job:
        assert_type(job, ReportedJob)
        await job.flush()


def wrong() -> None:
    report()  # type: ignore[call-arg]
    report(1)  # type: ignore[arg-type]
    report("x", "import")  # type: ignore[call-arg]
    report("x", kind=None)  # type: ignore[arg-type]
    flush_reports("1")  # type: ignore[arg-type]
