"""Groups of similar vectors by k-means: how many there are, and which vector is in which."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.metrics import silhouette_samples

from headway_kinds.cluster.vectors import Vectors

MAX_CANDIDATES = 12
FIT_ROWS = 5_000
"""Number of vectors from which the groups of a candidate are found."""
SCORED_ROWS = 2_000
"""Number of vectors whose silhouette is computed: time and memory grow with its square."""
STARTS = 3
DECIMALS = 5
BATCH_ROWS = 2_000
ROUNDS = 3

Labels = NDArray[np.intp]


class Candidate(msgspec.Struct, frozen=True):
    """The centres of k groups, found from a sample."""

    k: int
    centres: Vectors
    silhouette: float | None
    """None where there is nothing to compare: one group, or one for each vector."""


def candidates(max_k: int, distinct: int, count: int) -> list[int]:
    """Return the numbers of groups to try: all from 2 on, or twelve up to `max_k`, which grow in proportion.

    Args:
        distinct: number of different vectors.
        count: number of vectors. With a group for each there would be no silhouette.

    >>> candidates(5, 99, 99), candidates(50, 99, 99), candidates(12, 3, 3), candidates(12, 3, 9)
    ([2, 3, 4, 5], [2, 3, 4, 5, 6, 9, 12, 16, 21, 28, 37, 50], [2], [2, 3])
    """
    highest = min(max_k, distinct, count - 1)
    if highest < 2:
        return []
    if highest <= MAX_CANDIDATES + 1:
        return list(range(2, highest + 1))
    spaced = 2 * (highest / 2) ** (np.arange(MAX_CANDIDATES) / (MAX_CANDIDATES - 1))
    chosen: list[int] = []
    for wanted in spaced:
        chosen.append(max(round(wanted), chosen[-1] + 1 if chosen else 2))
    return chosen


class Grouper:
    """Groups the rows of `vectors`, each of length 1.

    Args:
        check: called between parts of the work; what it raises ends it.
    """

    def __init__(
        self, vectors: Vectors, random: np.random.RandomState, check: Callable[[], None] = lambda: None
    ) -> None:
        self.count = len(vectors)
        self._vectors = vectors
        self._random = random
        self._check = check
        shuffled = random.permutation(len(vectors))
        self._fitted = vectors[shuffled[:FIT_ROWS]]
        self._scored = vectors[shuffled[:SCORED_ROWS]]
        self.distinct = len(np.unique(self._fitted.round(DECIMALS), axis=0))
        """Number of different vectors in the sample that is fitted, which cannot be in more groups."""

    def find(self, k: int) -> Candidate:
        """Find `k` groups in a sample."""
        best: KMeans | None = None
        for _ in range(STARTS):
            self._check()
            found = KMeans(k, n_init=1, max_iter=50, random_state=self._random).fit(self._fitted)
            if best is None or found.inertia_ < best.inertia_:
                best = found
        assert best is not None
        self._check()
        silhouettes = _silhouettes(self._scored, best.predict(self._scored))
        mean = None if silhouettes is None else round(float(silhouettes.mean()), 4)
        return Candidate(k, best.cluster_centers_, mean)

    def refine(self, candidate: Candidate, advance: Callable[[int], None]) -> MiniBatchKMeans:
        """Move the centres by all vectors in random order, three times.

        Args:
            advance: called with the number of vectors of each batch.
        """
        model = MiniBatchKMeans(
            candidate.k, init=candidate.centres, n_init=1, random_state=self._random, reassignment_ratio=0
        )
        for _ in range(ROUNDS):
            for rows in batches(self._random.permutation(len(self._vectors))):
                self._check()
                model.partial_fit(self._vectors[rows])
                advance(len(rows))
        return model

    def assign(self, model: MiniBatchKMeans) -> Labels:
        """Return the group of each vector, from 0, the largest group first; groups without a vector are left out."""
        parts = [model.predict(self._vectors[rows]) for rows in batches(np.arange(len(self._vectors)))]
        labels = np.concatenate(parts)
        sizes = np.bincount(labels, minlength=model.n_clusters)
        rank = np.empty(len(sizes), dtype=np.intp)
        rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
        ranked: Labels = rank[labels]
        return ranked

    def silhouettes(self, labels: Labels) -> tuple[float | None, dict[int, float]]:
        """Return the mean silhouette of a sample, and that of each group of which it holds a vector."""
        rows = np.sort(self._random.permutation(len(self._vectors))[:SCORED_ROWS])
        found = _silhouettes(self._vectors[rows], labels[rows])
        if found is None:
            return None, {}
        groups = labels[rows]
        means = {int(group): round(float(found[groups == group].mean()), 4) for group in np.unique(groups)}
        return round(float(found.mean()), 4), means


def best(tried: list[Candidate]) -> Candidate:
    """Return the candidate with the highest silhouette; of equal ones that with the fewest groups."""
    return max(tried, key=lambda one: (-2.0 if one.silhouette is None else one.silhouette, -one.k))


def batches(rows: Labels) -> Iterator[Labels]:
    """Yield rows in parts of BATCH_ROWS."""
    for start in range(0, len(rows), BATCH_ROWS):
        yield rows[start : start + BATCH_ROWS]


def _silhouettes(vectors: Vectors, labels: Labels) -> NDArray[np.float64] | None:
    if not 1 < len(np.unique(labels)) < len(vectors):
        return None
    found: NDArray[np.float64] = silhouette_samples(vectors, labels, metric="cosine")
    return found
