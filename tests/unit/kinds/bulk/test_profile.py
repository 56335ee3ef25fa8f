"""A column's profile, against a model that does it the plain way."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_kinds.bulk.profile import MAX_SHOWN_CHARS, Column, TopValue, columns
from headway_kinds.bulk.values import NULLS, moment, type_of, unite


def profiled(*batches, **options):
    column = Column("c", **options)
    for batch in batches:
        column.add(batch)
    return column.profile()


CELLS = st.one_of(
    st.sampled_from(["", " ", "null", "NULL", "\\N", "true", "No", "x", "abc", "NA"]),
    st.integers(-50, 50).map(str),
    st.floats(-1e6, 1e6).map(str),
    st.dates().map(str),
    st.datetimes().map(str),
    st.text(max_size=8),
)
LIKE = st.sampled_from(
    [
        st.integers(-(10**17), 10**17).map(str),
        st.one_of(st.integers(-9, 9).map(str), st.floats(-1e6, 1e6).map(str)),
        st.dates().map(str),
        st.one_of(st.dates().map(str), st.datetimes().map(str)),
        CELLS,
    ]
).flatmap(lambda cells: st.lists(st.lists(cells, max_size=20), max_size=5))


def extent(kind, values):
    if kind == "empty":
        return None, None
    if kind in ("integer", "number"):
        numbers = [int(value) if type_of(value) == "integer" else float(value) for value in values]
        return min(numbers), max(numbers)
    if kind in ("date", "datetime"):
        ranked = sorted(values, key=lambda value: (moment(value), value))
        return ranked[0], ranked[-1]
    return min(values), max(values)


@given(LIKE)
def test_a_profile_says_what_the_plain_model_says(batches):
    cells = [cell.strip() for batch in batches for cell in batch]
    values = [cell for cell in cells if cell not in NULLS]
    counts = Counter(values)
    profile = profiled(*batches)
    assert (profile.values, profile.nulls) == (len(values), len(cells) - len(values))
    assert profile.type == unite(map(type_of, values))
    assert profile.types == Counter(map(type_of, values))
    assert (profile.distinct, profile.distinct_exact) == (len(counts), True)
    assert (profile.min, profile.max) == extent(profile.type, values)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5]
    assert [(top.value, top.count) for top in profile.top] == [(value, count) for value, count in ranked if count > 1]
    assert profile.longest_chars == max(map(len, values), default=0)
    if profile.type in ("integer", "number"):
        exact = sum(map(Fraction, values)) / len(values)
        assert profile.mean == pytest.approx(float(exact), abs=1e-9 * max(map(abs, map(float, values))))
    else:
        assert profile.mean is None


def test_an_empty_column_is_empty():
    profile = profiled(["", " ", "NULL"])
    assert (profile.type, profile.values, profile.nulls, profile.min, profile.distinct) == ("empty", 0, 3, None, 0)
    assert profiled().type == "empty"


def test_slips_in_a_column_are_told():
    profile = profiled(["1"] * 998 + ["n/a", "?"])
    assert (profile.type, profile.types) == ("text", {"integer": 998, "text": 2})


def test_large_integers_are_exact():
    profile = profiled(["123456789012345678", "123456789012345677"])
    assert (profile.min, profile.max) == (123456789012345677, 123456789012345678)


def test_a_sum_beyond_all_floats_has_no_mean():
    profile = profiled(["1e308"] * 10)
    assert (profile.type, profile.max, profile.mean) == ("number", 1e308, None)


def test_dates_in_several_zones_are_ranked_by_their_instant():
    profile = profiled(["2024-01-01T12:00+02:00", "2024-01-01T11:00Z"])
    assert (profile.min, profile.max) == ("2024-01-01T12:00+02:00", "2024-01-01T11:00Z")


def test_long_texts_are_cut_and_their_length_is_told():
    profile = profiled(["x" * 5000, "x" * 5000, "y"])
    assert (profile.longest_chars, len(profile.longest), len(profile.min)) == (5000, MAX_SHOWN_CHARS, MAX_SHOWN_CHARS)
    assert profile.top == []


def test_many_values_are_estimated_and_the_flags_say_so():
    batches = [
        ["common"] * 50 + [f"rare {number}" for number in range(start, start + 100)] for start in range(0, 10**4, 100)
    ]
    profile = profiled(*batches, max_distinct=1000, max_frequent=200)
    assert (profile.distinct_exact, profile.top_exact) == (False, False)
    assert profile.distinct == pytest.approx(10_001, rel=0.2)
    assert [top.value for top in profile.top] == ["common"]
    assert 5000 - profile.top_error <= profile.top[0].count <= 5000


def test_an_estimate_is_never_above_the_number_of_values():
    profile = profiled([str(number) for number in range(5000)], max_distinct=100)
    assert profile.distinct <= 5000


def test_wide_tables_keep_less_per_column():
    narrow, wide = columns(["a"])[0], columns([str(number) for number in range(1000)])[0]
    cells = [str(number) for number in range(3000)]
    narrow.add(cells)
    wide.add(cells)
    assert (narrow.profile().distinct_exact, wide.profile().distinct_exact) == (True, False)


def test_equal_counts_are_in_the_order_of_their_text():
    assert profiled(["b", "a", "b", "a", "c"]).top == [TopValue("a", 2), TopValue("b", 2)]
