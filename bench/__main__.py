"""`python -m bench [--quick] [--only fanout,idle,…] [--plots]`."""

from __future__ import annotations

import argparse
import importlib
import sys
import time

from bench.harness import machine, payload, versions
from bench.harness.errors import BenchError
from bench.harness.results import RESULTS, Section, goals_table, write
from bench.harness.testbed import Mode

QUESTIONS = [
    "fanout",
    "many_tasks",
    "idle",
    "latency",
    "new_streams",
    "resume",
    "slow_readers",
    "growth",
    "scale_out",
    "access",
    "jobs",
]


def main() -> int:
    """Measure, print the tables, write the JSON. Returns the exit code: 1 if a question was not answered."""
    options = _options()
    machine.raise_file_limit()
    machine.pin_client()
    begin = time.monotonic()
    answers = [_measure(name, Mode(options.quick)) for name in options.only or QUESTIONS]
    sections = [section for section in answers if section is not None]
    goals = [goal for section in sections for goal in section.goals]
    print(goals_table(goals))
    facts = machine.facts() | {
        "quick": options.quick,
        "versions": versions.versions(),
        "payload_bytes": payload.size_bytes(),
        "seconds": round(time.monotonic() - begin),
    }
    name = _name(options, complete=len(sections) == len(QUESTIONS))
    write(sections, facts, RESULTS / f"{name}.json")
    if options.plots:
        _draw(sections, for_docs=name == "latest")
    return 0 if len(sections) == len(answers) else 1


def _name(options: argparse.Namespace, *, complete: bool) -> str:
    """The name of the result file: `latest` only for a complete and thorough run."""
    if not complete:
        return "partial"
    return "quick" if options.quick else "latest"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the streamer beside its peers.")
    parser.add_argument("--quick", action="store_true", help="all questions in about two minutes, less exactly")
    parser.add_argument("--only", type=lambda text: text.split(","), help=f"some of: {','.join(QUESTIONS)}")
    parser.add_argument("--plots", action="store_true", help="draw plots; into docs/img for a complete, thorough run")
    options = parser.parse_args()
    unknown = set(options.only or ()) - set(QUESTIONS)
    if unknown:
        parser.error(f"unknown question {', '.join(sorted(unknown))}; there are {', '.join(QUESTIONS)}")
    return options


def _measure(name: str, mode: Mode) -> Section | None:
    begin = time.monotonic()
    try:
        section: Section = importlib.import_module(f"bench.scenarios.{name}").measure(mode)
    except BenchError as error:
        print(f"{name}: not answered: {error}\n", file=sys.stderr, flush=True)
        return None
    print(section.text(), f"  ({time.monotonic() - begin:.0f} s)", "", sep="\n", flush=True)
    return section


def _draw(sections: list[Section], *, for_docs: bool) -> None:
    try:
        plots = importlib.import_module("bench.harness.plots")
    except ImportError:
        print("no plots: matplotlib is not installed (pip install -r requirements/bench.lock)", file=sys.stderr)
        return
    plots.draw(sections, plots.DOCS if for_docs else RESULTS)


if __name__ == "__main__":
    sys.exit(main())
