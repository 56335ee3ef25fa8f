"""The clustering of texts, step by step, with progress. This module and what it imports need the extra `cluster`."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from headway import Job, TaskError
from headway_kinds.cluster.grouping import ROUNDS, Candidate, Grouper, Labels, best, candidates
from headway_kinds.cluster.picture import project, sample
from headway_kinds.cluster.report import (
    MAX_POINT_CHARS,
    MAX_POINTS,
    Cluster,
    ClusterReport,
    Group,
    Point,
    Scatter,
    Score,
    short,
)
from headway_kinds.cluster.summary import examples, top_terms
from headway_kinds.cluster.terms import Analyser
from headway_kinds.cluster.texts import Material, Texts
from headway_kinds.cluster.vectors import Counts, Reduction, Vectors, Vocabulary

THREADS = 1
"""Of BLAS and OpenMP, which would take all cores: other tasks run beside this one."""
WEAK_SILHOUETTE = 0.05


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How texts are clustered."""

    k: int
    """0 to choose it."""
    max_k: int
    min_texts: int
    """0 to choose it."""
    seed: int


class Grouped(msgspec.Struct, frozen=True):
    """The texts that have terms, their vectors, and the cluster of each."""

    rows: NDArray[np.intp]
    """Numbers of the texts."""
    weights: csr_matrix
    vectors: Vectors
    labels: Labels
    silhouette: float | None
    silhouettes: dict[int, float]
    scores: list[Score]


def analyse(job: Job, material: Material, analyser: Analyser, options: Options, began: float) -> ClusterReport:
    """Cluster texts and return the report. Raises TaskError when there is nothing to cluster.

    Args:
        began: when the task began, by `time.monotonic`.
    """
    texts = material.texts
    if not len(texts):
        raise TaskError("There is nothing to cluster: all texts are empty.", type="NoTexts", retryable=False)
    with threadpool_limits(THREADS):
        random = np.random.RandomState(options.seed)
        terms, weights = _vectorise(job, texts, analyser, options.min_texts)
        rows = np.flatnonzero(np.diff(weights.indptr))
        grouped = _group(job, texts, rows, weights[rows], options, random)
        warnings = [*material.warnings, *_warnings(texts, grouped, options)]
        return _report(job, material, terms, grouped, random, warnings, began)


def _vectorise(job: Job, texts: Texts, analyser: Analyser, min_texts: int) -> tuple[list[str], csr_matrix]:
    job.step("Vectorising", total=2 * len(texts), unit="texts", upto=45)
    vocabulary = Vocabulary(analyser)
    for batch in texts.batches():
        job.raise_if_cancelled()
        vocabulary.add(batch)
        job.advance(len(batch))
    terms = vocabulary.terms(len(texts), min_texts)
    if not terms:
        raise TaskError(
            "None of the texts has a word by which it can be clustered: they consist of stop words, numbers or signs, "
            "or no word is in min_texts of them. Set stop_words to none, or min_texts to 1.",
            type="NoTerms",
            retryable=False,
        )
    counts = Counts(analyser, terms)
    for batch in texts.batches():
        job.raise_if_cancelled()
        counts.add(batch)
        job.advance(len(batch))
    return terms, counts.weights()


def _group(
    job: Job, texts: Texts, rows: NDArray[np.intp], weights: csr_matrix, options: Options, random: np.random.RandomState
) -> Grouped:
    job.step("Reducing", upto=55)
    job.raise_if_cancelled()
    vectors = Reduction(weights, random).apply(weights)
    job.raise_if_cancelled()
    grouper = Grouper(vectors, random, job.raise_if_cancelled)
    distinct = min(len(texts.distinct), len(rows), grouper.distinct)
    chosen, scores = _choose(job, grouper, options, distinct)
    labels = _cluster(job, grouper, chosen, len(rows))
    silhouette, silhouettes = grouper.silhouettes(labels)
    return Grouped(rows, weights, vectors, labels, silhouette, silhouettes, scores)


