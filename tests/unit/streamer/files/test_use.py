"""Files that parameters name: one's own, whole and not expired; all others are the same."""

import time

import pytest

from headway.ownership import Ownership
from headway_streamer.files.use import MAX_FILES
from headway_streamer.problems import Problem

ANN = Ownership("ann", "acme")
DAY = 24 * 3600.0


def add(parts, **fields):
    return parts.files.add(b"x", **({"owner": "ann", "tenant": "acme"} | fields)).file


async def refusal(parts, file, ownership=ANN):
    with pytest.raises(Problem) as refused:
        await parts.file_use.check([file], {"options": [{"table": file}]}, ownership)
    return refused.value.status, refused.value.errors


@pytest.mark.security
async def test_a_file_of_another_owner_is_the_same_as_none(parts):
    own = add(parts)
    await parts.file_use.check([own], {"table": own}, ANN)
    others = [
        add(parts, owner="bob"),
        add(parts, tenant="evil"),
        add(parts, sha256=""),
        add(parts, deleted=True),
        "absent",
    ]
    answers = [await refusal(parts, file) for file in others]
    assert len({str(answer) for answer in answers}) == 1
    status, (error,) = answers[0]
    assert (status, error["pointer"]) == (422, "/params/options/0/table")
    assert "there is no such file" in error["detail"]


async def test_an_expired_file_is_called_that(parts):
    _, (error,) = await refusal(parts, add(parts, expires=time.time() - 1))
    assert "has expired" in error["detail"]


async def test_a_file_that_is_used_is_kept_longer_but_not_longer_than_the_stream_keeps_it(parts):
    now = time.time()
    soon, later, old = (
        add(parts, created=created, expires=now + seconds)
        for created, seconds in ((now - 2 * DAY, 60), (now, DAY - 60), (now - 6.5 * DAY, 60))
    )
    await parts.file_use.check([soon, later, old], {}, ANN)
    left = [parts.files.records[file].expires - now for file in (soon, later, old)]
    assert left == [pytest.approx(seconds, abs=60) for seconds in (DAY, DAY - 60, DAY / 2)]


async def test_a_task_takes_a_bounded_number_of_files(parts):
    files = [add(parts) for _ in range(MAX_FILES + 1)]
    await parts.file_use.check(files[:-1], {}, ANN)
    with pytest.raises(Problem, match="32 files at most"):
        await parts.file_use.check(files, {}, ANN)


async def test_a_file_is_kept_until_a_day_after_a_task_that_begins_later(parts):
    now = time.time()
    file = add(parts, created=now, expires=now + DAY)
    await parts.file_use.check([file], {}, ANN, now + 5 * DAY)
    assert parts.files.records[file].expires == pytest.approx(now + 6 * DAY, abs=60)


async def test_a_file_that_is_removed_before_the_task_begins_is_refused(parts):
    now = time.time()
    file = add(parts, created=now - 3 * DAY, expires=now + DAY)
    with pytest.raises(Problem) as refused:
        await parts.file_use.check([file], {"table": file}, ANN, now + 5 * DAY)
    assert refused.value.errors[0]["pointer"] == "/params/table"
    assert "removed before the task begins" in refused.value.errors[0]["detail"]
    assert parts.files.records[file].expires == now + DAY
