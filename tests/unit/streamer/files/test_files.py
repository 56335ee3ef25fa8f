"""Files are seen and deleted by their owners."""

import time

import pytest

from headway.ownership import Ownership
from headway_streamer.problems import Problem

ANN, BOB = Ownership("ann", "acme"), Ownership("bob", "acme")


async def test_an_owner_finds_reads_and_deletes_a_file(parts):
    record = parts.files.add(b"a;b" * 1000, owner="ann", tenant="acme")
    found = await parts.user_files.get(record.file, ANN)
    assert b"".join([part async for part in parts.user_files.read(found)]) == b"a;b" * 1000
    await parts.user_files.delete(record.file, ANN)
    assert await parts.user_files.of(ANN) == []
    with pytest.raises(Problem, match="404"):
        await parts.user_files.delete(record.file, ANN)


@pytest.mark.security
async def test_others_do_not(parts):
    record = parts.files.add(b"x", owner="ann", tenant="acme")
    expired = parts.files.add(b"x", owner="bob", tenant="acme", expires=time.time() - 1)
    refusals = []
    for file in (record.file, expired.file, "absent"):
        for call in (parts.user_files.get, parts.user_files.delete):
            with pytest.raises(Problem) as refused:
                await call(file, BOB)
            refusals.append(str(refused.value))
    assert set(refusals) == {"404 Not Found: There is no such file."}
    assert await parts.user_files.of(BOB) == []
