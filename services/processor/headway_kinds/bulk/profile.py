"""Profiles of the columns of a table, built batch by batch in bounded memory. No I/O."""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from headway_kinds.bulk.sketch import Distinct, DistinctState, Frequent, FrequentState
from headway_kinds.bulk.values import NULLS, ColumnType, ValueType, by_type, moment, unite

TOP = 5
MAX_SHOWN_CHARS = 100
MAX_TOP_CHARS = 200
"""Longer values are not counted among the most frequent."""
DISTINCT_BUDGET = 400_000
FREQUENT_BUDGET = 100_000
"""Values kept for all columns together: at most about 40 MB and 15 MB."""


class TopValue(msgspec.Struct, frozen=True):
    """A frequent value and its number of occurrences."""

    value: str
    count: int


class ColumnProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One column. Cells are stripped; empty ones, ``null``, ``NULL`` and ``\\N`` are nulls."""

    name: str
    type: ColumnType
    """The narrowest type that all values have."""
    types: dict[str, int]
    """Number of values by type: a text column with three texts among numbers is a number column with three errors."""
    values: int
    nulls: int
    distinct: int
    distinct_exact: bool
    """False if `distinct` is an estimate, within 2 % for tables of ten columns."""
    min: int | float | str | None
    max: int | float | str | None
    mean: float | None
    """Mean of integer and number columns; None for others."""
    top: list[TopValue]
    """The five most frequent values, of those that occur more than once and more than `top_error` times."""
    top_exact: bool
    """False if the counts may be too low, by at most `top_error`."""
    top_error: int
    longest: str
    """The longest value, cut to 100 characters."""
    longest_chars: int


class ColumnState(msgspec.Struct, frozen=True, array_like=True):
    """A `Column` as it is stored."""

    nulls: int
    types: dict[ValueType, int]
    distinct: DistinctState
    frequent: FrequentState
    sum: float | str
    """Text for an integer, which may have any number of digits."""
    numbers: tuple[int | float | None, int | float | None]
    moments: tuple[str, str] | None
    texts: tuple[str | None, str | None]
    longest: str


class Extent:
    """Minimum and maximum of comparable values."""

    def __init__(self, least: Any = None, greatest: Any = None) -> None:
        self.least = least
        self.greatest = greatest

    def add(self, values: Iterable[Any]) -> None:
        """Add values, at least one."""
        least, greatest = min(chosen := list(values)), max(chosen)
        self.least = least if self.least is None else min(least, self.least)
        self.greatest = greatest if self.greatest is None else max(greatest, self.greatest)


class Column:
    """One column while its cells are read.

    Args:
        max_distinct: number of distinct values that are counted exactly.
        max_frequent: number of distinct values among which the most frequent are found exactly.
    """

    def __init__(
        self, name: str, *, max_distinct: int = 40_000, max_frequent: int = 10_000, state: ColumnState | None = None
    ) -> None:
        self._name = name
        if state is not None:
            self._continue(state, max_distinct, max_frequent)
            return
        self._nulls = 0
        self._types: Counter[ValueType] = Counter()
        self._distinct = Distinct(max_distinct)
        self._frequent = Frequent(max_frequent)
        self._sum: int | float = 0
        self._numbers = Extent()
        self._moments = Extent()
        self._texts = Extent()
        self._longest = ""

    @property
    def state(self) -> ColumnState:
        """What is stored of it."""
        moments = self._moments
        return ColumnState(
            self._nulls,
            self._types,
            self._distinct.state,
            self._frequent.state,
            str(self._sum) if isinstance(self._sum, int) else self._sum,
            (self._numbers.least, self._numbers.greatest),
            None if moments.least is None else (moments.least[1], moments.greatest[1]),
            (self._texts.least, self._texts.greatest),
            self._longest,
        )

    def _continue(self, state: ColumnState, max_distinct: int, max_frequent: int) -> None:
        self._nulls, self._types, self._longest = state.nulls, Counter(state.types), state.longest
        self._distinct = Distinct(max_distinct, state.distinct)
        self._frequent = Frequent(max_frequent, state.frequent)
        self._sum = int(state.sum) if isinstance(state.sum, str) else state.sum
        self._numbers, self._texts = Extent(*state.numbers), Extent(*state.texts)
        self._moments = Extent(*((moment(text), text) for text in state.moments or ()))

    def add(self, cells: Iterable[str]) -> None:
        """Add cells. Equal cells cost little more than one, so add many at once."""
        counts = Counter(map(str.strip, cells))
        for null in NULLS:
            self._nulls += counts.pop(null, 0)
        if not counts:
            return
        self._add_texts(counts)
        for kind, values in by_type(counts).items():
            self._types[kind] += sum(map(counts.__getitem__, values))
            if kind in ("integer", "number"):
                numbers = list(map(int if kind == "integer" else float, values))
                self._numbers.add(numbers)
                self._sum += sum(map(operator.mul, numbers, map(counts.__getitem__, values)))
            elif kind in ("date", "datetime"):
                self._moments.add((moment(value), value) for value in values)

    def profile(self) -> ColumnProfile:
        """Return the profile of the cells so far."""
        kind = unite(self._types)
        values = self._types.total()
        least, greatest = self._extent(kind)
        return ColumnProfile(
            name=self._name,
            type=kind,
            types=dict(sorted(self._types.items())),
            values=values,
            nulls=self._nulls,
            distinct=min(self._distinct.estimate(), values),
            distinct_exact=self._distinct.exact,
            min=least,
            max=greatest,
            mean=self._mean(kind, values),
            top=self._top(),
            top_exact=self._frequent.error == 0,
            top_error=self._frequent.error,
            longest=_short(self._longest),
            longest_chars=len(self._longest),
        )

    def _add_texts(self, counts: Counter[str]) -> None:
        self._texts.add(counts)
        self._distinct.add(counts)
        longest = max(counts, key=len)
        if len(longest) > len(self._longest):
            self._longest = longest
        if len(longest) > MAX_TOP_CHARS:
            self._frequent.add({value: count for value, count in counts.items() if len(value) <= MAX_TOP_CHARS})
        else:
            self._frequent.add(counts)

    def _extent(self, kind: ColumnType) -> tuple[int | float | str | None, int | float | str | None]:
        if kind in ("integer", "number"):
            return self._numbers.least, self._numbers.greatest
        if kind in ("date", "datetime"):
            return self._moments.least[1], self._moments.greatest[1]
        if kind == "empty":
            return None, None
        return _short(self._texts.least), _short(self._texts.greatest)

    def _top(self) -> list[TopValue]:
        least = max(1, self._frequent.error)  # below it the order would be random
        return [TopValue(_short(value), count) for value, count in self._frequent.top(TOP) if count > least]

    def _mean(self, kind: ColumnType, values: int) -> float | None:
        if kind not in ("integer", "number"):
            return None
        mean = self._sum / values
        return mean if math.isfinite(mean) else None


def columns(names: Sequence[str], states: Sequence[ColumnState] | None = None) -> list[Column]:
    """Return a column for each name; together they stay within the budgets. They continue from `states`, if given."""
    max_distinct = min(max(DISTINCT_BUDGET // len(names), 1000), 100_000)
    max_frequent = min(max(FREQUENT_BUDGET // len(names), 100), 10_000)
    return [
        Column(name, max_distinct=max_distinct, max_frequent=max_frequent, state=states[place] if states else None)
        for place, name in enumerate(names)
    ]


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN_CHARS else text[: MAX_SHOWN_CHARS - 1] + "…"
