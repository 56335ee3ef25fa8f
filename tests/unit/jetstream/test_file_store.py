"""The records of files: what is malformed or another's is no file. See also `tests/integration/test_stores.py`."""

import base64

import msgspec
import pytest

from headway.jetstream.file_store import FileStore
from headway.records import FileRecord
from headway.subjects import Names
from tests.unit.jetstream.fakes import stored_in

RECORD = FileRecord(file="f1", created=1.0, expires=2.0, bytes=3, name="a.csv", sha256="00", owner="ann")


@pytest.fixture
def files(client):
    stored_in(client)
    return FileStore(client, Names("hw"))


def entry(**changes):
    fields = {"name": "f1", "bucket": "hw_files", "nuid": "f1", "size": 3, "chunks": 1, "record": RECORD}
    return msgspec.json.encode(fields | changes)


def leader(client, payload):
    client.reply = {"message": {"seq": 3, "data": base64.b64encode(payload).decode()}}


async def test_a_file_is_found_by_its_id(client, files):
    leader(client, entry())
    found = await files.get("f1")
    assert (found.name, found.owner, found.whole) == ("a.csv", "ann", True)
    assert await files.get("not.a.name") is None


@pytest.mark.security
@pytest.mark.parametrize(
    "payload",
    [b"{", b"\xff", entry(name="f2"), entry(nuid="*"), entry(record=msgspec.structs.replace(RECORD, file="f2"))],
    ids=repr,
)
async def test_what_is_no_entry_of_the_file_is_no_file(client, files, payload):
    leader(client, payload)
    assert await files.get("f1") is None
    assert await files.change("f1", deleted=True) is None


async def test_pages_leave_out_what_is_malformed(client, files):
    subject = f"$O.hw_files.M.{base64.urlsafe_b64encode(b'f1').decode()}"
    for at, payload in ((subject, b"{"), ("$O.hw_files.M.!", entry()), (subject, entry())):
        client.js.published.append((at, payload, None, None))
    found, start = [], 1
    while True:
        page, following = await files.page(start)
        found += page
        if following == start:
            break
        start = following
    assert [(one.seq, one.record.file) for one in found] == [(3, "f1")]
    assert start == 4
