"""`python -m bench.compare --base <commit> [--only A,C] [--pairs 7] [--quick]`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.compare import load, trees
from bench.compare.questions import DEFAULT, QUESTIONS, Pair
from bench.compare.ratios import BASE, ENOUGH_PAIRS, NEW, Sample, collect, report, sides_in_order
from bench.harness import machine
from bench.harness.errors import BenchError
from bench.harness.results import RESULTS
from bench.harness.testbed import Mode

FILE = RESULTS / "compare.json"
INTERRUPTED = 130


def main() -> int:
    """Compare, print the table, write the JSON. Returns the exit code: 1 after an error, 130 after an interrupt."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    machine.raise_file_limit()
    machine.pin_client()
    try:
        return _compare(options)
    except trees.TreeError as error:
        print(f"bench-compare: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _compare(options: argparse.Namespace) -> int:
    commit, dirty, run = trees.resolve(options.base), trees.is_dirty(), Run(options)
    _status(f"base {commit[:12]}, new {trees.resolve('HEAD')[:12]}{' with uncommitted changes' if dirty else ''}")
    with ExitStack() as stack:
        tree = stack.enter_context(trees.checked_out(commit))
        run.measure({BASE: trees.prepare(tree), NEW: trees.prepare(trees.ROOT)})
    if run.samples:
        run.print()
        facts = {"base": commit, "new": trees.resolve("HEAD"), "dirty": dirty, "quick": options.quick}
        run.write(facts | machine.facts(), options.output)
    return INTERRUPTED if run.interrupted else 1 if run.failed else 0


class Run:
    """The pairs of all questions: all questions once, then all again, so that each sees the whole time."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.samples: list[Sample] = []
        self.failed: dict[str, str] = {}
        self.interrupted = False
        self._names: list[str] = options.only
        self._pairs: int = options.pairs
        self._mode = Mode(options.quick)
        self._other_share = 0.0

    def measure(self, folders: Mapping[str, Sequence[Path]]) -> None:
        """Measure all pairs. After an interrupt the pairs so far count."""
        other, begin = load.OtherLoad(), time.monotonic()
        try:
            for number in range(self._pairs):
                pair = Pair({side: folders[side] for side in sides_in_order(number)}, self._mode)
                for place, name in enumerate(self._names, number * len(self._names)):
                    if name not in self.failed:
                        self._measure(name, pair, f"pair {number + 1}/{self._pairs}")
                    _status_remaining(begin, place + 1, self._pairs * len(self._names))
        except KeyboardInterrupt:
            self.interrupted = True
            _status("interrupted: the result has the pairs so far")
        self._other_share = other.share()

    def _measure(self, name: str, pair: Pair, prefix: str) -> None:
        try:
            found = QUESTIONS[name](pair)
        except BenchError as error:
            self.failed[name] = str(error)
            _status(f"{name}: not answered: {error}")
            return
        self.samples += found
        for sample in found:
            _status(
                f"{prefix}  {sample.metric.label}: {sample.base:,.6g} → {sample.new:,.6g}, ratio {sample.ratio:.3f}"
            )

    def notes(self) -> list[str]:
        """Remarks on how far to trust the result."""
        notes = [load.note(self._other_share)]
        if self._pairs < ENOUGH_PAIRS or self.interrupted:
            notes.append(f"A claim needs at least {ENOUGH_PAIRS} pairs.")
        notes += [f"{name}: not answered: {reason}" for name, reason in self.failed.items()]
        return [note for note in notes if note]

    def print(self) -> None:
        """Print the table and the notes."""
        print(report(collect(self.samples)), *self.notes(), sep="\n", flush=True)

    def write(self, facts: dict[str, Any], path: Path) -> None:
        """Write the result as JSON."""
        found = {comparison.metric.label: comparison.record() for comparison in collect(self.samples)}
        path.parent.mkdir(parents=True, exist_ok=True)
        record = {**facts, "other_load": round(self._other_share, 3), "notes": self.notes(), "questions": found}
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        _status(f"written to {path}")


def _options() -> argparse.Namespace:
    known = ",".join(QUESTIONS)
    parser = argparse.ArgumentParser(
        prog="python -m bench.compare",
        description="Compare the speed of a commit with that of the working tree.",
        usage="make bench-compare BASE=<commit> [ONLY=A,C] [PAIRS=7] [QUICK=1]",
    )
    parser.add_argument("--base", required=True, help="the commit to compare with")
    parser.add_argument("--only", type=_names, default=DEFAULT, help=f"some of {known}; without it {','.join(DEFAULT)}")
    parser.add_argument("--pairs", type=int, default=ENOUGH_PAIRS, help="number of pairs")
    parser.add_argument("--output", type=Path, default=FILE, help="file for the result as JSON")
    parser.add_argument("--quick", action="store_true", help="shorter windows, fewer connections")
    options = parser.parse_args()
    if not options.base:
        parser.error("name the commit to compare with: make bench-compare BASE=<commit>")
    if options.pairs < 1:
        parser.error("PAIRS must be at least 1")
    return options


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in QUESTIONS]:
        raise argparse.ArgumentTypeError(f"unknown question {', '.join(unknown)}; there are {', '.join(QUESTIONS)}")
    return names or DEFAULT


def _status_remaining(begin: float, done: int, total: int) -> None:
    remaining = (time.monotonic() - begin) / done * (total - done)
    if done < total:
        _status(f"          {done} of {total} measured, about {remaining / 60:.0f} min left")


def _status(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
