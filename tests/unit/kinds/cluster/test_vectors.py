"""Vocabulary, TF-IDF and reduction of texts."""

import numpy as np

from headway_kinds.cluster.terms import analyser
from headway_kinds.cluster.vectors import DIMENSIONS, Counts, Reduction, Vocabulary

WORDS = analyser()


def vocabulary(texts, **given):
    found = Vocabulary(WORDS, **given)
    found.add(texts)
    return found


def weights(texts, terms=None):
    counts = Counts(WORDS, vocabulary(texts).terms(len(texts)) if terms is None else terms)
    for text in texts:
        counts.add([text])
    return counts.weights()


def test_few_texts_keep_all_terms_and_many_those_that_connect_some_of_them():
    assert vocabulary(["red red door", "red roof"]).terms(2) == ["door", "red", "roof"]
    many = [f"everywhere {'even' if number % 2 == 0 else 'odd'} only{number}" for number in range(100)]
    assert vocabulary(many).terms(100) == ["even", "odd"]
    assert vocabulary(many).terms(100, min_texts=51) == ["everywhere"]  # all others occur too rarely
    assert vocabulary(["alike"] * 100).terms(100) == ["alike"]
    assert vocabulary(many).terms(100, min_texts=101) == []


def test_the_vocabulary_is_bounded_by_the_most_frequent_terms():
    texts = [f"common word{number}" for number in range(20)]
    assert vocabulary(texts).terms(20, max_terms=1) == ["common"]
    found = Vocabulary(WORDS, max_counted=10)
    for text in texts:
        found.add([text])
    terms = found.terms(20)
    assert "common" in terms
    assert len(terms) <= 10


def test_rare_terms_weigh_more_and_rows_have_length_one():
    found = weights(["red door", "red roof", "red", "---"], ["door", "red", "roof"])
    assert found.dtype == np.float32
    first = found[0].toarray()[0]
    assert first[0] > first[1] > first[2] == 0
    assert np.allclose(np.sqrt(found.multiply(found).sum(axis=1)).ravel(), [1, 1, 1, 0])


def test_a_large_vocabulary_is_reduced_and_a_small_one_is_not():
    small = weights(["red door", "green roof"])
    assert Reduction(small, np.random.RandomState(0)).apply(small).shape == (2, 4)
    texts = [
        f"subject{number % 3} of{number % 3} " + " ".join(f"w{number}n{at}" for at in range(3)) for number in range(90)
    ]
    large = weights(texts)
    vectors = Reduction(large, np.random.RandomState(0)).apply(large)
    assert vectors.shape == (90, DIMENSIONS)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    near, far = vectors[0] @ vectors[3], vectors[0] @ vectors[1]
    assert near > 3 * far
