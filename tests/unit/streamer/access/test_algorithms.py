"""The accepted algorithms."""

from headway_streamer.access.algorithms import ALGORITHMS, EVERY_ALGORITHM


def test_no_algorithm_belongs_to_two_types_of_keys():
    assert sum(map(len, ALGORITHMS.values())) == len(EVERY_ALGORITHM)
    assert "none" not in EVERY_ALGORITHM
