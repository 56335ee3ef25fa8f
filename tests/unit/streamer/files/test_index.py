"""The index of files follows the entries that are stored, whoever stores them."""

import pytest

from headway.errors import UnavailableError
from headway.ownership import Ownership
from headway.testing import MemoryFiles
from headway_streamer.files.index import ENTRY_BYTES, FileIndex

ANN, BOB = Ownership("ann", "acme"), Ownership("bob", "acme")


class Made:
    def __init__(self):
        self.files, self.incarnation, self.now = MemoryFiles(), "one", 1_000.0
        self.index = FileIndex(self.files, lambda: self.incarnation, lambda: self.now)

    def add(self, size, owner="ann", expires=2_000.0, **fields):
        return self.files.add(bytes(size), owner=owner, tenant="acme", expires=expires, **fields).file

    async def names(self, ownership=ANN):
        await self.index.refresh()
        return [record.file for record in self.index.of(ownership)]


@pytest.fixture
async def made():
    return Made()


async def test_an_owner_has_its_own_files_the_newest_first(made):
    first, second = made.add(1, created=1.0), made.add(1, created=2.0)
    other = made.add(1, "bob")
    assert await made.names() == [second, first]
    assert await made.names(BOB) == [other]
    third = made.add(1, created=3.0)
    assert await made.names() == [third, second, first]


async def test_what_is_deleted_or_expired_no_longer_counts(made):
    kept, deleted = made.add(10), made.add(20)
    made.add(30, expires=1_500.0)
    await made.names()
    assert made.index.bytes_by_tenant() == {"acme": 60 + 3 * ENTRY_BYTES}
    await made.files.change(deleted, deleted=True)
    made.now = 1_600.0
    assert await made.names() == [kept]
    assert made.index.bytes_by_tenant() == {"acme": 10 + ENTRY_BYTES}


async def test_a_store_that_was_lost_is_read_from_its_beginning(made):
    made.add(1)
    made.add(1)
    await made.names()
    made.files.entries.clear()
    made.incarnation = "two"
    new = made.add(1)
    assert await made.names() == [new]


async def test_a_store_that_cannot_be_read_raises(made):
    made.files.away = True
    with pytest.raises(UnavailableError):
        await made.names()
