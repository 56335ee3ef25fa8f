"""The result of `cluster`."""

from __future__ import annotations

from typing import Literal

import msgspec

MAX_TERMS = 8
MAX_EXAMPLES = 5
MAX_EXAMPLE_CHARS = 200
MAX_POINTS = 1_000
MAX_POINT_CHARS = 80
"""With these limits a result stays below 600 kB."""


class Score(msgspec.Struct, frozen=True):
    """A number of clusters that was tried, and how well it separates the texts: -1 to 1, higher is better."""

    k: int
    silhouette: float


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster."""

    cluster: int
    """Number from 1, the largest cluster first."""
    size: int
    """Number of texts."""
    share: float
    """Percentage of the texts."""
    silhouette: float | None
    """Mean of its texts in the sample: near 1 they are far from other clusters, below 0 they fit others better."""
    terms: list[str]
    """The terms that distinguish it from the other clusters, the most distinctive first."""
    examples: list[str]
    """The texts nearest to its centre."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group of points, which have one colour and shape."""

    group: int
    label: str
    size: int


class Point(msgspec.Struct, frozen=True):
    """One point, and what it stands for."""

    x: float
    y: float
    group: int
    text: str


class Scatter(msgspec.Struct, frozen=True, kw_only=True):
    """A scatter plot, as the page draws it for the field `plot` of any result."""

    type: Literal["scatter"] = "scatter"
    title: str
    note: str
    """How it is to be read."""
    groups: list[Group]
    points: list[Point]


class ClusterReport(msgspec.Struct, frozen=True, kw_only=True):
    """The clusters of texts."""

    source: str
    warnings: list[str]
    """Reasons to doubt the clusters; empty for none."""
    texts: int
    """Number of texts that are in clusters."""
    skipped_empty: int
    skipped_without_terms: int
    """Number of texts with none of the terms, such as those that consist of stop words."""
    cut: int
    """Number of texts of which the first 4,000 characters were read."""
    terms: int
    """Size of the vocabulary."""
    k: int
    """Number of clusters."""
    silhouette: float | None
    """Mean silhouette of a sample of 2,000 texts; null for one cluster."""
    scores: list[Score]
    """The numbers of clusters that were tried for `k=auto`."""
    clusters: list[Cluster]
    explained: float
    """Percentage of the variance of the texts that the picture shows."""
    plot: Scatter
    seconds: float
    texts_per_second: float


def short(text: str, limit: int) -> str:
    """Return at most `limit` characters of `text`."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
