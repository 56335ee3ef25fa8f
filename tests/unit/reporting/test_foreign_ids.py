"""Ids of queues as task ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.reporting.foreign_ids import task_id
from headway.subjects import check_task


@pytest.mark.parametrize("job_id", ["a", "0" * 64, "6f1c-_Z"])
def test_a_valid_id_stays_as_it_is(job_id):
    assert task_id(job_id) == job_id


@given(st.text())
def test_any_id_becomes_a_valid_one(job_id):
    assert check_task(task_id(job_id))


def test_different_ids_stay_different():
    ids = ["a:b", "a.b", "a/b", "a-b", "x" * 65, "x" * 66, ""]
    assert len({task_id(one) for one in ids}) == len(ids)
