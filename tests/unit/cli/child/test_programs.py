"""Whole outputs of real programs, recorded on a terminal of 80 columns unless the name says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.cli.child.followed_bar import Change, FollowedBar
from headway.cli.child.output_lines import OutputLines
from headway.cli.child.recognition import recognise

OUTPUTS = Path(__file__).parent / "outputs"


def changes(name: str, step: int) -> list[Change]:
    """What a task shows of an output that arrives in pieces of `step` bytes."""
    data = (OUTPUTS / f"{name}.txt").read_bytes()
    lines, bar, found = OutputLines(), FollowedBar(), []
    for start in range(0, len(data), step):
        for line in lines.feed(data[start : start + step]):
            seen = recognise(line.text, redrawn=line.redrawn)
            change = None if seen is None else bar.take(seen)
            if change is not None:
                found.append(change)
    return found


@pytest.mark.parametrize(
    ("name", "bars", "last"),
    [
        ("make", [""], (100, 100, "%")),
        ("ninja", [""], (13, 13, "")),
        ("ninja-pipe", [""], (13, 13, "")),
        ("pytest", [""], (100, 100, "%")),
        ("curl", [""], (100, 100, "%")),
        ("curl-bar", [""], (100, 100, "%")),
        ("wget", ["/dev/null"], (100, 100, "%")),
        ("wget-dots", [""], (100, 100, "%")),
        ("rsync", [""], (100, 100, "%")),
        ("dd", [""], (24_322_768_896, None, "B")),
        ("rich", ["Working"], (100, 100, "%")),
        ("pip", ["", ""], (7.1e6, 7.1e6, "B")),
        (
            "git",
            ["remote: Counting objects", "remote: Compressing objects", "Receiving objects", "Resolving deltas"],
            (6209, 6209, ""),
        ),
        ("tqdm", ["files", "", ""], (50, None, "it")),
        (
            "apt",
            ["Reading package lists", "Building dependency tree", "Reading state information", "Reading database"],
            (100, 100, "%"),
        ),
        ("npm", [], None),
        ("df", [], None),
    ],
)
def test_the_bars_of_a_program_are_followed_to_their_end(
    name: str, bars: list[str], last: tuple[float, float | None, str] | None
) -> None:
    found = changes(name, 64 * 1024)
    assert [change.seen.label if change.seen.bar else "" for change in found if change.begins] == bars
    assert (found[-1].seen[2:] if found else None) == last


@pytest.mark.parametrize("name", sorted(path.stem for path in OUTPUTS.glob("*.txt")))
def test_it_does_not_matter_where_reads_are_cut(name: str) -> None:
    for step in (1, 7, 97):
        assert changes(name, step) == changes(name, 64 * 1024)
