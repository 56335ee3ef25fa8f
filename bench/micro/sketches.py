"""Distinct and frequent values: the sketches of the kind `bulk` beside datasketches.

python -m bench.micro.sketches
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from headway_kinds.bulk.sketch import Distinct, Frequent

VALUES = [f"v{number % 150_000}" for number in range(400_000)]
BATCHES = [VALUES[start : start + 900] for start in range(0, len(VALUES), 900)]
TIMES = 3


def own_distinct() -> float:
    sketch = Distinct(40_000)
    for batch in BATCHES:
        sketch.add(batch)
    return sketch.estimate()


def own_frequent() -> float:
    sketch = Frequent(10_000)
    for batch in BATCHES:
        sketch.add(Counter(batch))
    return sketch.error


def hll() -> float:
    import datasketches

    sketch = datasketches.hll_sketch(16)
    for value in VALUES:
        sketch.update(value)
    return sketch.get_estimate()


def frequent_items() -> float:
    import datasketches

    sketch = datasketches.frequent_strings_sketch(15)
    for batch in BATCHES:
        for value, count in Counter(batch).items():
            sketch.update(value, count)
    return sketch.get_epsilon_for_lg_size(15) * len(VALUES)


RUNS: dict[str, Callable[[], float]] = {
    "own distinct": own_distinct,
    "datasketches hll": hll,
    "own frequent": own_frequent,
    "datasketches frequent": frequent_items,
}


def main() -> None:
    print(f"{'400,000 values, 150,000 of them distinct':42} CPU ns a value   estimate or error")
    for name, run in RUNS.items():
        try:
            times, given = [], 0.0
            for _ in range(TIMES):
                began = time.process_time()
                given = run()
                times.append(time.process_time() - began)
        except ImportError as error:
            print(f"{name:42} skipped: {error}")
        else:
            print(f"{name:42} {min(times) / len(VALUES) * 1e9:14.0f}   {given:,.0f}")


if __name__ == "__main__":
    main()
