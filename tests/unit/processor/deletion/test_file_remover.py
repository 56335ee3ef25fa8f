"""Which files are removed, and when."""

import asyncio

import pytest

from headway.testing import MemoryFiles
from headway_processor.deletion.file_remover import GRACE_SECONDS, PERIOD_SECONDS, FileRemover

pytestmark = pytest.mark.looptime
NOW = 1_000_000.0


class Files(MemoryFiles):
    """Forgets what is removed."""

    def __init__(self):
        super().__init__()
        self.removed = []

    async def remove(self, file, purge):
        await self._answer()
        self.removed.append(file)
        self.entries = [record for record in self.entries if record.file != file]


@pytest.fixture
async def files():
    return Files()


async def purge(stream, subject):
    raise AssertionError("the store removes")


def add(files, expires=NOW + 60, **fields):
    return files.add(b"x", expires=expires, **fields).file


async def test_files_that_are_deleted_expired_or_cut_are_removed_and_no_others(files, caplog):
    caplog.set_level("INFO")
    add(files)
    add(files, NOW - GRACE_SECONDS + 1)
    add(files, NOW + 60, sha256="")
    due = [add(files, deleted=True), add(files, NOW - GRACE_SECONDS), add(files, NOW - GRACE_SECONDS, sha256="")]
    prolonged = add(files, NOW - GRACE_SECONDS)
    await files.change(prolonged, expires=NOW + 60)
    await FileRemover(files, purge, lambda: NOW).remove_due()
    assert files.removed == due
    reasons = [record.reason for record in caplog.records if getattr(record, "action", "") == "file_removed"]
    assert reasons == ["requested", "expired", "cut"]


async def test_it_looks_again_and_repeats_what_was_refused(files, caplog):
    working = asyncio.create_task(FileRemover(files, purge, lambda: NOW).keep_removed())
    await asyncio.sleep(1)
    late = add(files, deleted=True)
    await asyncio.sleep(2 * PERIOD_SECONDS)
    assert files.removed == [late]
    files.away = True
    other = add(files, deleted=True)
    await asyncio.sleep(2 * PERIOD_SECONDS)
    assert "file_removal_refused" in [getattr(record, "action", "") for record in caplog.records]
    files.away = False
    await asyncio.sleep(2 * PERIOD_SECONDS)
    assert files.removed == [late, other]
    working.cancel()
