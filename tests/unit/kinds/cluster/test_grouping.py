"""How many groups there are, and which vector is in which."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway import TaskCancelledError
from headway_kinds.cluster.grouping import MAX_CANDIDATES, Candidate, Grouper, best, candidates


def vectors(groups, each, spread=0.05):
    """Vectors of length 1 around as many axes as there are groups."""
    random = np.random.RandomState(1)
    found = np.repeat(np.eye(groups, 8), each, axis=0) + random.normal(0, spread, (groups * each, 8))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def grouper(found, **given):
    return Grouper(found, np.random.RandomState(0), **given)


@given(st.integers(2, 50), st.integers(1, 1000), st.integers(0, 2))
def test_candidates_are_few_ascending_and_possible(max_k, distinct, more):
    highest = min(max_k, distinct, distinct + more - 1)
    found = candidates(max_k, distinct, distinct + more)
    assert found == sorted(set(found))
    assert len(found) <= MAX_CANDIDATES
    assert all(2 <= k <= highest for k in found)
    assert bool(found) == (highest >= 2)
    assert not found or found[-1] == highest


def test_the_silhouette_finds_the_number_of_groups():
    grouped = grouper(vectors(4, 30))
    tried = [grouped.find(k) for k in candidates(8, grouped.distinct, grouped.count)]
    assert best(tried).k == 4
    assert best(tried).silhouette > 0.9


def test_of_equal_candidates_the_simplest_is_best():
    tried = [Candidate(k, None, score) for k, score in ((2, None), (5, 0.5), (3, 0.5), (4, 0.4))]
    assert best(tried).k == 3
    assert best(tried[:1]).k == 2


def test_groups_are_numbered_by_size_and_empty_ones_left_out():
    found = np.concatenate([vectors(2, 10), vectors(1, 20)])  # 30 around the first axis, 10 around the second
    grouped, counted = grouper(found), []
    model = grouped.refine(grouped.find(2), counted.append)
    labels = grouped.assign(model)
    assert np.bincount(labels).tolist() == [30, 10]
    assert len(set(labels[10:20])) == 1
    assert sum(counted) == 3 * len(found)
    mean, by_group = grouped.silhouettes(labels)
    assert mean > 0.9
    assert set(by_group) == {0, 1}


@pytest.mark.parametrize("rows", [1, 5])
def test_equal_vectors_are_one_group_without_a_silhouette(rows):
    grouped = grouper(np.repeat(vectors(1, 1), rows, axis=0))
    assert grouped.distinct == 1
    labels = grouped.assign(grouped.refine(grouped.find(1), lambda count: None))
    assert labels.tolist() == [0] * rows
    assert grouped.silhouettes(labels) == (None, {})


def test_the_same_seed_gives_the_same_groups():
    found = vectors(3, 40, spread=0.4)
    first, second = (one.assign(one.refine(one.find(5), int)) for one in (grouper(found), grouper(found)))
    assert (first == second).all()


def test_a_cancellation_ends_the_work_between_two_batches():
    calls = []

    def check():
        calls.append(1)
        if len(calls) > 4:
            raise TaskCancelledError("cancelled")

    grouped = grouper(vectors(3, 20), check=check)
    chosen = grouped.find(3)
    assert len(calls) == 4
    with pytest.raises(TaskCancelledError):
        grouped.refine(chosen, int)