def _choose(job: Job, grouper: Grouper, options: Options, distinct: int) -> tuple[Candidate, list[Score]]:
    if options.k:
        return grouper.find(min(options.k, distinct)), []
    tried: list[Candidate] = []
    job.step("Choosing k", unit="numbers of clusters", upto=75)
    for k in job.track(candidates(options.max_k, distinct, grouper.count)):
        tried.append(grouper.find(k))
        job.update(message=f"{k} clusters: silhouette {tried[-1].silhouette}")
    scores = [Score(one.k, one.silhouette) for one in tried if one.silhouette is not None]
    return (best(tried) if scores else grouper.find(min(2, distinct))), scores


def _cluster(job: Job, grouper: Grouper, chosen: Candidate, texts: int) -> Labels:
    job.step("Clustering", total=ROUNDS * texts, unit="texts", upto=90)
    job.update(message=f"{chosen.k} {'cluster' if chosen.k == 1 else 'clusters'}")
    return grouper.assign(grouper.refine(chosen, job.advance))


def _report(
    job: Job,
    material: Material,
    terms: list[str],
    grouped: Grouped,
    random: np.random.RandomState,
    warnings: list[str],
    began: float,
) -> ClusterReport:
    texts = material.texts
    job.step("Drawing")
    job.raise_if_cancelled()
    clusters = list(_clusters(texts, terms, grouped))
    plot, explained = _picture(texts, grouped, clusters, random)
    for warning in warnings:
        job.log(warning, "warning")
    seconds = time.monotonic() - began
    return ClusterReport(
        source=material.source,
        warnings=warnings,
        texts=len(grouped.rows),
        skipped_empty=texts.empty,
        skipped_without_terms=len(texts) - len(grouped.rows),
        cut=texts.cut,
        terms=len(terms),
        k=len(clusters),
        silhouette=grouped.silhouette,
        scores=grouped.scores,
        clusters=clusters,
        explained=explained,
        plot=plot,
        seconds=round(seconds, 3),
        texts_per_second=round(len(grouped.rows) / seconds, 1) if seconds > 0 else 0.0,
    )


def _clusters(texts: Texts, terms: list[str], grouped: Grouped) -> Iterator[Cluster]:
    sizes = np.bincount(grouped.labels)
    named = top_terms(grouped.weights, grouped.labels, terms)
    shown = examples(texts, grouped.rows, grouped.vectors, grouped.labels)
    for group, size in enumerate(sizes):
        yield Cluster(
            cluster=group + 1,
            size=int(size),
            share=round(100 * int(size) / len(grouped.labels), 1),
            silhouette=grouped.silhouettes.get(group),
            terms=named[group],
            examples=shown[group],
        )


def _picture(
    texts: Texts, grouped: Grouped, clusters: list[Cluster], random: np.random.RandomState
) -> tuple[Scatter, float]:
    chosen = sample(grouped.labels, MAX_POINTS, random)
    places, explained = project(grouped.vectors, chosen, random)
    points = [
        Point(float(x), float(y), int(grouped.labels[row]) + 1, short(texts[int(grouped.rows[row])], MAX_POINT_CHARS))
        for row, (x, y) in zip(chosen, places, strict=True)
    ]
    shown = f"{len(points):,} of {len(grouped.rows):,} texts" if len(points) < len(grouped.rows) else "Each text"
    scatter = Scatter(
        title="Clusters of texts",
        note=f"{shown}; those with the same words are near each other. It shows {explained:g} % of the variance.",
        groups=[Group(group=one.cluster, label=", ".join(one.terms[:4]), size=one.size) for one in clusters],
        points=points,
    )
    return scatter, explained


def _warnings(texts: Texts, grouped: Grouped, options: Options) -> list[str]:
    found = []
    k = int(grouped.labels.max()) + 1
    if texts.full:
        found.append(f"Only the first {len(texts):,} texts are clustered: a limit of their number or size was reached.")
    if without := len(texts) - len(grouped.rows):
        found.append(f"{without:,} of {len(texts):,} texts are in no cluster: they have none of the terms.")
    if k == 1:
        found.append(
            "There is one cluster: " + ("there is one text." if len(grouped.rows) == 1 else "the texts are alike.")
        )
    elif options.k and k < options.k:
        found.append(f"There are {k} clusters instead of {options.k}: the texts do not differ enough for more.")
    if grouped.silhouette is not None and grouped.silhouette < WEAK_SILHOUETTE:
        found.append("The clusters hardly differ: the texts have few words in common, or are about one subject.")
    return found
