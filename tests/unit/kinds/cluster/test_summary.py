"""The terms and the examples of clusters."""

import numpy as np
from scipy.sparse import csr_matrix

from headway_kinds.cluster.report import MAX_EXAMPLE_CHARS
from headway_kinds.cluster.summary import examples, top_terms
from headway_kinds.cluster.texts import Texts


def test_the_terms_are_those_that_distinguish_a_cluster():
    terms = ["common", "door", "roof", "unused"]
    weights = csr_matrix(np.array([[0.9, 0.4, 0, 0], [0.9, 0.4, 0, 0], [0.9, 0, 0.4, 0]], dtype=np.float32))
    assert top_terms(weights, np.array([0, 0, 1]), terms) == [["door", "common"], ["roof", "common"]]


def test_a_single_cluster_has_its_most_frequent_terms():
    weights = csr_matrix(np.array([[0.9, 0.1], [0.8, 0.2]], dtype=np.float32))
    assert top_terms(weights, np.array([0, 0]), ["often", "rarely"]) == [["often", "rarely"]]


def test_the_examples_are_the_texts_nearest_to_the_centre_each_once():
    texts = Texts()
    for text in ("skipped", "centre", "far", "centre", "y" * 1000):
        texts.add(text)
    vectors = np.array([[1, 0], [0.6, 0.8], [1, 0], [0, 1]], dtype=np.float32)
    found = examples(texts, np.array([1, 2, 3, 4]), vectors, np.array([0, 0, 0, 1]))
    assert found == [["centre", "far"], ["y" * (MAX_EXAMPLE_CHARS - 1) + "…"]]
