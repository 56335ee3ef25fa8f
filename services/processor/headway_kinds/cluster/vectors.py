"""Texts as vectors: TF-IDF over a vocabulary of bounded size, reduced to a few dimensions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.preprocessing import normalize

from headway_kinds.cluster.terms import Analyser

MAX_TERMS = 20_000
"""Size of the vocabulary: the terms that occur in most texts."""
MAX_COUNTED = 400_000
"""Number of different terms that are counted at a time."""
MANY_TEXTS = 100
"""From this number of texts on a term must occur in two of them, and in no more than half of them."""
DIMENSIONS = 64
FIT_ROWS = 10_000
"""Number of texts from which the dimensions are found."""

Vectors = NDArray[np.float32]


class Vocabulary:
    """Counts in how many texts each term occurs; the rarest are forgotten when there are too many."""

    def __init__(self, analyse: Analyser, max_counted: int = MAX_COUNTED) -> None:
        self._analyse = analyse
        self._max_counted = max_counted
        self._counts: Counter[str] = Counter()

    def add(self, texts: Iterable[str]) -> None:
        """Count the terms of texts."""
        for text in texts:
            self._counts.update(set(self._analyse(text)))
        if len(self._counts) > self._max_counted:
            self._counts = Counter(dict(self._counts.most_common(self._max_counted // 2)))

    def terms(self, texts: int, min_texts: int = 0, max_terms: int = MAX_TERMS) -> list[str]:
        """Return the terms that describe a number of texts, in alphabetical order.

        Args:
            texts: number of texts that were added.
            min_texts: number of texts in which a term must occur; 0 for two of a hundred or more texts, else one.
        """
        many = texts >= MANY_TEXTS
        least = min_texts or (2 if many else 1)
        most = texts / 2 if many else texts
        found = [(-count, term) for term, count in self._counts.items() if least <= count <= most]
        if not found and many:  # all texts are alike
            found = [(-count, term) for term, count in self._counts.items() if count >= least]
        return sorted(term for _, term in sorted(found)[:max_terms])


class Counts:
    """Counts the terms of a vocabulary in texts, batch by batch."""

    def __init__(self, analyse: Analyser, terms: list[str]) -> None:
        self._counter = CountVectorizer(analyzer=analyse, vocabulary=terms, dtype=np.float32)
        self._rows: list[csr_matrix] = []

    def add(self, texts: list[str]) -> None:
        """Count the terms of texts."""
        rows = self._counter.transform(texts)
        rows.indices = rows.indices.astype(np.int32, copy=False)
        self._rows.append(rows)

    def weights(self) -> csr_matrix:
        """Return the TF-IDF of all texts added, a row of length 1 for each; a row without terms is 0."""
        counts = vstack(self._rows, format="csr", dtype=np.float32)
        self._rows.clear()
        return TfidfTransformer(sublinear_tf=True).fit(counts).transform(counts, copy=False)


class Reduction:
    """Latent semantic analysis: finds the dimensions in which texts differ most, and projects texts on them."""

    def __init__(self, weights: csr_matrix, random: np.random.RandomState) -> None:
        rows, terms = weights.shape
        self._svd: TruncatedSVD | None = None
        if terms > DIMENSIONS:
            sample = weights[np.sort(random.permutation(rows)[:FIT_ROWS])]
            dimensions = min(DIMENSIONS, sample.shape[0])
            self._svd = TruncatedSVD(dimensions, n_iter=3, random_state=random).fit(sample)

    def apply(self, weights: csr_matrix) -> Vectors:
        """Return vectors of length 1 for rows of TF-IDF."""
        vectors = weights.toarray() if self._svd is None else self._svd.transform(weights)
        found: Vectors = normalize(vectors.astype(np.float32, copy=False), copy=False)
        return found
