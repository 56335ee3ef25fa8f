"""The picture of clusters: which points, and where."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headway_kinds.cluster.picture import LEAST_PER_CLUSTER, project, sample


@given(st.lists(st.integers(1, 300), min_size=1, max_size=50), st.integers(250, 400))
def test_the_sample_is_bounded_and_shows_every_cluster(sizes, limit):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    chosen = sample(labels, limit, np.random.RandomState(0))
    assert len(chosen) <= limit
    assert len(set(chosen.tolist())) == len(chosen)
    shown = np.bincount(labels[chosen], minlength=len(sizes))
    if len(labels) <= limit or len(sizes) * LEAST_PER_CLUSTER * 2 <= limit:
        assert all(count >= min(size, 1) for count, size in zip(shown, sizes, strict=True))


def test_the_plane_shows_the_directions_of_most_variance():
    vectors = np.array([[1, 0, 0.1], [-1, 0, 0.1], [0, 0.5, 0.1], [0, -0.5, 0.1]], dtype=np.float32)
    places, explained = project(vectors, np.arange(4), np.random.RandomState(0))
    assert explained == 100
    assert np.allclose(np.abs(places), [[1, 0], [1, 0], [0, 0.5], [0, 0.5]], atol=1e-3)


def test_points_without_variance_or_with_one_dimension_have_a_place_too():
    same = np.ones((3, 2), dtype=np.float32)
    assert project(same, np.arange(3), np.random.RandomState(0))[0].tolist() == [[0, 0]] * 3
    line = np.array([[1], [-1]], dtype=np.float32)
    places, explained = project(line, np.arange(2), np.random.RandomState(0))
    assert (np.abs(places).tolist(), explained) == ([[1, 0], [1, 0]], 100)
