"""What a cluster is about: the terms that distinguish it, and the texts nearest to its centre. No I/O."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from headway_kinds.cluster.grouping import Labels
from headway_kinds.cluster.report import MAX_EXAMPLE_CHARS, MAX_EXAMPLES, MAX_TERMS, short
from headway_kinds.cluster.texts import Texts
from headway_kinds.cluster.vectors import Vectors

CANDIDATES = 50
"""Number of texts near the centre among which the examples are chosen: equal ones are shown once."""


def top_terms(weights: csr_matrix, labels: Labels, terms: list[str]) -> list[list[str]]:
    """Return the terms of each cluster whose mean weight exceeds most that in the other clusters."""
    sizes = np.bincount(labels)
    membership = csr_matrix((np.ones(len(labels), dtype=np.float32), (labels, np.arange(len(labels)))))
    sums: NDArray[np.float32] = (membership @ weights).toarray()
    whole = sums.sum(axis=0)
    found = []
    for group, size in enumerate(sizes):
        others = max(len(labels) - size, 1)
        score = sums[group] / size - (whole - sums[group]) / others
        ranked = np.argsort(-score, kind="stable")[:MAX_TERMS]
        found.append([terms[term] for term in ranked if sums[group][term] > 0])
    return found


def examples(texts: Texts, rows: NDArray[np.intp], vectors: Vectors, labels: Labels) -> list[list[str]]:
    """Return the texts of each cluster that are nearest to its centre, each once.

    Args:
        rows: the number of the text of each vector.
    """
    found = []
    for group in range(int(labels.max()) + 1):
        members = np.flatnonzero(labels == group)
        nearness = vectors[members] @ vectors[members].mean(axis=0)
        near = members[np.argsort(-nearness, kind="stable")[:CANDIDATES]]
        shown = dict.fromkeys(short(texts[int(rows[member])], MAX_EXAMPLE_CHARS) for member in near)
        found.append(list(shown)[:MAX_EXAMPLES])
    return found
