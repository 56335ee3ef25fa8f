"""The picture of clusters: a bounded sample of the texts as points on a plane. No I/O."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from headway_kinds.cluster.grouping import Labels
from headway_kinds.cluster.vectors import Vectors

FIT_ROWS = 10_000
LEAST_PER_CLUSTER = 5
DECIMALS = 4

Plane = NDArray[np.float64]


def project(vectors: Vectors, chosen: Labels, random: np.random.RandomState) -> tuple[Plane, float]:
    """Return the two main components of the chosen vectors, and the percentage of the variance that they hold."""
    fitted = vectors[np.sort(random.permutation(len(vectors))[:FIT_ROWS])]
    plane = np.zeros((len(chosen), 2))
    if len(fitted) < 2 or not np.ptp(fitted, axis=0).any():  # all are the same
        return plane, 100.0
    components = PCA(min(2, *fitted.shape), svd_solver="full").fit(fitted)
    places = components.transform(vectors[chosen])
    plane[:, : places.shape[1]] = places
    return plane.round(DECIMALS), round(100 * float(components.explained_variance_ratio_.sum()), 1)


def sample(labels: Labels, limit: int, random: np.random.RandomState) -> Labels:
    """Return up to `limit` rows in ascending order: of each cluster its share, but five where it has as many."""
    if len(labels) <= limit:
        return np.arange(len(labels))
    chosen = []
    for group, size in enumerate(np.bincount(labels)):
        members = np.flatnonzero(labels == group)
        wanted = min(max(LEAST_PER_CLUSTER, limit * size // len(labels)), size)
        chosen.append(members[np.sort(random.permutation(size)[:wanted])])
    found: Labels = np.sort(np.concatenate(chosen))
    return found if len(found) <= limit else np.sort(random.permutation(found)[:limit])
