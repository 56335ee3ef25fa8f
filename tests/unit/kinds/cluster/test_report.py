"""The size of a result is bounded."""

import msgspec

from headway_kinds.cluster.report import (
    MAX_EXAMPLE_CHARS,
    MAX_EXAMPLES,
    MAX_POINT_CHARS,
    MAX_POINTS,
    MAX_TERMS,
    Cluster,
    Point,
    short,
)


def test_a_text_is_cut_to_its_limit():
    assert short("four", 4) == "four"
    assert short("longer", 4) == "lon…"


def test_the_largest_result_stays_below_600_kb():
    word = "日" * 40
    cluster = Cluster(
        cluster=50,
        size=200_000,
        share=99.9,
        silhouette=-0.9999,
        terms=[word] * MAX_TERMS,
        examples=["日" * MAX_EXAMPLE_CHARS] * MAX_EXAMPLES,
    )
    point = Point(-0.9999, -0.9999, 50, "日" * MAX_POINT_CHARS)
    assert 50 * len(msgspec.json.encode(cluster)) + MAX_POINTS * len(msgspec.json.encode(point)) < 600_000
